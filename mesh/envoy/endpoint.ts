/** Where a service listens. */
export interface Endpoint {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
}

/** As the `lb_endpoints` of one of Envoy's clusters. */
export function lbEndpoints(endpoints: readonly Endpoint[]): object[] {
  return endpoints.map(({ host, port }) => ({
    endpoint: { address: { socket_address: { address: host, port_value: port } } },
  }));
}

/** A secret as a file of Envoy's secret discovery. @param content what it is, such as `tls_certificate` */
export function secretFile(name: string, content: object): string {
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
  return JSON.stringify({ resources: [{ '@type': type, name, ...content }] });
}
