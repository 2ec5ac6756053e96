import { Environment } from '../shared/adapters/environment.js';

/** Settings of thread-query. */
export interface ThreadQueryConfig {
  /** MYSQL_URL. @default mysql://root@127.0.0.1:3306/threadweaver */
  readonly mysqlUrl: string;
  /** GRPC_HOST: address to listen on. @default 0.0.0.0 */
  readonly grpcHost: string;
  /** GRPC_PORT. @default 50052 */
  readonly grpcPort: number;
  /** LOG_LEVEL: trace, debug, info, warn, error, fatal or silent. @default info */
  readonly logLevel: string;
  /** DRAIN_TIMEOUT_MS: how long calls under way may take at a shutdown. @default 10000 */
  readonly drainTimeoutMs: number;
  /** DRAIN_NOTICE_MS: how long balancers get to see that this instance drains. @default 0 */
  readonly drainNoticeMs: number;
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
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readConfig(variables = process.env): ThreadQueryConfig {
  const environment = new Environment(variables);
  return {
    mysqlUrl: environment.text('MYSQL_URL', 'mysql://root@127.0.0.1:3306/threadweaver'),
    grpcHost: environment.text('GRPC_HOST', '0.0.0.0'),
    grpcPort: environment.port('GRPC_PORT', 50_052),
    logLevel: environment.choice('LOG_LEVEL', ['info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent'], 'info'),
    drainTimeoutMs: environment.integer('DRAIN_TIMEOUT_MS', 10_000, { minimum: 1 }),
    drainNoticeMs: environment.integer('DRAIN_NOTICE_MS', 0),
    mysqlMaxConnections: environment.integer('MYSQL_MAX_CONNECTIONS', 10, { minimum: 1 }),
    mysqlConnectTimeoutMs: environment.integer('MYSQL_CONNECT_TIMEOUT_MS', 1_000, { minimum: 1 }),
    mysqlAcquireTimeoutMs: environment.integer('MYSQL_ACQUIRE_TIMEOUT_MS', 1_500, { minimum: 1 }),
    mysqlStatementTimeoutMs: environment.integer('MYSQL_STATEMENT_TIMEOUT_MS', 2_000, { minimum: 1 }),
    healthCheckEveryMs: environment.integer('HEALTH_CHECK_EVERY_MS', 2_000, { minimum: 10, maximum: 2 ** 31 - 1 }),
  };
}
