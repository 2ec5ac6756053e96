import { DEFAULT_MYSQL_URL, readInstallationValues, readNatsUrl } from '../../composition/service-config.js';
import type { InstallationValues } from '../../nats/installation-values.js';
import { Environment } from '../../process/environment.js';
import { withLocalInstallation } from '../../process/local-installation.js';

/** Settings of what is done to a journal. */
export interface JournalSettings {
  /** NATS_URL. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** NATS_REPLICAS: copies of each stream that is made, in a NATS cluster. @default 1 */
  readonly natsReplicas: number;
  /** JOURNAL_MAX_STREAMS: so many streams may there be with a stream per aggregate. @default 10000 */
  readonly journalMaxStreams: number;
  /** JOURNAL_LAYOUT, JOURNAL_BUCKETS, PARTITIONS: of an installation that has kept none yet. */
  readonly installation: InstallationValues;
}

/** Settings of what is done to a projection. */
export interface OperatorSettings {
  /** MYSQL_URL. @default mysql://root@127.0.0.1:3306/threadweaver */
  readonly mysqlUrl: string;
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

/** Settings of a run of migrations. */
export interface MigrationSettings {
  /** MYSQL_URL. @default mysql://root@127.0.0.1:3306/threadweaver */
  readonly mysqlUrl: string;
  /** MIGRATE_WAIT_MS: how long to wait for the database, and for another run. @default 60000 */
  readonly waitMs: number;
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readJournalSettings(variables = process.env): JournalSettings {
  const environment = new Environment(withLocalInstallation(variables));
  return {
    ...readNats(environment),
    journalMaxStreams: environment.integer('JOURNAL_MAX_STREAMS', 10_000, { minimum: 1 }),
    installation: readInstallationValues(environment),
  };
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readOperatorSettings(variables = process.env): OperatorSettings {
  const environment = new Environment(withLocalInstallation(variables));
  const installation = readInstallationValues(environment);
  const maximum = Math.min(256, installation.partitions);
  return {
    ...readNats(environment),
    mysqlUrl: environment.text('MYSQL_URL', DEFAULT_MYSQL_URL),
    feedStorage: environment.choice('FEED_STORAGE', ['memory', 'file'], 'memory'),
    installation,
    projectionPartitions: environment.integer('PROJECTION_PARTITIONS', Math.min(8, maximum), { minimum: 1, maximum }),
  };
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readMigrationSettings(variables = process.env): MigrationSettings {
  const environment = new Environment(variables);
  return {
    mysqlUrl: environment.text('MYSQL_URL', DEFAULT_MYSQL_URL),
    waitMs: environment.integer('MIGRATE_WAIT_MS', 60_000),
  };
}

/**
 * OWNERSHIP_ADDRESS: where an instance answers operators. @default 127.0.0.1:50054, the first one of `npm start`
 * @throws Fault reason INVALID_SETTING
 */
export function readOwnershipAddress(variables = process.env): string {
  return new Environment(withLocalInstallation(variables)).text('OWNERSHIP_ADDRESS', '127.0.0.1:50054');
}

function readNats(environment: Environment): Pick<JournalSettings, 'natsUrl' | 'natsReplicas'> {
  return {
    natsUrl: readNatsUrl(environment),
    natsReplicas: environment.integer('NATS_REPLICAS', 1, { minimum: 1, maximum: 5 }),
  };
}
