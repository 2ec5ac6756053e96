import { ThreadQueryServiceService as LegacyThreadQueryService } from '../gen/thread/thread_services.js';
import { ThreadRestQueryServiceService } from '../gen/threadweaver/legacy/thread/v1/thread_rest_query_service.js';
import { ThreadQueryServiceService } from '../gen/threadweaver/thread/v1/thread_query_service.js';
import { settingsOrExit } from '../shared/adapters/environment.js';
import { GrpcServer } from '../shared/adapters/grpc/grpc-server.js';
import { bindUnaryService } from '../shared/adapters/grpc/unary-service.js';
import { inLegacyWords } from '../shared/adapters/legacy/legacy-texts.js';
import { DatabaseHealth } from '../shared/adapters/mysql/database-health.js';
import { Database } from '../shared/adapters/mysql/database.js';
import { createLogger } from '../shared/adapters/telemetry/logger.js';
import { runService, type RunningService } from '../shared/runtime/service-process.js';
import { legacyGrpcService } from './adapters/legacy-grpc-service.js';
import { legacyRestService, legacyRestWording } from './adapters/legacy-rest-service.js';
import { MySqlThreadReader } from './adapters/mysql-thread-reader.js';
import { threadQueryService } from './adapters/thread-query-service.js';
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
    services: [
      bindUnaryService(ThreadQueryServiceService, threadQueryService(reader), { logger }),
      bindUnaryService(LegacyThreadQueryService, legacyGrpcService(reader), { logger }),
      bindUnaryService(ThreadRestQueryServiceService, legacyRestService(reader), {
        logger,
        rephrase: (error) => inLegacyWords(error, legacyRestWording),
      }),
    ],
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
