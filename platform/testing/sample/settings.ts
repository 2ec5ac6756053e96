import type { CommandSettings } from '../../composition/command-settings.js';
import type { ProjectionSettings } from '../../composition/projection-settings.js';
import { readInstallationValues, readServiceConfig } from '../../composition/service-config.js';
import { Environment } from '../../process/environment.js';

const environment = new Environment(process.env);
const common = {
  ...readServiceConfig(environment, 0),
  natsUrl: environment.text('NATS_URL', ''),
  natsReplicas: 1,
  feedStorage: 'memory',
  installation: readInstallationValues(environment),
} as const;

export const commandSettings: CommandSettings = {
  ...common,
  journalMaxStreams: 1_000,
  adminHost: '127.0.0.1',
  adminPort: 0,
  commandTimeoutMs: 5_000,
  passivateAfterMs: 60_000,
  maxAggregates: 1_000,
  maxAggregatesMib: 64,
  snapshotEveryCommits: 500,
  maxWaitingPerAggregate: 1_000,
  maxWaiting: 1_000,
  maxRouted: 1_000,
};

export const projectionSettings: ProjectionSettings = {
  ...common,
  mysqlUrl: environment.text('MYSQL_URL', ''),
  mysqlMaxConnections: 4,
  batchCommits: 100,
  lingerMs: 5,
  projectionPartitions: 2,
  mysqlAbandonAfterSeconds: 2,
  reconcileThreadsPerSecond: 5_000,
  reconcileEveryMs: 60_000,
  checkEveryMs: 200,
  unhealthyAfterMs: 5_000,
};
