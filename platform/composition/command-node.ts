import { ulid } from 'ulid';
import { AggregateHost } from '../commands/aggregate-host.js';
import { AggregateTypes, type AggregateType, type AnyCommands, type Commands } from '../commands/aggregate-types.js';
import type { CommandBus } from '../commands/command-bus.js';
import { CommandRouter } from '../commands/command-router.js';
import { callMetrics } from '../grpc/call-metrics.js';
import type { UnaryServiceOptions } from '../grpc/unary-service.js';
import { aggregateTypeOf, plainIdOf } from '../journal/aggregate-id.js';
import type { Context } from '../journal/context.js';
import type { Commit } from '../journal/journal.js';
import { traceIdOf } from '../journal/trace-context.js';
import { InstallationSettings } from '../nats/installation-settings.js';
import { JetStreamCommandBus } from '../nats/jetstream-command-bus.js';
import { JetStreamFeedWriter } from '../nats/jetstream-feed-writer.js';
import { JetStreamMembership } from '../nats/jetstream-membership.js';
import { JetStreamRejectionLog } from '../nats/jetstream-rejection-log.js';
import { KvSnapshotStore } from '../nats/kv-snapshot-store.js';
import { NatsLink } from '../nats/nats-link.js';
import { openJournal } from '../nats/open-journal.js';
import { PartitionOwnership } from '../ownership/partition-ownership.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { natsMetrics } from './backend-metrics.js';
import {
  CommandCounts,
  conflictCounter,
  feedWriterMetrics,
  hostMetrics,
  journalStreamMetrics,
  ownershipMetrics,
  routerMetrics,
} from './command-metrics.js';
import type { CommandSettings } from './command-settings.js';
import { stopWhenChanged } from './run-process.js';
import { tracedBus, tracedCommands, tracedJournal } from './traced.js';

/** How long snapshots may be saved before aggregates are handed over, while their commands go on. */
const SAVE_SNAPSHOTS_FOR_MS = 1_000;

/**
 * One instance of a context's command side: aggregates of all its types, the share of them that is this instance's, and
 * the way to the others. A context's services are composed on it.
 */
export class CommandNode {
  /** How methods of services are bound. */
  readonly calls: UnaryServiceOptions;
  readonly membership: JetStreamMembership;
  readonly ownership: PartitionOwnership;
  readonly host: AggregateHost<unknown, { readonly type: string }, unknown, unknown>;
  readonly #types: AggregateTypes;
  readonly #counts: CommandCounts;
  readonly #feed: JetStreamFeedWriter;
  readonly #bus: CommandBus;
  readonly #rejections: JetStreamRejectionLog;
  readonly #router: CommandRouter<unknown, { readonly type: string }, unknown, unknown>;

