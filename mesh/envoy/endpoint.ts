/** Where a service listens. */
export interface Endpoint {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
}
