import { Environment } from '../../../platform/process/environment.js';
import type { InstallationValues } from '../../../platform/nats/installation-settings.js';
import {
  DEFAULT_MYSQL_URL,
  readNatsUrl,
  readInstallationValues,
  readServiceConfig,
  type ServiceConfig,
} from '../../../platform/composition/service-config.js';

/** Settings of thread-query. */
export interface ThreadQueryConfig extends ServiceConfig {
  /** MYSQL_URL. @default mysql://root@127.0.0.1:3306/threadweaver */
  readonly mysqlUrl: string;
  /** MYSQL_MAX_CONNECTIONS. @default 10 */
  readonly mysqlMaxConnections: number;
  /** MYSQL_CONNECT_TIMEOUT_MS: how long opening a connection may take. @default 1000 */
  readonly mysqlConnectTimeoutMs: number;
  /** MYSQL_ACQUIRE_TIMEOUT_MS: how long a call may wait for a free connection. @default 1500 */
  readonly mysqlAcquireTimeoutMs: number;
  /** MYSQL_STATEMENT_TIMEOUT_MS: how long one query may take. @default 2000 */
  readonly mysqlStatementTimeoutMs: number;
  /** HEALTH_CHECK_EVERY_MS: how often the database is asked for a sign of life. @default 2000 */
  readonly healthCheckEveryMs: number;
  /** MIN_VERSION_WAIT_MS: how long a query without a deadline waits for the version that it asks for. @default 5000 */
  readonly minVersionWaitMs: number;
  /** MAX_WAITING_QUERIES: so many queries may wait for a version at once. @default 10000 */
  readonly maxWaitingQueries: number;
  /** NATS_URL: only watching needs it. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** NATS_REPLICAS: copies of the feed's stream in a NATS cluster. @default 1 */
  readonly natsReplicas: number;
  /** FEED_STORAGE: where the feed is kept, memory or file. @default memory */
  readonly feedStorage: 'memory' | 'file';
  /** JOURNAL_LAYOUT, JOURNAL_BUCKETS, PARTITIONS: the same in every process of an installation. */
  readonly installation: InstallationValues;
  /** MAX_WATCHERS: so many may watch at once. @default 5000 */
  readonly maxWatchers: number;
  /** MAX_WATCHERS_PER_CLIENT: so many of them of one client. @default 2000 */
  readonly maxWatchersPerClient: number;
  /** MAX_WATCHERS_PER_ACCOUNT: so many of them of one account. @default 1000 */
  readonly maxWatchersPerAccount: number;
  /** MAX_QUEUED_PER_CLIENT: so many queries of one client may wait for their turn at the database. @default 1000 */
  readonly maxQueuedPerClient: number;
  /** WATCH_HEARTBEAT_MS: how often a watcher hears something when nothing happens. @default 15000 */
  readonly watchHeartbeatMs: number;
  /** WATCH_BUFFER_COMMITS: a watcher that is so many commits behind is cut off. @default 1000 */
  readonly watchBufferCommits: number;
  /** WATCH_BUFFER_KIB: likewise in KiB of events. @default 4096 */
  readonly watchBufferKib: number;
  /** WATCH_STALL_MS: a watcher that takes nothing for so long is cut off. @default 30000 */
  readonly watchStallMs: number;
  /** WATCH_MAX_READS: so many reads of the journal may go on at once. @default 16 */
  readonly watchMaxReads: number;
}

/** Envoy ends a stream in which nothing moves for five minutes. */
const LONGEST_HEARTBEAT_MS = 120_000;

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readConfig(variables = process.env): ThreadQueryConfig {
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
