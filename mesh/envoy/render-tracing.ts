import type { TracingSettings } from '../../platform/telemetry/tracing.js';
import { lbEndpoints } from './endpoint.js';

/** The part of the connection manager that begins traces, or takes part in the caller's; as JSON. */
export function tracingOf(settings: TracingSettings | undefined): string {
  if (!settings?.endpoint) return 'null';
  return JSON.stringify({
    // The sampler decides.
    random_sampling: { value: 100 },
    operation: 'edge %REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%',
    // Queries may hold a token, or words that somebody searches for.
    max_path_tag_length: 0,
    custom_tags: [{ tag: 'url.path', value: '%PATH(NQ:ORIG)%' }],
    provider: {
      name: 'envoy.tracers.opentelemetry',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig',
        http_service: { http_uri: { uri: settings.endpoint, cluster: 'otlp', timeout: '5s' } },
        service_name: 'edge',
        sampler: sampler(settings),
      },
    },
  });
}

function sampler({ sampler: name, ratio }: TracingSettings): object {
  const samplerOf = (kind: string, config: object = {}): object => ({
    name: `envoy.tracers.opentelemetry.samplers.${kind}`,
    typed_config: {
      '@type': `type.googleapis.com/envoy.extensions.tracers.opentelemetry.samplers.v3.${samplerTypes[kind]}`,
      ...config,
    },
  });
  const isOn = name.endsWith('always_on');
  const share = name.endsWith('always_off') ? 0 : Math.round(ratio * 1_000_000);
  const sampling_percentage = { numerator: share, denominator: 'MILLION' };
  const own = isOn ? samplerOf('always_on') : samplerOf('trace_id_ratio_based', { sampling_percentage });
  return name.startsWith('parentbased') ? samplerOf('parent_based', { wrapped_sampler: own }) : own;
}

const samplerTypes: Readonly<Record<string, string>> = {
  always_on: 'AlwaysOnSamplerConfig',
  trace_id_ratio_based: 'TraceIdRatioBasedSamplerConfig',
  parent_based: 'ParentBasedSamplerConfig',
};

/** The receiver of traces, as an entry of a YAML list; none when there is none. */
export function otlpClusters(settings: TracingSettings | undefined): string[] {
  if (!settings?.endpoint) return [];
  const { hostname, port, protocol } = new URL(settings.endpoint);
  const isSecure = protocol === 'https:';
  const receiver = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (isSecure ? 443 : 80) };
  const tls = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const cluster = {
    ...{ name: 'otlp', type: 'STRICT_DNS', connect_timeout: '1s' },
    load_assignment: { cluster_name: 'otlp', endpoints: [{ lb_endpoints: lbEndpoints([receiver]) }] },
    ...(isSecure && { transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: { '@type': tls } } }),
  };
  return [`- ${JSON.stringify(cluster)}`];
}
