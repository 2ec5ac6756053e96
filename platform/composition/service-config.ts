import { Fault } from '../kernel/fault.js';
import type { Environment } from '../process/environment.js';
import { ClientAddresses, DEFAULT_TRUSTED_PROXIES } from '../grpc/client-address.js';
import type { ServerLimits } from '../grpc/grpc-server.js';
import { DEFAULT_BUCKETS } from '../nats/bucketed-journal.js';
import { DEFAULT_PARTITIONS } from '../nats/feed-stream.js';
import type { InstallationValues } from '../nats/installation-values.js';
import { withCredentials } from '../nats/nats-address.js';
import { journalLayouts } from '../nats/open-journal.js';

/** Settings that every service has. */
export interface ServiceConfig {
  /** GRPC_HOST: address to listen on. @default 0.0.0.0 */
  readonly grpcHost: string;
  /** GRPC_PORT; 0 takes a free one. */
  readonly grpcPort: number;
  /** METRICS_HOST: address that serves metrics. @default 0.0.0.0 */
  readonly metricsHost: string;
  /** METRICS_PORT; 0: they are not served. @default 0 */
  readonly metricsPort: number;
  /** LOG_LEVEL: trace, debug, info, warn, error, fatal or silent. @default info */
  readonly logLevel: string;
  /** DRAIN_NOTICE_MS: how long balancers get to see that this instance drains. @default 0 */
  readonly drainNoticeMs: number;
  /** DRAIN_TIMEOUT_MS: how long draining may take. @default 15000 */
  readonly drainTimeoutMs: number;
  /** What clients may have of the gRPC port (docs/limits.md). */
  readonly limits: ServerLimits;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Default of NATS_URL: one server, or several separated by commas. */
export const DEFAULT_NATS_URL = 'nats://127.0.0.1:4222';
/**
 * NATS_URL, with NATS_USER and NATS_PASSWORD written into it. @default no credentials
 *
 * @throws Fault reason INVALID_SETTING when there is only one of the two
 */
export function readNatsUrl(environment: Environment): string {
  const url = environment.text('NATS_URL', DEFAULT_NATS_URL);
  const [user, password] = [environment.text('NATS_USER', ''), environment.text('NATS_PASSWORD', '')];
  if (user === '' && password === '') return url;
  const missing = user === '' ? 'NATS_USER' : password === '' ? 'NATS_PASSWORD' : undefined;
  if (missing === undefined) return withCredentials(url, user, password);
  throw new Fault(
    'failed-precondition',
    'INVALID_SETTING',
    `${missing} is not set: NATS_USER and NATS_PASSWORD go together`,
  );
}

/** Default of MYSQL_URL. */
export const DEFAULT_MYSQL_URL = 'mysql://root@127.0.0.1:3306/threadweaver';

/**
 * @param grpcPort default of GRPC_PORT
 * @throws Fault reason INVALID_SETTING naming the variable
 */
export function readServiceConfig(environment: Environment, grpcPort: number): ServiceConfig {
  return {
    grpcHost: environment.text('GRPC_HOST', '0.0.0.0'),
    grpcPort: environment.port('GRPC_PORT', grpcPort),
    metricsHost: environment.text('METRICS_HOST', '0.0.0.0'),
    metricsPort: environment.port('METRICS_PORT', 0),
    logLevel: environment.choice('LOG_LEVEL', logLevels, 'info'),
    drainNoticeMs: environment.integer('DRAIN_NOTICE_MS', 0),
    drainTimeoutMs: environment.integer('DRAIN_TIMEOUT_MS', 15_000, { minimum: 1 }),
    limits: readLimits(environment),
  };
}

/** The longest time that Node's timers know. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * - MAX_CONNECTIONS. @default 5000
 * - MAX_CONNECTIONS_PER_PEER: of them, so many of one address. @default 2000
 * - CONNECTION_IDLE_MS: a connection without a call is closed after so long. @default 300000
 * - MAX_CALLS_PER_CLIENT: calls of one client at once, watches included. @default 2500
 * - MAX_UNFINISHED_PER_CLIENT: of them, calls whose request is not complete after a second. @default 64
 * - REQUEST_TIMEOUT_MS: a request must be complete after so long. @default 10000
 * - ANSWER_TIMEOUT_MS: an answer must be taken after so long. @default 30000
 * - MAX_UNTAKEN_MIB: so much of a client's answers may wait to be taken. @default 64
 * - TRUSTED_PROXIES: whose x-forwarded-for counts. @default loopback and private networks
 */
function readLimits(environment: Environment): ServerLimits {
  const milliseconds = { minimum: 100, maximum: LONGEST_MS };
  return {
    maxConnections: environment.integer('MAX_CONNECTIONS', 5_000, { minimum: 1 }),
    maxConnectionsPerPeer: environment.integer('MAX_CONNECTIONS_PER_PEER', 2_000, { minimum: 1 }),
    connectionIdleMs: environment.integer('CONNECTION_IDLE_MS', 300_000, milliseconds),
    maxCallsPerClient: environment.integer('MAX_CALLS_PER_CLIENT', 2_500, { minimum: 1 }),
    maxUnfinishedPerClient: environment.integer('MAX_UNFINISHED_PER_CLIENT', 64, { minimum: 1 }),
    requestTimeoutMs: environment.integer('REQUEST_TIMEOUT_MS', 10_000, milliseconds),
    answerTimeoutMs: environment.integer('ANSWER_TIMEOUT_MS', 30_000, milliseconds),
    maxUntakenBytes: environment.integer('MAX_UNTAKEN_MIB', 64, { minimum: 1, maximum: 65_536 }) * 1024 * 1024,
    trustedProxies: readTrustedProxies(environment),
  };
}

function readTrustedProxies(environment: Environment): string {
  const networks = environment.text('TRUSTED_PROXIES', DEFAULT_TRUSTED_PROXIES);
  try {
    new ClientAddresses(networks);
  } catch (error) {
    const { message } = error as Error;
    throw new Fault('failed-precondition', 'INVALID_SETTING', `TRUSTED_PROXIES: ${message}`);
  }
  return networks;
}

/**
 * Settings that are the same in every process of an installation.
 *
 * - JOURNAL_LAYOUT: per-thread or bucketed. @default per-thread
 * - JOURNAL_BUCKETS: streams of the bucketed layout. @default 16
 * - PARTITIONS: parts that threads are owned and projected in. @default 64
 *
 * @throws Fault reason INVALID_SETTING naming the variable
 */
export function readInstallationValues(environment: Environment): InstallationValues {
  return {
    journalLayout: environment.choice('JOURNAL_LAYOUT', journalLayouts, 'per-thread'),
    journalBuckets: environment.integer('JOURNAL_BUCKETS', DEFAULT_BUCKETS, { minimum: 1, maximum: 1_024 }),
    partitions: environment.integer('PARTITIONS', DEFAULT_PARTITIONS, { minimum: 1, maximum: 4_096 }),
  };
}
