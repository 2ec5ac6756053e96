import type { InstallationValues } from '../nats/installation-values.js';
import type { ServiceConfig } from './service-config.js';

/** Settings of every process that carries out commands; docs/settings.md lists them. */
export interface CommandSettings extends ServiceConfig {
  /** NATS_URL: one server or several, separated by commas. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** NATS_REPLICAS: copies of each stream in a NATS cluster. @default 1 */
  readonly natsReplicas: number;
  /** FEED_STORAGE: where the feed is kept, memory or file. @default memory */
  readonly feedStorage: 'memory' | 'file';
  /** JOURNAL_LAYOUT, JOURNAL_BUCKETS, PARTITIONS: the same in every process of an installation. */
  readonly installation: InstallationValues;
  /** JOURNAL_MAX_STREAMS: at so many streams nothing new is created. @default 10000 */
  readonly journalMaxStreams: number;
  /** ADMIN_HOST: address of what is for operators only. @default 127.0.0.1 */
  readonly adminHost: string;
  /** ADMIN_PORT; 0: it is not served. @default 0 */
  readonly adminPort: number;
  /** COMMAND_TIMEOUT_MS: how long a command may take at most. @default 10000 */
  readonly commandTimeoutMs: number;
  /** PASSIVATE_AFTER_MS: an idle aggregate leaves memory after so long. @default 60000 */
  readonly passivateAfterMs: number;
  /** MAX_AGGREGATES: above so many in memory, of all types, the least recently used leave it. @default 100000 */
  readonly maxAggregates: number;
  /** MAX_AGGREGATES_MIB: likewise above so many MiB, by estimate. @default 512 */
  readonly maxAggregatesMib: number;
  /** SNAPSHOT_EVERY_COMMITS: so many commits of an aggregate lie between its snapshots. @default 500 */
  readonly snapshotEveryCommits: number;
  /** So many commands of one aggregate may wait. @default 1000 */
  readonly maxWaitingPerAggregate: number;
  /** MAX_WAITING: so many commands may wait in all. @default 10000 */
  readonly maxWaiting: number;
  /** MAX_ROUTED: so many commands may be on their way to other instances. @default 5000 */
  readonly maxRouted: number;
}
