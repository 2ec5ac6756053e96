import { settingsOrExit } from '../shared/adapters/environment.js';
import { GrpcServer } from '../shared/adapters/grpc/grpc-server.js';
import { DatabaseHealth } from '../shared/adapters/mysql/database-health.js';
import { Database } from '../shared/adapters/mysql/database.js';
import { createLogger } from '../shared/adapters/telemetry/logger.js';
import { runService, type RunningService } from '../shared/runtime/service-process.js';
import { MySqlThreadReader } from './adapters/mysql-thread-reader.js';
import { threadQueryServices } from './adapters/thread-query-services.js';
import { readConfig } from './config.js';

const config = settingsOrExit(() => readConfig());
const logger = createLogger('thread-query', config.logLevel);

async function start(): Promise<RunningService> {
  const database = new Database({
    url: config.mysqlUrl,
    maxConnections: config.mysqlMaxConnections,
    connectTimeoutMs: config.mysqlConnectTimeoutMs,
    acquireTimeoutMs: config.mysqlAcquireTimeoutMs,
    statementTimeoutMs: config.mysqlStatementTimeoutMs,
    // Callers need not wait for what the last check has waited for.
    whyAway: () => health.trouble,
  });
  const reader = new MySqlThreadReader(database);
  const server = new GrpcServer({
    host: config.grpcHost,
    port: config.grpcPort,
    services: threadQueryServices(reader, logger),
  });
  const health = new DatabaseHealth({
    url: config.mysqlUrl,
    everyMs: config.healthCheckEveryMs,
    onChange: (isHealthy, error) => {
      server.setServing(isHealthy);
      if (isHealthy) logger.info('the database answers');
      else logger.error({ error }, 'the database does not answer');
    },
  });
  await server.start();
  await health.start();
  logger.info({ port: server.port }, 'listening');

  return {
    async drain() {
      await health.stop();
      await server.drain({ noticeMs: config.drainNoticeMs, timeoutMs: config.drainTimeoutMs });
      await database.close();
    },
  };
}

runService(logger, start, { drainTimeoutMs: config.drainTimeoutMs + config.drainNoticeMs + 2_000 });
