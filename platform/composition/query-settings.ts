import type { InstallationValues } from '../nats/installation-values.js';
import type { ServiceConfig } from './service-config.js';

/** Settings of every process that answers queries; docs/settings.md lists them. */
export interface QuerySettings extends ServiceConfig {
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
