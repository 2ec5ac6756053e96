import { Environment } from '../shared/adapters/environment.js';
import { DEFAULT_MYSQL_URL, readServiceConfig, type ServiceConfig } from '../shared/adapters/service-config.js';

/** Settings of thread-query. */
export interface ThreadQueryConfig extends ServiceConfig {
  /** MYSQL_URL. @default mysql://root@127.0.0.1:3306/threadweaver */
  readonly mysqlUrl: string;
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
    ...readServiceConfig(environment, 50_052),
    mysqlUrl: environment.text('MYSQL_URL', DEFAULT_MYSQL_URL),
    mysqlMaxConnections: environment.integer('MYSQL_MAX_CONNECTIONS', 10, { minimum: 1 }),
    mysqlConnectTimeoutMs: environment.integer('MYSQL_CONNECT_TIMEOUT_MS', 1_000, { minimum: 1 }),
    mysqlAcquireTimeoutMs: environment.integer('MYSQL_ACQUIRE_TIMEOUT_MS', 1_500, { minimum: 1 }),
    mysqlStatementTimeoutMs: environment.integer('MYSQL_STATEMENT_TIMEOUT_MS', 2_000, { minimum: 1 }),
    healthCheckEveryMs: environment.integer('HEALTH_CHECK_EVERY_MS', 2_000, { minimum: 10, maximum: 2 ** 31 - 1 }),
  };
}
