import { withLocalInstallation } from '../../../platform/process/local-installation.js';
import { Environment } from '../../../platform/process/environment.js';
import {
  readNatsUrl,
  readInstallationValues,
  readServiceConfig,
  type ServiceConfig,
} from '../../../platform/composition/service-config.js';
import type { InstallationValues } from '../../../platform/nats/installation-settings.js';

/** Settings of thread-command; docs/settings.md lists them. */
export interface ThreadCommandConfig extends ServiceConfig {
  /** NATS_URL: one server or several, separated by commas. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** NATS_REPLICAS: copies of each stream in a NATS cluster. @default 1 */
  readonly natsReplicas: number;
  /** FEED_STORAGE: where the feed is kept, memory or file. @default memory */
  readonly feedStorage: 'memory' | 'file';
  /** JOURNAL_LAYOUT, JOURNAL_BUCKETS, PARTITIONS: the same in every process of an installation. */
  readonly installation: InstallationValues;
  /** JOURNAL_MAX_STREAMS: at so many streams no new thread is created. @default 10000 */
  readonly journalMaxStreams: number;
  /** JOURNAL_MAX_STREAMS_PER_ACCOUNT: so many threads may an account create with a stream per thread. @default 1000 */
  readonly journalMaxStreamsPerAccount: number;
  /** ADMIN_HOST: address of what is for operators only. @default 127.0.0.1 */
  readonly adminHost: string;
  /** ADMIN_PORT; 0: it is not served. @default 0 */
  readonly adminPort: number;
  /** COMMAND_TIMEOUT_MS: how long a command may take at most. @default 10000 */
  readonly commandTimeoutMs: number;
  /** PASSIVATE_AFTER_MS: an idle thread leaves memory after so long. @default 60000 */
  readonly passivateAfterMs: number;
  /** MAX_AGGREGATES: above so many threads in memory, the least recently used leave it. @default 100000 */
  readonly maxAggregates: number;
  /** MAX_AGGREGATES_MIB: likewise above so many MiB, by estimate. @default 512 */
  readonly maxAggregatesMib: number;
  /** SNAPSHOT_EVERY_COMMITS: so many commits of a thread lie between its snapshots. @default 500 */
  readonly snapshotEveryCommits: number;
  /** MAX_WAITING_PER_THREAD: so many commands of one thread may wait. @default 1000 */
  readonly maxWaitingPerThread: number;
  /** MAX_WAITING: so many commands may wait in all. @default 10000 */
  readonly maxWaiting: number;
  /** MAX_ROUTED: so many commands may be on their way to other instances. @default 5000 */
  readonly maxRouted: number;
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readConfig(variables = process.env): ThreadCommandConfig {
  const environment = new Environment(variables);
  return {
    ...readServiceConfig(environment, 50_051),
    natsUrl: readNatsUrl(environment),
    natsReplicas: environment.integer('NATS_REPLICAS', 1, { minimum: 1, maximum: 5 }),
    feedStorage: environment.choice('FEED_STORAGE', ['memory', 'file'], 'memory'),
    installation: readInstallationValues(environment),
    journalMaxStreams: environment.integer('JOURNAL_MAX_STREAMS', 10_000, { minimum: 1 }),
    journalMaxStreamsPerAccount: environment.integer('JOURNAL_MAX_STREAMS_PER_ACCOUNT', 1_000, { minimum: 1 }),
    adminHost: environment.text('ADMIN_HOST', '127.0.0.1'),
    adminPort: environment.port('ADMIN_PORT', 0),
    commandTimeoutMs: environment.integer('COMMAND_TIMEOUT_MS', 10_000, { minimum: 1 }),
    passivateAfterMs: environment.integer('PASSIVATE_AFTER_MS', 60_000, { minimum: 1 }),
    maxAggregates: environment.integer('MAX_AGGREGATES', 100_000, { minimum: 1 }),
    maxAggregatesMib: environment.integer('MAX_AGGREGATES_MIB', 512, { minimum: 1 }),
    snapshotEveryCommits: environment.integer('SNAPSHOT_EVERY_COMMITS', 500, { minimum: 1 }),
    maxWaitingPerThread: environment.integer('MAX_WAITING_PER_THREAD', 1_000, { minimum: 1 }),
    maxWaiting: environment.integer('MAX_WAITING', 10_000, { minimum: 1 }),
    maxRouted: environment.integer('MAX_ROUTED', 5_000, { minimum: 1 }),
  };
}

/** OWNERSHIP_ADDRESS: where `npm run ownership` asks unless it is told. @default the first one of `npm start` */
export function readOwnershipAddress(variables = process.env): string {
  return new Environment(withLocalInstallation(variables)).text('OWNERSHIP_ADDRESS', '127.0.0.1:50054');
}
