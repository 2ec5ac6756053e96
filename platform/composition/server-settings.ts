import { ClientAddresses, DEFAULT_TRUSTED_PROXIES } from '../grpc/client-address.js';
import type { ServerLimits } from '../grpc/grpc-server.js';
import { authSettings } from './identity-settings.js';
import {
  choice,
  combined,
  group,
  integer,
  invalidSetting,
  LONGEST_MS,
  port,
  type Setting,
  type SettingsOf,
  text,
} from '../process/settings.js';
import { tracingSettings } from './tracing-settings.js';

const milliseconds = { minimum: 100, maximum: LONGEST_MS };
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const trustedProxies = combined(
  {
    networks: text(
      'TRUSTED_PROXIES',
      { default: DEFAULT_TRUSTED_PROXIES, shown: 'loopback and private networks' },
      'addresses and networks, with commas between them, whose `x-forwarded-for` says who the client is',
    ),
  },
  ({ networks }) => {
    try {
      new ClientAddresses(networks);
    } catch (error) {
      throw invalidSetting(`TRUSTED_PROXIES: ${(error as Error).message}`);
    }
    return networks;
  },
);

/** What clients may have of the gRPC port (docs/limits.md). */
const limits: Setting<ServerLimits> = group({
  maxConnections: integer(
    'MAX_CONNECTIONS',
    { default: 5_000, minimum: 1 },
    'connections to the gRPC port at once; more are closed ([limits.md](limits.md) has all bounds, and why these figures)',
  ),
  maxConnectionsPerPeer: integer(
    'MAX_CONNECTIONS_PER_PEER',
    { default: 2_000, minimum: 1 },
    "of them, so many of one address (of IPv6: one /64); all of one Envoy's are one address's",
  ),
  connectionIdleMs: integer(
    'CONNECTION_IDLE_MS',
    { default: 300_000, ...milliseconds },
    'a connection on which nothing is called is closed after so long',
  ),
  maxCallsPerClient: integer(
    'MAX_CALLS_PER_CLIENT',
    { default: 2_500, minimum: 1 },
    'calls of one client at once, watches and answers that are not yet taken included; more are RESOURCE_EXHAUSTED (TOO_MANY_CALLS)',
  ),
  maxUnfinishedPerClient: integer(
    'MAX_UNFINISHED_PER_CLIENT',
    { default: 64, minimum: 1 },
    'of them, calls whose request is not complete after a second (TOO_MANY_UNFINISHED_CALLS)',
  ),
  requestTimeoutMs: integer(
    'REQUEST_TIMEOUT_MS',
    { default: 10_000, ...milliseconds },
    'a request must be complete after so long, else it is DEADLINE_EXCEEDED',
  ),
  answerTimeoutMs: integer(
    'ANSWER_TIMEOUT_MS',
    { default: 30_000, ...milliseconds },
    'an answer must be taken after so long, else its stream is reset',
  ),
  maxUntakenBytes: combined(
    {
      mib: integer(
        'MAX_UNTAKEN_MIB',
        { default: 64, minimum: 1, maximum: 65_536 },
        "so much of a client's answers may wait to be taken; of more, the oldest are reset",
      ),
    },
    ({ mib }) => mib * 1024 * 1024,
  ),
  trustedProxies,
});

/** Settings of every service, whose gRPC port has a default of its own. */
export function serverSettings(grpcPort: number) {
  return {
    grpcHost: text(
      'GRPC_HOST',
      { default: '0.0.0.0', shown: '`0.0.0.0` (`127.0.0.1` under `npm start`)' },
      'address to listen on',
    ),
    grpcPort: port('GRPC_PORT', { default: grpcPort, shown: 'its own' }, 'port; 0 takes a free one'),
    metricsHost: text(
      'METRICS_HOST',
      { default: '0.0.0.0', shown: '`0.0.0.0` (`127.0.0.1` under `npm start`)' },
      'address that serves metrics',
    ),
    metricsPort: port(
      'METRICS_PORT',
      { default: 0, shown: '0 (9464 in Kubernetes)' },
      'serves [metrics](metrics.md) at `/metrics` on this port; 0 for none. `npm start` takes it as the first of a row: each process has the next one',
    ),
    logLevel: choice(
      'LOG_LEVEL',
      logLevels,
      { default: 'info' },
      `${logLevels.map((level) => `\`${level}\``).join(', ')}. Lines of one turn of the event loop are written together`,
    ),
    drainNoticeMs: integer(
      'DRAIN_NOTICE_MS',
      { default: 0 },
      'how long health says NOT_SERVING before the port closes, so that balancers see it',
    ),
    drainTimeoutMs: integer(
      'DRAIN_TIMEOUT_MS',
      { default: 15_000, minimum: 1 },
      'how long draining may take before the process gives up with exit code 1',
    ),
    limits,
    auth: authSettings,
    tracing: tracingSettings,
  };
}

/** Settings that every service has. */
export type ServerSettings = SettingsOf<ReturnType<typeof serverSettings>>;
