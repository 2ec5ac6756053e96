import type { InstallationValues } from '../nats/installation-values.js';
import type { ServiceConfig } from './service-config.js';

/** Settings of every process that projects; docs/settings.md lists them. */
export interface ProjectionSettings extends ServiceConfig {
  /** MYSQL_URL: where the read model lies. @default mysql://root@127.0.0.1:3306/threadweaver */
  readonly mysqlUrl: string;
  /** NATS_URL. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** NATS_REPLICAS: copies of the feed's stream in a NATS cluster. @default 1 */
  readonly natsReplicas: number;
  /** FEED_STORAGE: where the feed is kept, memory or file. @default memory */
  readonly feedStorage: 'memory' | 'file';
  /** JOURNAL_LAYOUT, JOURNAL_BUCKETS, PARTITIONS: the same in every process of an installation. */
  readonly installation: InstallationValues;
  /** MYSQL_MAX_CONNECTIONS. @default 4 */
  readonly mysqlMaxConnections: number;
  /** PROJECTION_BATCH_COMMITS: commits in one transaction at most. @default 500 */
  readonly batchCommits: number;
  /** PROJECTION_LINGER_MS: how long a batch may wait to fill, while many commits come. @default 10 */
  readonly lingerMs: number;
  /** PROJECTION_PARTITIONS: parts that projectors share; the same in every projector. @default 8 */
  readonly projectionPartitions: number;
  /** MYSQL_ABANDON_AFTER_SECONDS: the server ends a session, and its transaction, that is silent so long. @default 5 */
  readonly mysqlAbandonAfterSeconds: number;
  /** RECONCILE_THREADS_PER_SECOND: so many aggregates are compared in a second at most. @default 5000 */
  readonly reconcileThreadsPerSecond: number;
  /** RECONCILE_EVERY_MS: how often the journal's versions are compared with the read model's. @default 300000 */
  readonly reconcileEveryMs: number;
  /** PROJECTION_CHECK_EVERY_MS: how often it is checked that projecting is possible and wanted. @default 1000 */
  readonly checkEveryMs: number;
  /** UNHEALTHY_AFTER_MS: how long projecting may fail before health says NOT_SERVING. @default 5000 */
  readonly unhealthyAfterMs: number;
}
