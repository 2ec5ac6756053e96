import { Environment } from '../../../platform/process/environment.js';
import type { QuerySettings } from '../../../platform/composition/query-settings.js';
import {
  DEFAULT_MYSQL_URL,
  readNatsUrl,
  readInstallationValues,
  readServiceConfig,
} from '../../../platform/composition/service-config.js';

/** Envoy ends a stream in which nothing moves for five minutes. */
const LONGEST_HEARTBEAT_MS = 120_000;

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readConfig(variables = process.env): QuerySettings {
  const environment = new Environment(variables);
  return {
    ...readServiceConfig(environment, 50_052),
    mysqlUrl: environment.text('MYSQL_URL', DEFAULT_MYSQL_URL),
    mysqlMaxConnections: environment.integer('MYSQL_MAX_CONNECTIONS', 10, { minimum: 1 }),
    mysqlConnectTimeoutMs: environment.integer('MYSQL_CONNECT_TIMEOUT_MS', 1_000, { minimum: 1 }),
    mysqlAcquireTimeoutMs: environment.integer('MYSQL_ACQUIRE_TIMEOUT_MS', 1_500, { minimum: 1 }),
    mysqlStatementTimeoutMs: environment.integer('MYSQL_STATEMENT_TIMEOUT_MS', 2_000, { minimum: 1 }),
    healthCheckEveryMs: environment.integer('HEALTH_CHECK_EVERY_MS', 2_000, { minimum: 10, maximum: 2 ** 31 - 1 }),
    minVersionWaitMs: environment.integer('MIN_VERSION_WAIT_MS', 5_000, { maximum: 2 ** 31 - 1 }),
    maxWaitingQueries: environment.integer('MAX_WAITING_QUERIES', 10_000, { minimum: 1 }),
    natsUrl: readNatsUrl(environment),
    natsReplicas: environment.integer('NATS_REPLICAS', 1, { minimum: 1, maximum: 5 }),
    feedStorage: environment.choice('FEED_STORAGE', ['memory', 'file'], 'memory'),
    installation: readInstallationValues(environment),
    maxWatchers: environment.integer('MAX_WATCHERS', 5_000, { minimum: 1 }),
    maxWatchersPerClient: environment.integer('MAX_WATCHERS_PER_CLIENT', 2_000, { minimum: 1 }),
    maxWatchersPerAccount: environment.integer('MAX_WATCHERS_PER_ACCOUNT', 1_000, { minimum: 1 }),
    maxQueuedPerClient: environment.integer('MAX_QUEUED_PER_CLIENT', 1_000, { minimum: 1 }),
    watchHeartbeatMs: environment.integer('WATCH_HEARTBEAT_MS', 15_000, {
      minimum: 100,
      maximum: LONGEST_HEARTBEAT_MS,
    }),
    watchBufferCommits: environment.integer('WATCH_BUFFER_COMMITS', 1_000, { minimum: 1 }),
    watchBufferKib: environment.integer('WATCH_BUFFER_KIB', 4_096, { minimum: 1 }),
    watchStallMs: environment.integer('WATCH_STALL_MS', 30_000, { minimum: 100, maximum: 2 ** 31 - 1 }),
    watchMaxReads: environment.integer('WATCH_MAX_READS', 16, { minimum: 1 }),
  };
}
