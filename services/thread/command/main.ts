import { hostname } from 'node:os';
import { ulid } from 'ulid';
import { OwnershipServiceService } from '../../../gen/threadweaver/admin/v1/ownership_service.js';
import { ThreadCommandServiceService as LegacyThreadCommandService } from '../../../gen/thread/thread_services.js';
import { ThreadRestCommandServiceService } from '../../../gen/threadweaver/legacy/thread/v1/thread_rest_command_service.js';
import { ThreadCommandServiceService } from '../../../gen/threadweaver/thread/v1/thread_command_service.js';
import { settingsOrExit } from '../../../platform/process/environment.js';
import { GrpcServer } from '../../../platform/grpc/grpc-server.js';
import { logGrpcLibrary } from '../../../platform/grpc/library-log.js';
import { bindUnaryService } from '../../../platform/grpc/unary-service.js';
import { inLegacyWords } from '../../../platform/grpc/legacy-texts.js';
import { JetStreamCommandBus } from '../../../platform/nats/jetstream-command-bus.js';
import { JetStreamFeedWriter } from '../../../platform/nats/jetstream-feed-writer.js';
import { KvSnapshotStore } from '../../../platform/nats/kv-snapshot-store.js';
import { InstallationSettings } from '../../../platform/nats/installation-settings.js';
import { JetStreamMembership } from '../../../platform/nats/jetstream-membership.js';
import { JetStreamRejectionLog } from '../../../platform/nats/jetstream-rejection-log.js';
import { NatsLink } from '../../../platform/nats/nats-link.js';
import { openJournal } from '../../../platform/nats/open-journal.js';
import { WriteProbe } from '../../../platform/nats/write-probe.js';
import { processSlotOf } from '../../../platform/process/process-slot.js';
import { createLogger } from '../../../platform/telemetry/logger.js';
import { natsMetrics, natsWritableMetric } from '../../../platform/composition/backend-metrics.js';
import { callMetrics } from '../../../platform/grpc/call-metrics.js';
import {
  conflictCounter,
  countedCommands,
  feedWriterMetrics,
  hostMetrics,
  journalStreamMetrics,
  ownershipMetrics,
  routerMetrics,
} from '../../../platform/composition/command-metrics.js';
import { Metrics } from '../../../platform/telemetry/metrics.js';
import { serveMetrics } from '../../../platform/telemetry/metrics-server.js';
import { AggregateHost } from '../../../platform/commands/aggregate-host.js';
import { CommandRouter } from '../../../platform/commands/command-router.js';
import { PartitionOwnership } from '../../../platform/ownership/partition-ownership.js';
import { runService, type RunningService } from '../../../platform/process/service-process.js';
import { traceIdOf } from '../../../platform/journal/trace-context.js';
import { threadContext } from '../events/context.js';
import { threadEventCodec } from '../events/thread-event-codec.js';
import { JetStreamCreationQuota } from './adapters/jetstream-creation-quota.js';
import { legacyGrpcService } from './adapters/legacy-grpc-service.js';
import { legacyRestService, legacyRestWording } from './adapters/legacy-rest-service.js';
import { maxEntries } from './adapters/request-parsing.js';
import { threadStateFormat } from './adapters/thread-state-format.js';
import { ownershipService } from './adapters/ownership-service.js';
import { threadCommandCodec } from './adapters/thread-command-codec.js';
import { threadCommandService } from './adapters/thread-command-service.js';
import { readConfig } from './config.js';
import { estimateThreadBytes } from './domain/thread-state.js';
import { threadDecider } from './domain/thread.js';
import { BoundedCreations } from './runtime/bounded-creations.js';
import { ThreadCommandHandler, type ThreadCommands, type ThreadHost } from './runtime/thread-command-handler.js';

const config = settingsOrExit(() => readConfig());
const logger = createLogger('thread-command', config.logLevel);
logGrpcLibrary(logger);
const { prefix } = threadContext;
/** How long snapshots may be saved before the threads are handed over, while their commands go on. */
const SAVE_SNAPSHOTS_FOR_MS = 1_000;
/** So long a rejection is remembered at least: an attempt may hang as long as a call may take, and then take as long. */
const KEEP_REJECTIONS_MS = Math.max(30_000, 2 * config.commandTimeoutMs);

