import { Environment } from '../shared/adapters/environment.js';

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

/** Settings of the projector. */
export interface ProjectorConfig extends DatabaseConfig {
  /** NATS_URL. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** GRPC_HOST: address that health and reflection listen on. @default 0.0.0.0 */
  readonly grpcHost: string;
  /** GRPC_PORT. @default 50053 */
  readonly grpcPort: number;
  /** LOG_LEVEL: trace, debug, info, warn, error, fatal or silent. @default info */
  readonly logLevel: string;
  /** DRAIN_TIMEOUT_MS: how long the last batch may take at a shutdown. @default 10000 */
  readonly drainTimeoutMs: number;
  /** DRAIN_NOTICE_MS: how long health says NOT_SERVING before the port closes. @default 0 */
  readonly drainNoticeMs: number;
  /** MYSQL_MAX_CONNECTIONS. @default 4 */
  readonly mysqlMaxConnections: number;
  /** PROJECTION_BATCH_COMMITS: commits in one transaction at most. @default 500 */
  readonly batchCommits: number;
  /** PROJECTION_LINGER_MS: how long a batch may wait to fill, while many commits come. @default 10 */
  readonly lingerMs: number;
  /** RECONCILE_EVERY_MS: how often the journal's versions are compared with the read model's. @default 300000 */
  readonly reconcileEveryMs: number;
  /** PROJECTION_CHECK_EVERY_MS: how often an idle projector checks that it could project. @default 5000 */
  readonly checkEveryMs: number;
  /** UNHEALTHY_AFTER_MS: how long projecting may fail before health says NOT_SERVING. @default 5000 */
  readonly unhealthyAfterMs: number;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readProjectorConfig(variables = process.env): ProjectorConfig {
  const environment = new Environment(variables);
  return {
    ...readDatabaseConfig(environment),
    natsUrl: environment.text('NATS_URL', 'nats://127.0.0.1:4222'),
    grpcHost: environment.text('GRPC_HOST', '0.0.0.0'),
    grpcPort: environment.port('GRPC_PORT', 50_053),
    logLevel: environment.choice('LOG_LEVEL', logLevels, 'info'),
    drainTimeoutMs: environment.integer('DRAIN_TIMEOUT_MS', 10_000),
    drainNoticeMs: environment.integer('DRAIN_NOTICE_MS', 0),
    mysqlMaxConnections: environment.integer('MYSQL_MAX_CONNECTIONS', 4, { minimum: 1 }),
    batchCommits: environment.integer('PROJECTION_BATCH_COMMITS', 500, { minimum: 1, maximum: 10_000 }),
    lingerMs: environment.integer('PROJECTION_LINGER_MS', 10, { maximum: 1_000 }),
    reconcileEveryMs: environment.integer('RECONCILE_EVERY_MS', 300_000, { minimum: 100, maximum: 2 ** 31 - 1 }),
    checkEveryMs: environment.integer('PROJECTION_CHECK_EVERY_MS', 5_000, { minimum: 10, maximum: 2 ** 31 - 1 }),
    unhealthyAfterMs: environment.integer('UNHEALTHY_AFTER_MS', 5_000, { maximum: 2 ** 31 - 1 }),
  };
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readMigrateConfig(variables = process.env): MigrateConfig {
  const environment = new Environment(variables);
  return { ...readDatabaseConfig(environment), waitMs: environment.integer('MIGRATE_WAIT_MS', 60_000) };
}

function readDatabaseConfig(environment: Environment): DatabaseConfig {
  return { mysqlUrl: environment.text('MYSQL_URL', 'mysql://root@127.0.0.1:3306/threadweaver') };
}
