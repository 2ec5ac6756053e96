import { hostname } from 'node:os';
import pLimit from 'p-limit';
import { ulid } from 'ulid';
import { settingsOrExit } from '../../../platform/process/environment.js';
import { GrpcServer } from '../../../platform/grpc/grpc-server.js';
import { logGrpcLibrary } from '../../../platform/grpc/library-log.js';
import { Database } from '../../../platform/mysql/database.js';
import { ProjectionLayout } from '../../../platform/mysql/projection-layout.js';
import { ProjectionOperations } from '../../../platform/mysql/projection-operations.js';
import { MySqlProjectionStore } from '../../../platform/mysql/projection-store.js';
import { feedBacklog } from '../../../platform/nats/feed-backlog.js';
import { JetStreamFeedReader } from '../../../platform/nats/jetstream-feed-reader.js';
import { JetStreamMembership } from '../../../platform/nats/jetstream-membership.js';
import { InstallationSettings } from '../../../platform/nats/installation-settings.js';
import { NatsLink } from '../../../platform/nats/nats-link.js';
import { openJournal } from '../../../platform/nats/open-journal.js';
import { createLogger } from '../../../platform/telemetry/logger.js';
import { databaseMetrics, natsMetrics } from '../../../platform/composition/backend-metrics.js';
import { ownershipMetrics } from '../../../platform/composition/command-metrics.js';
import { Metrics } from '../../../platform/telemetry/metrics.js';
import { serveMetrics } from '../../../platform/telemetry/metrics-server.js';
import { ProjectionMetrics } from '../../../platform/composition/projection-metrics.js';
import { Fault } from '../../../platform/kernel/fault.js';
import { PartitionOwnership } from '../../../platform/ownership/partition-ownership.js';
import { PartitionedProjector } from '../../../platform/projection/partitioned-projector.js';
import { feedPartitionsOf, projectionPartitionOf } from '../../../platform/projection/projection-partition.js';
import type { ProjectionObserver } from '../../../platform/projection/projection-observer.js';
import { Projector } from '../../../platform/projection/projector.js';
import { runService, type RunningService } from '../../../platform/process/service-process.js';
import { SharedListing } from '../../../platform/projection/shared-listing.js';
import { projectionLog } from '../../../platform/composition/projection-log.js';
import { projectionPrefixOf } from '../../../platform/projection/projection-prefix.js';
import { threadContext } from '../events/context.js';
import { readProjectorConfig } from './config.js';
import { threadsProjection } from './projection.js';

const { prefix } = threadContext;
const { name: projection, rows } = threadsProjection;

const config = settingsOrExit(() => readProjectorConfig());
const logger = createLogger('thread-projector', config.logLevel);
logGrpcLibrary(logger);