async function start(): Promise<RunningService> {
  const metrics = new Metrics();
  const metricsServer = await serveMetrics({ host: config.metricsHost, port: config.metricsPort, metrics, logger });
  const link = await NatsLink.open({ url: config.natsUrl, name: 'thread-command', logger });
  const { journalMaxStreams: maxStreams, natsReplicas: replicas, feedStorage: storage } = config;
  const { journalLayout: layout, journalBuckets: buckets, partitions } = config.installation;
  const installation = await InstallationSettings.open(link, { prefix, replicas });
  await installation.agree(config.installation);
  await installation.watch(config.installation, (error) => {
    logger.fatal({ error }, 'the installation has changed, stopping');
    process.kill(process.pid, 'SIGTERM');
  });
  const journal = openJournal(link, {
    prefix,
    layout,
    buckets,
    maxStreams,
    replicas,
    onScarce: (streams) =>
      logger.warn({ streams, max_streams: maxStreams }, 'the journal is nearly full: raise JOURNAL_MAX_STREAMS'),
  });
  const feed = new JetStreamFeedWriter(link, { prefix, partitions, storage, replicas, logger });
  await feed.announceTakeover();

  const maxBytes = config.maxAggregatesMib * 1024 * 1024;
  const countConflict = conflictCounter(metrics);
  const host: ThreadHost = new AggregateHost(
    {
      decider: threadDecider,
      codec: threadEventCodec,
      estimateBytes: estimateThreadBytes,
      stateFormat: threadStateFormat,
    },
    {
      journal,
      onCommitted: (commit) => {
        feed.publish(commit);
        const { aggregateId, version, commandType, commandId, trace } = commit;
        const ids = { request_id: trace.requestId, trace_id: traceIdOf(trace), command_id: commandId };
        logger.debug({ ...ids, thread_id: aggregateId, version, command: commandType }, 'committed');
      },
      onRefused: ({ aggregateId, expectedVersion }) => {
        countConflict();
        const place = { thread_id: aggregateId, expected_version: expectedVersion };
        logger.info(place, 'the journal refused a commit: another one was there first');
      },
      passivateAfterMs: config.passivateAfterMs,
      maxAggregates: config.maxAggregates,
      maxBytes,
      maxWaitingPerAggregate: config.maxWaitingPerThread,
      maxWaiting: config.maxWaiting,
      snapshots: {
        store: new KvSnapshotStore(link, { prefix, replicas }),
        everyCommits: config.snapshotEveryCommits,
        onTrouble: (id, error) => logger.warn({ thread_id: id, reason: error.message }, 'trouble with a snapshot'),
      },
    },
  );

  const membership = new JetStreamMembership(link, { prefix, self: ulid(), partitions, replicas, logger });
  const ownership = new PartitionOwnership(membership, partitions);
  const bus = new JetStreamCommandBus(link, { prefix, replicas, logger });
  ownership.onChange((_changed, { lost, gained, isTakeover, isOrderly }) => {
    const isLost = (threadId: string): boolean => lost.has(ownership.partitionOf(threadId));
    if (isOrderly) void host.saveSnapshots(isLost, SAVE_SNAPSHOTS_FOR_MS);
    host.forget(isLost);
    const owned = ownership.owned.size;
    logger.info({ lost: lost.size, gained: gained.size, owned }, 'ownership changed');
    void bus.serve(ownership.owned).then(() => logger.debug({ owned }, 'handed over'));
    // The last copies of an owner that died may be missing.
    if (isTakeover) feed.announceTakeover().catch((error: unknown) => logger.warn({ error }, 'takeover not announced'));
  });
  const keepMs = KEEP_REJECTIONS_MS;
  const rejections = new JetStreamRejectionLog(link, { prefix, replicas, keepMs, logger });
  const router = new CommandRouter({
    host,
    ownership,
    bus,
    rejections,
    keepRejectionsMs: KEEP_REJECTIONS_MS,
    onRejectionTrouble: (error) => logger.warn({ reason: error.message }, 'earlier rejections cannot be read'),
    commands: threadCommandCodec,
    events: threadEventCodec,
    maxRouted: config.maxRouted,
  });
  await Promise.all([bus.open(router), rejections.open()]);

  const probe = new WriteProbe(link, { prefix, replicas, logger });
  natsMetrics(metrics, () => link);
  natsWritableMetric(metrics, probe);
  hostMetrics(metrics, host, { maxBytes, maxAggregates: config.maxAggregates, maxWaiting: config.maxWaiting });
  routerMetrics(metrics, router, config.maxRouted);
  ownershipMetrics(metrics, 'command', ownership);
  feedWriterMetrics(metrics, feed);
  if (layout === 'per-thread') journalStreamMetrics(metrics, link, maxStreams);

  const bounded = layout === 'per-thread' ? await boundedByQuota(link, router) : router;
  const handler = new ThreadCommandHandler(countedCommands(metrics, bounded));
  const decodeBounds = { entriesOf: maxEntries };
  const calls = { logger, maxCallMs: config.commandTimeoutMs, observe: callMetrics(metrics), decodeBounds };
  const server = new GrpcServer({
    host: config.grpcHost,
    port: config.grpcPort,
    // Health may be watched for longer than a connection lasts; commands have a deadline each.
    connectionGraceMs: Infinity,
    limits: config.limits,
    services: [
      bindUnaryService(ThreadCommandServiceService, threadCommandService(handler), calls),
      bindUnaryService(LegacyThreadCommandService, legacyGrpcService(handler), calls),
      bindUnaryService(ThreadRestCommandServiceService, legacyRestService(handler), {
        ...calls,
        rephrase: (error) => inLegacyWords(error, legacyRestWording),
      }),
    ],
  });
  await server.start();
  // For operators only, so on an address that no client reaches: no route of the edge leads there.
  const adminServices = [bindUnaryService(OwnershipServiceService, ownershipService(ownership, host), calls)];
  const { adminHost, adminPort } = config;
  const admin =
    adminPort > 0 ? new GrpcServer({ host: adminHost, port: adminPort, services: adminServices }) : undefined;
  await admin?.start();
  await membership.join(`${hostname()}:${server.port}`, await processSlotOf(config.grpcHost, server.port));
  // Maintenance that began before we were announced has not seen us; now we see it.
  await installation.agree(config.installation);
  const tellHealth = (): void => server.setServing(link.isConnected && probe.isWritable);
  link.onStatus(tellHealth);
  probe.onChange(tellHealth);
  probe.start();
  // It may have been lost meanwhile.
  tellHealth();
  logger.info({ port: server.port }, 'listening');

  return {
    async drain() {
      const saved = await host.saveSnapshots(() => true, SAVE_SNAPSHOTS_FOR_MS);
      if (saved > 0) logger.info({ snapshots: saved }, 'saved snapshots for the next owners');
      // From here on calls are routed to those who stay; what was begun is finished here.
      await membership.leave();
      await bus.serve(new Set());
      await server.drain({ noticeMs: config.drainNoticeMs, timeoutMs: config.drainTimeoutMs / 2 });
      await host.drain();
      const isFlushed = await feed.flush(config.drainTimeoutMs / 4);
      if (!isFlushed) logger.warn('stopped before the feed had every copy; the projector repairs from the journal');
      probe.close();
      await admin?.drain({ noticeMs: 0, timeoutMs: 1_000 });
      await bus.close();
      await membership.close();
      await link.close();
      await metricsServer.close();
    },
  };
}

/** With a stream for each thread, streams are what one account could take from all others. */
async function boundedByQuota(link: NatsLink, commands: ThreadCommands): Promise<ThreadCommands> {
  const { natsReplicas: replicas, journalMaxStreamsPerAccount: limit } = config;
  const quota = new JetStreamCreationQuota(link, { prefix, limit, replicas });
  await quota.open();
  return new BoundedCreations(commands, quota);
}

runService(logger, start, { drainTimeoutMs: config.drainTimeoutMs });
