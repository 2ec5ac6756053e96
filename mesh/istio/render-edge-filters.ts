import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { tokenParts } from '../envoy/token-filters.js';
import { renderEnvoyConfig, upstreams } from '../envoy/render-config.js';
import { projectRoot } from '../../platform/process/project-root.js';

// What of Envoy's configuration this reads; the rest passes through as it is.
interface Filter {
  readonly name: string;
  /** Unless a route enables it. */
  readonly disabled?: boolean;
  readonly typed_config: Record<string, unknown>;
}
interface Route {
  readonly name: string;
  readonly route?: Record<string, unknown>;
  readonly typed_per_filter_config?: PerFilter;
}
type PerFilter = Readonly<
  Record<string, { readonly '@type': string; readonly config?: object; readonly disabled?: true }>
>;
interface ConnectionManager extends Record<string, unknown> {
  readonly http_filters: readonly Filter[];
  readonly route_config: {
    readonly virtual_hosts: readonly [{ readonly typed_per_filter_config: object; readonly routes: readonly Route[] }];
  };
}

/** Where the rendered resource is committed: kustomize cannot render it. */
export const tokensFilterPath = join(projectRoot, 'mesh/istio/components/jwt/tokens.gen.yaml');
export const edgeFiltersPath = join(projectRoot, 'mesh/istio/edge-filters.gen.yaml');

// Istio's gateway has these from its own resources, or must choose them itself.
const istiosOwn = [
  '@type',
  'stat_prefix',
  'codec_type',
  'server_name',
  'access_log',
  'tracing',
  'http_filters',
  'route_config',
];
const istiosOwnFilters = ['envoy.filters.http.cors', 'envoy.filters.http.router'];

/** The connection manager of mesh/envoy/envoy.yaml, with the placeholders filled as for a cluster. */
export function edgeConnectionManager(): ConnectionManager {
  return edgeNetworkFilters().at(-1)?.typed_config as ConnectionManager;
}

function edgeNetworkFilters(): readonly Filter[] {
  // Istio's filter for tokens leaves there what they say.
  const tokenMetadata = 'payload';
  const nowhere = { listenHost: '0.0.0.0', port: 0, threadsPort: 0, messengerPort: 0, bookingPort: 0, adminPort: 0 };
  const config = renderEnvoyConfig({
    ...nowhere,
    upstreams: upstreams(() => []),
    descriptorSetPath: '',
    tokenMetadata,
  });
  const parsed = parse(config) as {
    static_resources: { listeners: [{ filter_chains: [{ filters: Filter[] }] }] };
  };
  return parsed.static_resources.listeners[0].filter_chains[0].filters;
}

/**
 * The EnvoyFilter that gives Istio's gateway what Istio has no resource for: transcoding with the older error bodies,
 * CORS, the edge's limits. All of it comes from mesh/envoy/envoy.yaml and legacy-errors.lua.
 * @param descriptorSet of the services to transcode
 */
export function renderEdgeFilters(descriptorSet: Buffer): string {
  const manager = edgeConnectionManager();
  const host = manager.route_config.virtual_hosts[0];
  const filters = manager.http_filters.filter(({ name }) => !istiosOwnFilters.includes(name));
  const enabledByRoutes = new Set(host.routes.flatMap(enabledBy));
  const complete = filters
    .map((filter) => (enabledByRoutes.has(filter.name) ? { ...filter, disabled: undefined } : filter))
    .map((filter) => withDescriptors(filter, descriptorSet));
  // Istio's own filters, its policies for one, stand between those and the others.
  const behindFirst = complete.findIndex(({ name }) => name === 'legacy_errors') + 1;
  const settings = Object.fromEntries(Object.entries(manager).filter(([name]) => !istiosOwn.includes(name)));
  const router = manager.http_filters.at(-1);
  if (behindFirst === 0 || router?.name !== 'envoy.filters.http.router') {
    throw new Error('envoy.yaml no longer has an HTTP filter legacy_errors, and the router as its last');
  }
  // Patches refer to Istio's own filters, so whoever adds more knows where these stand.
  const resource = gatewayFilter('edge-filters', 10, [
    ...edgeNetworkFilters()
      .slice(0, -1)
      .map((filter) => patch('NETWORK_FILTER', filterChain(), 'INSERT_BEFORE', filter)),
    patch('NETWORK_FILTER', filterChain(), 'MERGE', {
      name: 'envoy.filters.network.http_connection_manager',
      typed_config: { '@type': manager['@type'], ...settings },
    }),
    ...complete
      .slice(0, behindFirst)
      .toReversed()
      .map((filter) => patch('HTTP_FILTER', filterChain(), 'INSERT_FIRST', filter)),
    ...complete
      .slice(behindFirst)
      .map((filter) => patch('HTTP_FILTER', filterChain(router.name), 'INSERT_BEFORE', filter)),
    patch('HTTP_FILTER', filterChain(router.name), 'MERGE', router),
    patch('VIRTUAL_HOST', {}, 'MERGE', {
      typed_per_filter_config: host.typed_per_filter_config,
    }),
    ...host.routes.map((route) => disabledWhereNotEnabled(route, enabledByRoutes)).flatMap(routePatches),
  ]);
  const note = '# Generated by `npm run gen` (render-edge-filters.ts) from mesh/envoy and proto; edit those.\n';
  return note + stringify(resource, { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true });
}