async function start(): Promise<RunningService> {
  const metrics = new Metrics();
  const metricsServer = await serveMetrics({ host: config.metricsHost, port: config.metricsPort, metrics, logger });
  const link = await NatsLink.open({ url: config.natsUrl, name: 'thread-projector', logger });
  const { journalLayout: layout, journalBuckets: buckets } = config.installation;
  const { natsReplicas: replicas, feedStorage: storage } = config;
  const installation = await InstallationSettings.open(link, { prefix, replicas });
  // It writes nothing to the journal, so it may go on while that is copied, but not read the old copy afterwards.
  const role = { duringMaintenance: true };
  await installation.agree(config.installation, role);
  let isStopping = false;
  const stop = (error: Error): void => {
    if (isStopping) return;
    isStopping = true;
    logger.fatal({ error }, 'the installation has changed, stopping');
    process.kill(process.pid, 'SIGTERM');
  };
  await installation.watch(config.installation, stop, role);

  const database = new Database({
    url: config.mysqlUrl,
    maxConnections: config.mysqlMaxConnections,
    abandonAfterSeconds: config.mysqlAbandonAfterSeconds,
  });
  const server = new GrpcServer({ host: config.grpcHost, port: config.grpcPort, services: [], limits: config.limits });
  const feed = { prefix, storage, replicas };
  const partitions = { feedPartitions: config.installation.partitions, count: config.projectionPartitions };
  const membership = new JetStreamMembership(link, {
    prefix: projectionPrefixOf(prefix),
    self: ulid(),
    partitions: partitions.count,
    replicas,
    logger,
  });
  const ownership = new PartitionOwnership(membership, partitions.count);
  const projectionMetrics = new ProjectionMetrics(metrics);
  ownership.onChange((_changed, { lost, gained }) => {
    projectionMetrics.left(lost);
    logger.info({ lost: lost.size, gained: gained.size, owned: ownership.owned.size }, 'partitions changed');
  });
  const journal = openJournal(link, { prefix, layout, buckets });
  const listing = new SharedListing({
    list: () => journal.list(),
    partitionOf: (threadId) => projectionPartitionOf(threadId, partitions),
    perSecond: config.reconcileThreadsPerSecond,
  });
  const checkpoints = new ProjectionLayout(database, projection, partitions);
  // One connection stays free for checks and comparisons.
  const slots = pLimit(Math.max(1, config.mysqlMaxConnections - 1));

  const newProjector = (partition: number, observer: ProjectionObserver): Projector => {
    const log = projectionLog(logger.child({ partition }), threadContext);
    return new Projector({
      feed: new JetStreamFeedReader(
        link,
        feed,
        partitions.count === 1 ? undefined : feedPartitionsOf(partition, partitions),
      ),
      journal: { read: (id, from) => journal.read(id, from), list: () => listing.list(partition) },
      store: new MySqlProjectionStore(database, rows, {
        projection,
        partition,
        layout: checkpoints,
      }),
      observer: projectionMetrics.metered(partition, (event) => {
        if (event.kind === 'health-changed') return observer(event);
        const isOtherLayout =
          event.kind === 'troubled' && event.error instanceof Fault && event.error.reason === 'PARTITIONS_DIFFER';
        if (isOtherLayout) stop(event.error);
        else log(event);
      }),
      maxBatchCommits: config.batchCommits,
      lingerMs: config.lingerMs,
      checkEveryMs: config.checkEveryMs,
      unhealthyAfterMs: config.unhealthyAfterMs,
      // All partitions at once, below.
      reconcileEveryMs: 2 ** 31 - 1,
      slots,
    });
  };
  const log = projectionLog(logger, threadContext);
  const projector = new PartitionedProjector({
    ownership,
    observer: (event) => {
      log(event);
      if (event.kind !== 'health-changed') return;
      projectionMetrics.healthChanged(event.isHealthy);
      server.setServing(event.isHealthy);
    },
    newProjector,
    reconcileEveryMs: config.reconcileEveryMs,
  });
  natsMetrics(metrics, () => link);
  databaseMetrics(metrics, database);
  ownershipMetrics(metrics, 'projection', ownership);
  projectionMetrics.measureBacklog(projector, (partition, afterSequence) =>
    feedBacklog(link, feed, feedPartitionsOf(partition, partitions), afterSequence),
  );
  projectionMetrics.measureDeadLetters(new ProjectionOperations(database, projection));
  await server.start();
  // Until the first success.
  server.setServing(false);
  projector.start();
  await membership.join(`${hostname()}:${server.port}`);
  logger.info({ port: server.port }, 'listening');

  return {
    async drain() {
      server.setServing(false);
      // The others take over while the last batches are finished; the fence keeps the two apart.
      await Promise.all([projector.drain(), membership.leave()]);
      await server.drain({ noticeMs: config.drainNoticeMs, timeoutMs: 1_000 });
      await membership.close();
      await database.close();
      await link.close();
      await metricsServer.close();
    },
  };
}

runService(logger, start, { drainTimeoutMs: config.drainTimeoutMs + config.drainNoticeMs });
