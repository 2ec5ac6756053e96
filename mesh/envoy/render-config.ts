import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TracingSettings } from '../../platform/telemetry/tracing.js';
import { projectRoot } from '../../platform/process/project-root.js';
import { lbEndpoints, secretFile, type Endpoint } from './endpoint.js';
import { otlpClusters, tracingOf } from './render-tracing.js';
import { TOKEN_METADATA, tokenParts, type EdgeTokens } from './token-filters.js';
import { type UpstreamName, upstreamNames } from '../services.js';

/** Where the instances of each service listen that Envoy has a cluster of. */
export type Upstreams = Readonly<Record<UpstreamName, readonly Endpoint[]>>;

/** Asks for the instances of each such service. */
export function upstreams(endpointsOf: (service: UpstreamName) => readonly Endpoint[]): Upstreams {
  return Object.fromEntries(upstreamNames.map((name) => [name, endpointsOf(name)])) as unknown as Upstreams;
}

/** What differs between one run of Envoy and another. */
export interface EnvoySettings {
  /** The address that the four ports listen on. */
  readonly listenHost: string;
  /** Serves everything, as the three older ports do. */
  readonly port: number;
  /** The older Thread Weaver's port. */
  readonly threadsPort: number;
  /** The older messenger's port. */
  readonly messengerPort: number;
  /** The older booking system's port. */
  readonly bookingPort: number;
  /** On loopback only. */
  readonly adminPort: number;
  /** The path of a socket that its user alone may use, instead of that port. @default the port */
  readonly adminSocket?: string;
  /** Every instance of each service that clients can call. */
  readonly upstreams: Upstreams;
  /** The API's descriptor set, as `buf build` writes it. */
  readonly descriptorSetPath: string;
  /**
   * The origins whose pages may call the API: a regular expression (RE2) that has to match the whole origin.
   * @default every port of localhost
   */
  readonly corsOrigins?: string;
  /**
   * How long a unary call may take, repeats included, and at most for clients that set a deadline of their own.
   * @default 15_000
   */
  readonly callTimeoutMs?: number;
  /** Connections of one address (of IPv6: of one /64) at once, for each of Envoy's worker threads. @default 2500 */
  readonly maxConnectionsPerAddress?: number | undefined;
  /**
   * Bytes that one address may have sent without an answer yet (bodies of HTTP/1.1 that are not complete), for each
   * worker thread. @default 128 MiB
   */
  readonly maxUnansweredBytesPerAddress?: number;
  /**
   * Calls a second of one address (of IPv6: of one /64) without a token that is good; twice as many at once. At least 10.
   * @default 10_000
   */
  readonly maxCallsPerSecondOfAddress?: number | undefined;
  /** Calls a second with tokens of one subject, wherever they come from; twice as many at once. At least 10. @default 1000 */
  readonly maxCallsPerSecondOfSubject?: number | undefined;
  /** Envoy's memory at most; near it, the streams that hold most are reset. @default 1 GiB */
  readonly maxHeapBytes?: number;
  /** A further port, on which it serves the same over TLS. @default none */
  readonly tls?: { readonly port: number; /** As `certificateSecret` makes it. */ readonly certificateFile: string };
  /** Where the filter that checks tokens leaves what they say. @default where that of `tokens` does */
  readonly tokenMetadata?: string;
  /** How it asks for tokens. @default it does not */
  readonly tokens?: EdgeTokens | undefined;
  /** Where traces go, and which are recorded; an empty endpoint for none. @default none */
  readonly tracing?: TracingSettings | undefined;
}

const LOCAL_ORIGINS = 'https?://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[0-9]+)?';

/**
 * Envoy's configuration as YAML, complete in itself but for the descriptor set.
 * @throws Error when the template and these settings do not fit together
 */
