import { settingsOrExit } from '../shared/adapters/environment.js';
import { GrpcServer } from '../shared/adapters/grpc/grpc-server.js';
import { Database } from '../shared/adapters/mysql/database.js';
import { MySqlProjectionStore } from '../shared/adapters/mysql/projection-store.js';
import { JetStreamFeedReader } from '../shared/adapters/nats/jetstream-feed-reader.js';
import { InstallationSettings } from '../shared/adapters/nats/installation-settings.js';
import { NatsLink } from '../shared/adapters/nats/nats-link.js';
import { openJournal } from '../shared/adapters/nats/open-journal.js';
import { createLogger } from '../shared/adapters/telemetry/logger.js';
import { Projector } from '../shared/runtime/projector.js';
import { runService, type RunningService } from '../shared/runtime/service-process.js';
import { mySqlThreadRows } from './adapters/mysql-thread-rows.js';
import { projectionLog } from './adapters/projection-log.js';
import { readProjectorConfig } from './config.js';

const config = settingsOrExit(() => readProjectorConfig());
const logger = createLogger('thread-projector', config.logLevel);
/** Stands before the names of this context's streams and subjects. */
const PREFIX = 'THREAD';

async function start(): Promise<RunningService> {
  const link = await NatsLink.open({ url: config.natsUrl, name: 'thread-projector', logger });
  const { journalLayout: layout, journalBuckets: buckets } = config.installation;
  const installation = await InstallationSettings.open(link, { prefix: PREFIX, replicas: config.natsReplicas });
  // It writes nothing to the journal, so it may go on while that is copied, but not read the old copy afterwards.
  const role = { duringMaintenance: true };
  await installation.agree(config.installation, role);
  const stop = (error: Error): void => {
    logger.fatal({ error }, 'the installation has changed, stopping');
    process.kill(process.pid, 'SIGTERM');
  };
  await installation.watch(config.installation, stop, role);
  const database = new Database({ url: config.mysqlUrl, maxConnections: config.mysqlMaxConnections });
  const server = new GrpcServer({ host: config.grpcHost, port: config.grpcPort, services: [] });
  const projector = new Projector({
    feed: new JetStreamFeedReader(link, {
      prefix: PREFIX,
      storage: config.feedStorage,
      replicas: config.natsReplicas,
    }),
    journal: openJournal(link, { prefix: PREFIX, layout, buckets }),
    store: new MySqlProjectionStore(database, mySqlThreadRows, { projection: 'threads' }),
    observer: projectionLog(logger, (isHealthy) => server.setServing(isHealthy)),
    maxBatchCommits: config.batchCommits,
    lingerMs: config.lingerMs,
    reconcileEveryMs: config.reconcileEveryMs,
    checkEveryMs: config.checkEveryMs,
    unhealthyAfterMs: config.unhealthyAfterMs,
  });
  await server.start();
  // Until the first success.
  server.setServing(false);
  projector.start();
  logger.info({ port: server.port }, 'listening');

  return {
    async drain() {
      server.setServing(false);
      await projector.drain();
      await server.drain({ noticeMs: config.drainNoticeMs, timeoutMs: 1_000 });
      await database.close();
      await link.close();
    },
  };
}

runService(logger, start, { drainTimeoutMs: config.drainTimeoutMs + config.drainNoticeMs });
