import { setTimeout as delay } from 'node:timers/promises';
import { settingsOrExit } from '../../../platform/process/environment.js';
import { GrpcServer } from '../../../platform/grpc/grpc-server.js';
import { logGrpcLibrary } from '../../../platform/grpc/library-log.js';
import { DatabaseHealth } from '../../../platform/mysql/database-health.js';
import { Database } from '../../../platform/mysql/database.js';
import { createLogger } from '../../../platform/telemetry/logger.js';
import { databaseMetrics, natsMetrics } from '../../../platform/composition/backend-metrics.js';
import { ConnectedCommits } from '../../../platform/nats/connected-commits.js';
import { ReadModelVersions } from '../../../platform/queries/read-model-versions.js';
import { callMetrics } from '../../../platform/grpc/call-metrics.js';
import { Metrics } from '../../../platform/telemetry/metrics.js';
import { serveMetrics } from '../../../platform/telemetry/metrics-server.js';
import { FairQueue } from '../../../platform/process/fair-queue.js';
import { runService, type RunningService } from '../../../platform/process/service-process.js';
import { threadContext } from '../events/context.js';
import { threadEventCodec } from '../events/thread-event-codec.js';
import { bindQueryServices } from './adapters/bind-services.js';
import { mySqlParticipationReader } from './adapters/mysql-participation-reader.js';
import { MySqlThreadReader } from './adapters/mysql-thread-reader.js';
import { mySqlThreadVersions } from './adapters/mysql-thread-versions.js';
import { queryMetrics } from './adapters/query-metrics.js';
import { readConfig } from './config.js';
import { ThreadWatches } from './runtime/thread-watch.js';

const config = settingsOrExit(() => readConfig());
const logger = createLogger('thread-query', config.logLevel);
logGrpcLibrary(logger);

/** A query holds some ids, a page token and at most 255 characters to search for. */
const MAX_REQUEST_BYTES = 64 * 1024;

async function start(): Promise<RunningService> {
  const metrics = new Metrics();
  const metricsServer = await serveMetrics({ host: config.metricsHost, port: config.metricsPort, metrics, logger });
  const database = new Database({
    url: config.mysqlUrl,
    maxConnections: config.mysqlMaxConnections,
    connectTimeoutMs: config.mysqlConnectTimeoutMs,
    acquireTimeoutMs: config.mysqlAcquireTimeoutMs,
    statementTimeoutMs: config.mysqlStatementTimeoutMs,
    // Callers need not wait for what the last check has waited for.
    whyAway: () => health.trouble,
  });
  const connected = new ConnectedCommits({
    name: 'thread-query',
    prefix: threadContext.prefix,
    natsUrl: config.natsUrl,
    natsReplicas: config.natsReplicas,
    feedStorage: config.feedStorage,
    installation: config.installation,
    hub: {
      maxFollowers: config.maxWatchers,
      heartbeatMs: config.watchHeartbeatMs,
      maxBufferedCommits: config.watchBufferCommits,
      maxBufferedBytes: config.watchBufferKib * 1024,
      maxReads: config.watchMaxReads,
    },
    logger,
    onDisagreement(error) {
      logger.fatal({ error }, 'the installation has changed, stopping');
      process.kill(process.pid, 'SIGTERM');
    },
  });
  const versions = new ReadModelVersions(mySqlThreadVersions(database), { maxWaiting: config.maxWaitingQueries });
  const turns = new FairQueue({
    maxRunning: config.mysqlMaxConnections,
    maxWaitingPerClient: config.maxQueuedPerClient,
    maxWaitMs: config.mysqlAcquireTimeoutMs,
  });
  const services = bindQueryServices({
    reader: new MySqlThreadReader(database),
    versions,
    turns,
    minVersionWaitMs: config.minVersionWaitMs,
    watches: new ThreadWatches({
      hub: () => connected.hub,
      participations: mySqlParticipationReader(database),
      codec: threadEventCodec,
      turns,
      maxPerClient: config.maxWatchersPerClient,
      maxPerAccount: config.maxWatchersPerAccount,
    }),
    stallMs: config.watchStallMs,
    logger,
    observe: callMetrics(metrics),
  });
  const server = new GrpcServer({
    host: config.grpcHost,
    port: config.grpcPort,
    services,
    maxRequestBytes: MAX_REQUEST_BYTES,
    // A watch may go on for longer than a connection.
    connectionGraceMs: Infinity,
    limits: config.limits,
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
  natsMetrics(metrics, () => connected.link);
  databaseMetrics(metrics, database);
  queryMetrics(metrics, {
    waiting: () => versions.waiting,
    watchers: () => connected.watchers,
    isDatabaseUp: () => health.isHealthy,
    maxWaiting: config.maxWaitingQueries,
    maxWatchers: config.maxWatchers,
  });
  await server.start();
  await health.start();
  connected.start();
  logger.info({ port: server.port }, 'listening');

  return {
    async drain() {
      await health.stop();
      server.setServing(false);
      await delay(config.drainNoticeMs);
      // Balancers send watchers elsewhere by now.
      await connected.stop();
      await server.drain({ noticeMs: 0, timeoutMs: config.drainTimeoutMs });
      await database.close();
      await metricsServer.close();
    },
  };
}

runService(logger, start, { drainTimeoutMs: config.drainTimeoutMs + config.drainNoticeMs + 2_000 });
