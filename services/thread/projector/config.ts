import { Environment } from '../../../platform/process/environment.js';
import {
  DEFAULT_MYSQL_URL,
  readNatsUrl,
  readInstallationValues,
  readServiceConfig,
} from '../../../platform/composition/service-config.js';
import type { ProjectionSettings } from '../../../platform/composition/projection-settings.js';

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readProjectorConfig(variables = process.env): ProjectionSettings {
  const environment = new Environment(variables);
  return {
    ...readServiceConfig(environment, 50_053),
    mysqlUrl: environment.text('MYSQL_URL', DEFAULT_MYSQL_URL),
    ...readFeedConfig(environment),
    mysqlAbandonAfterSeconds: environment.integer('MYSQL_ABANDON_AFTER_SECONDS', 5, { minimum: 1, maximum: 3_600 }),
    reconcileThreadsPerSecond: environment.integer('RECONCILE_THREADS_PER_SECOND', 5_000, { minimum: 1 }),
    mysqlMaxConnections: environment.integer('MYSQL_MAX_CONNECTIONS', 4, { minimum: 1 }),
    batchCommits: environment.integer('PROJECTION_BATCH_COMMITS', 500, { minimum: 1, maximum: 10_000 }),
    lingerMs: environment.integer('PROJECTION_LINGER_MS', 10, { maximum: 1_000 }),
    reconcileEveryMs: environment.integer('RECONCILE_EVERY_MS', 300_000, { minimum: 100, maximum: 2 ** 31 - 1 }),
    checkEveryMs: environment.integer('PROJECTION_CHECK_EVERY_MS', 1_000, { minimum: 10, maximum: 2 ** 31 - 1 }),
    unhealthyAfterMs: environment.integer('UNHEALTHY_AFTER_MS', 5_000, { maximum: 2 ** 31 - 1 }),
  };
}

function readFeedConfig(environment: Environment) {
  const installation = readInstallationValues(environment);
  const maximum = Math.min(256, installation.partitions);
  return {
    natsUrl: readNatsUrl(environment),
    natsReplicas: environment.integer('NATS_REPLICAS', 1, { minimum: 1, maximum: 5 }),
    feedStorage: environment.choice('FEED_STORAGE', ['memory', 'file'], 'memory'),
    installation,
    projectionPartitions: environment.integer('PROJECTION_PARTITIONS', Math.min(8, maximum), { minimum: 1, maximum }),
  };
}