export function renderEnvoyConfig(settings: EnvoySettings): string {
  const template = readTemplate('envoy.yaml');
  const values: Record<string, string> = {
    LISTEN_HOST: JSON.stringify(settings.listenHost),
    PORT: String(settings.port),
    THREADS_PORT: String(settings.threadsPort),
    MESSENGER_PORT: String(settings.messengerPort),
    BOOKING_PORT: String(settings.bookingPort),
    ADMIN_ADDRESS: adminAddress(settings),
    DESCRIPTOR_SET_PATH: JSON.stringify(settings.descriptorSetPath),
    CORS_ORIGINS: JSON.stringify(settings.corsOrigins ?? LOCAL_ORIGINS),
    CALL_TIMEOUT: `${(settings.callTimeoutMs ?? 15_000) / 1_000}s`,
    HEALTH_ROUTING_LUA: readTemplate('health-routing.lua'),
    STRICT_JSON_LUA: readTemplate('strict-json.lua'),
    CONNECTIONS_WASM: JSON.stringify(readFile('wasm/connections-per-address.wasm').toString('base64')),
    ADDRESS_LIMITS: JSON.stringify(
      `${settings.maxConnectionsPerAddress ?? 2_500} ${settings.maxUnansweredBytesPerAddress ?? 128 * 1024 * 1024}`,
    ),
    TRACING: tracingOf(settings.tracing),
    TOKEN_METADATA: settings.tokenMetadata ?? TOKEN_METADATA,
    ADDRESS_RATE: tokenBucket(settings.maxCallsPerSecondOfAddress ?? 10_000),
    SUBJECT_RATE: tokenBucket(settings.maxCallsPerSecondOfSubject ?? 1_000),
    MAX_HEAP_BYTES: String(settings.maxHeapBytes ?? 1024 * 1024 * 1024),
    LEGACY_ERRORS_LUA: fill(readTemplate('legacy-errors.lua'), { MESSENGER_PORT: String(settings.messengerPort) }),
    ...(settings.tls && {
      TLS_PORT: String(settings.tls.port),
      TLS_CERTIFICATE_FILE: JSON.stringify(settings.tls.certificateFile),
    }),
  };
  const parts = tokenParts(settings.tokens, readTemplate('tokens.lua'));
  const entries: Record<string, readonly string[]> = {
    CLUSTERS: [
      ...upstreamNames.map((name) => cluster(name, settings.upstreams[name])),
      ...otlpClusters(settings.tracing),
    ],
    TLS_LISTENER: settings.tls === undefined ? [] : [readTemplate('tls-listener.yaml').trimEnd()],
    // JSON writes each on one line.
    ...Object.fromEntries(
      Object.entries(parts).map(([name, list]) => [
        name,
        (list as readonly object[]).map((part) => `- ${JSON.stringify(part)}`),
      ]),
    ),
  };
  const lines = template.split('\n').flatMap((line) => withEntries(line, entries));
  return fill(lines.join('\n'), values);
}

/**
 * A certificate and its key as a file of Envoy's secret discovery. Both are in one file, so that they change at once.
 * @param certificate PEM, with those between it and the root behind it
 * @param key PEM
 */
export function certificateSecret(certificate: string, key: string): string {
  return secretFile('edge', {
    tls_certificate: { certificate_chain: { inline_string: certificate }, private_key: { inline_string: key } },
  });
}

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template
    .split('\n')
    .map((line) => (line.trimStart().startsWith('#') ? line : fillLine(line, values)))
    .join('\n');
}

/** The cluster of a service, as an entry of a YAML list. */
function cluster(name: UpstreamName, endpoints: readonly Endpoint[]): string {
  return fill(readTemplate('cluster.yaml').trimEnd(), {
    NAME: name,
    ENDPOINTS: JSON.stringify(lbEndpoints(endpoints)),
  });
}

/** Filled ten times a second, so that nobody waits long for the next call. */
function tokenBucket(perSecond: number): string {
  return JSON.stringify({
    max_tokens: 2 * perSecond,
    tokens_per_fill: Math.max(1, Math.round(perSecond / 10)),
    fill_interval: '0.1s',
  });
}

function adminAddress({ adminPort, adminSocket }: EnvoySettings): string {
  if (adminSocket === undefined) return `{ socket_address: { address: 127.0.0.1, port_value: ${adminPort} } }`;
  return `{ pipe: { path: ${JSON.stringify(adminSocket)}, mode: ${0o600} } }`;
}

/** Quotes around a placeholder only keep the template valid YAML. A value of several lines keeps the indentation of the line that it stands on. */
function fillLine(line: string, values: Readonly<Record<string, string>>): string {
  const indent = ' '.repeat(line.length - line.trimStart().length);
  return line.replace(/'\$\{([A-Z_]+)\}'|\$\{([A-Z_]+)\}/g, (placeholder) => {
    const name = placeholder.replace(/[^A-Z_]/g, '');
    const value = values[name];
    if (value === undefined) throw new Error(`Envoy's template has a placeholder ${name} that nothing fills`);
    return value.trimEnd().replaceAll('\n', `\n${indent}`);
  });
}

/** A line that stands for entries of a list, by those entries; the others as they are. */
function withEntries(line: string, entries: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const [, indent, name] = /^( *)- '\$\{([A-Z_]+)\}'$/.exec(line) ?? [];
  const own = name === undefined ? undefined : entries[name];
  return own?.map((entry) => indent + entry.replaceAll('\n', `\n${indent}`)) ?? [line];
}

// The compiled module lies under dist, the templates only here.
function readTemplate(name: string): string {
  return readFile(name).toString();
}

function readFile(name: string): Buffer {
  return readFileSync(join(projectRoot, 'mesh/envoy', name));
}