/** What changes the filters of Istio's gateway. @param priority those with a higher one come later */
function gatewayFilter(name: string, priority: number, configPatches: readonly object[]): object {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name, namespace: 'threadweaver' },
    spec: {
      priority,
      workloadSelector: { labels: { 'app.kubernetes.io/name': 'mesh-gateway' } },
      configPatches,
    },
  };
}

/** The EnvoyFilter of the component jwt: tokens are where Istio looks for them, whichever way they come. */
export function renderTokensFilter(): string {
  const [filter] = tokenParts(
    { jwks: [], openPaths: [] },
    readFileSync(join(projectRoot, 'mesh/envoy/tokens.lua'), 'utf8'),
  ).TOKENS_FIRST;
  // After edge-filters, and so before all of its filters.
  const resource = gatewayFilter('edge-tokens', 20, [
    patch('HTTP_FILTER', filterChain(), 'INSERT_FIRST', filter as object),
  ]);
  return `# Generated by \`npm run gen\` (render-edge-filters.ts) from mesh/envoy; edit that.\n${stringify(resource, { lineWidth: 0, singleQuote: true })}`;
}

/** The descriptors of the older REST API only: the whole set would be too large for `kubectl apply`. */
export function restDescriptorSet(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'threadweaver-descriptors-'));
  try {
    const path = join(folder, 'rest.binpb');
    const types = transcodedServices().flatMap((service) => ['--type', service]);
    const buf = join(projectRoot, 'node_modules/.bin/buf');
    execFileSync(buf, ['build', '--exclude-source-info', ...types, '-o', path], { cwd: projectRoot });
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the files that kustomize takes. */
export function writeEdgeFilters(): void {
  writeFileSync(edgeFiltersPath, renderEdgeFilters(restDescriptorSet()));
  writeFileSync(tokensFilterPath, renderTokensFilter());
}

function transcodedServices(): readonly string[] {
  const transcoder = edgeConnectionManager().http_filters.find(isTranscoder);
  return transcoder?.typed_config.services as string[];
}

function isTranscoder({ name }: Filter): boolean {
  return name === 'envoy.filters.http.grpc_json_transcoder';
}

/** A gateway's pod has no file of ours: the descriptors travel in the configuration. */
function withDescriptors(filter: Filter, descriptorSet: Buffer): Filter {
  if (!isTranscoder(filter)) return filter;
  const { proto_descriptor: _file, ...config } = filter.typed_config;
  return { ...filter, typed_config: { ...config, proto_descriptor_bin: descriptorSet.toString('base64') } };
}

const FILTER_CONFIG = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';

/** Filters that the route enables by an empty configuration. */
function enabledBy({ typed_per_filter_config = {} }: Route): string[] {
  return Object.entries(typed_per_filter_config).flatMap(([name, entry]) =>
    entry['@type'] === FILTER_CONFIG && entry.config !== undefined ? [name] : [],
  );
}

/**
 * Istio's validation takes no empty configuration, by which Envoy's routes enable a filter. So there these filters are on,
 * and off on each of the other routes, of which the last takes every path.
 */
function disabledWhereNotEnabled(route: Route, names: ReadonlySet<string>): Route {
  const enabled = enabledBy(route);
  const others = Object.entries(route.typed_per_filter_config ?? {}).filter(([name]) => !enabled.includes(name));
  const disabled = [...names]
    .filter((name) => !enabled.includes(name))
    .map((name) => [name, { '@type': FILTER_CONFIG, disabled: true as const }] as const);
  const perFilter: PerFilter = Object.fromEntries<PerFilter[string]>([...others, ...disabled]);
  return { ...route, typed_per_filter_config: perFilter };
}

// With the VirtualService's `timeout` alone, gRPC clients would get UNAVAILABLE and not DEADLINE_EXCEEDED.
const routeSettingsOfEnvoy = ['max_stream_duration', 'idle_timeout', 'host_rewrite_literal'];

/** What a VirtualService cannot say of the route that has the same name there, or need not say again. */
function routePatches({ name, route = {}, typed_per_filter_config }: Route): object[] {
  const settings = Object.entries(route).filter(([setting]) => routeSettingsOfEnvoy.includes(setting));
  if (settings.length === 0 && typed_per_filter_config === undefined) return [];
  const value = { ...(settings.length > 0 && { route: Object.fromEntries(settings) }), typed_per_filter_config };
  return [patch('HTTP_ROUTE', { routeConfiguration: { vhost: { route: { name } } } }, 'MERGE', value)];
}

function filterChain(subFilter?: string): object {
  const filter = { name: 'envoy.filters.network.http_connection_manager' };
  return { listener: { filterChain: { filter: subFilter ? { ...filter, subFilter: { name: subFilter } } : filter } } };
}

function patch(applyTo: string, match: object, operation: string, value: object): object {
  return { applyTo, match: { context: 'GATEWAY', ...match }, patch: { operation, value } };
}