  private constructor(
    readonly context: Context,
    readonly settings: CommandSettings,
    readonly logger: Logger,
    readonly link: NatsLink,
    readonly metrics: Metrics,
    readonly installation: InstallationSettings,
  ) {
    const { natsReplicas: replicas, feedStorage: storage, commandTimeoutMs } = settings;
    const { partitions } = settings.installation;
    const { prefix } = context;
    this.calls = { logger, maxCallMs: commandTimeoutMs, observe: callMetrics(metrics) };
    this.#counts = new CommandCounts(metrics);
    this.#types = new AggregateTypes(context);
    const typeOf = this.#types.of.bind(this.#types);
    this.#feed = new JetStreamFeedWriter(link, { prefix, partitions, storage, replicas, logger });
    this.host = this.#openHost();
    this.membership = new JetStreamMembership(link, { prefix, self: ulid(), partitions, replicas, logger });
    this.ownership = new PartitionOwnership(this.membership, partitions);
    this.#bus = tracedBus(new JetStreamCommandBus(link, { prefix, replicas, logger }));
    this.#followOwnership();
    // So long at least: an attempt may hang as long as a call may take, and then take as long.
    const keepMs = Math.max(30_000, 2 * commandTimeoutMs);
    this.#rejections = new JetStreamRejectionLog(link, { prefix, replicas, keepMs, logger });
    this.#router = new CommandRouter({
      host: this.host,
      ownership: this.ownership,
      bus: this.#bus,
      rejections: this.#rejections,
      keepRejectionsMs: keepMs,
      onRejectionTrouble: (error) => logger.warn({ reason: error.message }, 'earlier rejections cannot be read'),
      typeOf,
      maxRouted: settings.maxRouted,
    });
    this.#measure();
  }

  /** @throws Fault the installation is laid out otherwise than the settings say, or is in maintenance */
  static async open(
    context: Context,
    settings: CommandSettings,
    logger: Logger,
    metrics: Metrics,
  ): Promise<CommandNode> {
    const link = await NatsLink.open({ url: settings.natsUrl, name: `${context.name}-command`, logger });
    const replicas = settings.natsReplicas;
    const installation = await InstallationSettings.open(link, { prefix: context.prefix, replicas });
    await installation.agree(settings.installation);
    await installation.watch(settings.installation, stopWhenChanged(logger));
    const node = new CommandNode(context, settings, logger, link, metrics, installation);
    await node.#feed.announceTakeover();
    return node;
  }

  /**
   * Hosts a type of aggregate.
   *
   * @param before what commands go through before they are carried out or routed, such as a quota. @default nothing
   * @returns where its commands go, which are counted there
   */
  add<Command, Event extends { readonly type: string }, State, Rejection>(
    type: AggregateType<Command, Event, State, Rejection>,
    before: (commands: Commands<Command, Event, State, Rejection>) => Commands<Command, Event, State, Rejection> = (
      commands,
    ) => commands,
  ): Commands<Command, Event, State, Rejection> {
    const router: AnyCommands = this.#router;
    const commands = tracedCommands(type.type, before(this.#types.add(type, router)));
    return this.#counts.counted(type.type, commands);
  }

  /** Takes commands from other instances from now on. */
  async listen(): Promise<void> {
    await Promise.all([this.#bus.open(this.#router), this.#rejections.open()]);
  }

  /** Hands everything over. From then on calls are routed to those who stay; what was begun is finished here. */
  async leave(): Promise<void> {
    const saved = await this.host.saveSnapshots(() => true, SAVE_SNAPSHOTS_FOR_MS);
    if (saved > 0) this.logger.info({ snapshots: saved }, 'saved snapshots for the next owners');
    await this.membership.leave();
    await this.#bus.serve(new Set());
  }

  /** Finishes what was taken on, once no more calls come. @param flushMs so long the feed may take */
  async finish(flushMs: number): Promise<void> {
    await this.host.drain();
    const isFlushed = await this.#feed.flush(flushMs);
    if (!isFlushed) this.logger.warn('stopped before the feed had every copy; the projector repairs from the journal');
  }

  async close(): Promise<void> {
    await this.#bus.close();
    await this.membership.close();
    await this.link.close();
  }

  #openHost(): AggregateHost<unknown, { readonly type: string }, unknown, unknown> {
    const { context, settings, logger, link } = this;
    const { natsReplicas: replicas, journalMaxStreams: maxStreams } = settings;
    const { journalLayout: layout, journalBuckets: buckets } = settings.installation;
    const { prefix } = context;
    const countConflict = conflictCounter(this.metrics);
    return new AggregateHost((aggregateId) => this.#types.of(aggregateId), {
      journal: tracedJournal(
        openJournal(link, {
          ...{ prefix, layout, buckets, maxStreams, replicas },
          onScarce: (streams) =>
            logger.warn({ streams, max_streams: maxStreams }, 'the journal is nearly full: raise JOURNAL_MAX_STREAMS'),
        }),
      ),
      onCommitted: (commit) => this.#committed(commit),
      onRefused: ({ aggregateId, expectedVersion }) => {
        countConflict();
        const place = { ...this.#named(aggregateId), expected_version: expectedVersion };
        logger.info(place, 'the journal refused a commit: another one was there first');
      },
      passivateAfterMs: settings.passivateAfterMs,
      maxAggregates: settings.maxAggregates,
      maxBytes: settings.maxAggregatesMib * 1024 * 1024,
      maxWaitingPerAggregate: settings.maxWaitingPerAggregate,
      maxWaiting: settings.maxWaiting,
      snapshots: {
        store: new KvSnapshotStore(link, { prefix, replicas }),
        everyCommits: settings.snapshotEveryCommits,
        onTrouble: (id, error) => logger.warn({ ...this.#named(id), reason: error.message }, 'trouble with a snapshot'),
      },
    });
  }

  #committed(commit: Commit): void {
    this.#feed.publish(commit);
    const { aggregateId, version, commandType, commandId, trace } = commit;
    const ids = { request_id: trace.requestId, trace_id: traceIdOf(trace), command_id: commandId };
    this.logger.debug({ ...ids, ...this.#named(aggregateId), version, command: commandType }, 'committed');
  }

  /** An aggregate in the log, such as `thread_id`. */
  #named(aggregateId: string): Readonly<Record<string, string>> {
    return { [`${aggregateTypeOf(this.context, aggregateId)}_id`]: plainIdOf(aggregateId) };
  }

  #followOwnership(): void {
    const { host, ownership, logger } = this;
    ownership.onChange((_changed, { lost, gained, isTakeover, isOrderly }) => {
      const isLost = (aggregateId: string): boolean => lost.has(ownership.partitionOf(aggregateId));
      if (isOrderly) void host.saveSnapshots(isLost, SAVE_SNAPSHOTS_FOR_MS);
      host.forget(isLost);
      const owned = ownership.owned.size;
      logger.info({ lost: lost.size, gained: gained.size, owned }, 'ownership changed');
      void this.#bus.serve(ownership.owned).then(() => logger.debug({ owned }, 'handed over'));
      if (!isTakeover) return;
      // The last copies of an owner that died may be missing.
      this.#feed.announceTakeover().catch((error: unknown) => logger.warn({ error }, 'takeover not announced'));
    });
  }

  #measure(): void {
    const { metrics, settings, link } = this;
    const { maxAggregates, maxWaiting, maxRouted, journalMaxStreams } = settings;
    natsMetrics(metrics, () => link);
    hostMetrics(metrics, this.host, { maxBytes: settings.maxAggregatesMib * 1024 * 1024, maxAggregates, maxWaiting });
    routerMetrics(metrics, this.#router, maxRouted);
    ownershipMetrics(metrics, 'command', this.ownership);
    feedWriterMetrics(metrics, this.#feed);
    if (settings.installation.journalLayout === 'per-thread') journalStreamMetrics(metrics, link, journalMaxStreams);
  }
}
