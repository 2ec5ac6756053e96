import { Environment } from '../../../platform/process/environment.js';
import { withLocalInstallation } from '../../../platform/process/local-installation.js';
import {
  DEFAULT_MYSQL_URL,
  readNatsUrl,
  readInstallationValues,
  readServiceConfig,
  type ServiceConfig,
} from '../../../platform/composition/service-config.js';
import type { InstallationValues } from '../../../platform/nats/installation-settings.js';

/** Where the read model lies. */
export interface DatabaseConfig {
  /** MYSQL_URL. @default mysql://root@127.0.0.1:3306/threadweaver */
  readonly mysqlUrl: string;
}

/** Settings of the migrations' command. */
export interface MigrateConfig extends DatabaseConfig {
  /** MIGRATE_WAIT_MS: how long to wait for the database, and for another run. @default 60000 */
  readonly waitMs: number;
}

/** Settings of the operator's command. */
export interface OperatorConfig extends DatabaseConfig {
  /** NATS_URL. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** NATS_REPLICAS. @default 1 */
  readonly natsReplicas: number;
  /** FEED_STORAGE. @default memory */
  readonly feedStorage: 'memory' | 'file';
  /** Of an installation that has kept none yet. */
  readonly installation: InstallationValues;
  /** PROJECTION_PARTITIONS: of an installation that was never projected. @default 8 */
  readonly projectionPartitions: number;
}

/** Settings of the projector. */
export interface ProjectorConfig extends ServiceConfig, DatabaseConfig {
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
  /** RECONCILE_THREADS_PER_SECOND: so many threads are compared in a second at most. @default 5000 */
  readonly reconcileThreadsPerSecond: number;
  /** RECONCILE_EVERY_MS: how often the journal's versions are compared with the read model's. @default 300000 */
  readonly reconcileEveryMs: number;
  /** PROJECTION_CHECK_EVERY_MS: how often it is checked that projecting is possible and wanted. @default 1000 */
  readonly checkEveryMs: number;
  /** UNHEALTHY_AFTER_MS: how long projecting may fail before health says NOT_SERVING. @default 5000 */
  readonly unhealthyAfterMs: number;
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readProjectorConfig(variables = process.env): ProjectorConfig {
  const environment = new Environment(variables);
  return {
    ...readServiceConfig(environment, 50_053),
    ...readDatabaseConfig(environment),
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

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readOperatorConfig(variables = process.env): OperatorConfig {
  const environment = new Environment(withLocalInstallation(variables));
  return { ...readDatabaseConfig(environment), ...readFeedConfig(environment) };
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readMigrateConfig(variables = process.env): MigrateConfig {
  const environment = new Environment(variables);
  return { ...readDatabaseConfig(environment), waitMs: environment.integer('MIGRATE_WAIT_MS', 60_000) };
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

function readDatabaseConfig(environment: Environment): DatabaseConfig {
  return { mysqlUrl: environment.text('MYSQL_URL', DEFAULT_MYSQL_URL) };
}
