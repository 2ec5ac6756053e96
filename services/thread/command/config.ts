import type { CommandSettings } from '../../../platform/composition/command-settings.js';
import { Environment } from '../../../platform/process/environment.js';
import {
  readNatsUrl,
  readInstallationValues,
  readServiceConfig,
} from '../../../platform/composition/service-config.js';

/** Settings of thread-command; docs/settings.md lists them. */
export interface ThreadCommandConfig extends CommandSettings {
  /** JOURNAL_MAX_STREAMS_PER_ACCOUNT: so many threads may an account create with a stream per thread. @default 1000 */
  readonly journalMaxStreamsPerAccount: number;
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
    maxWaitingPerAggregate: environment.integer('MAX_WAITING_PER_THREAD', 1_000, { minimum: 1 }),
    maxWaiting: environment.integer('MAX_WAITING', 10_000, { minimum: 1 }),
    maxRouted: environment.integer('MAX_ROUTED', 5_000, { minimum: 1 }),
  };
}
