import type { AggregateHost } from '../commands/aggregate-host.js';
import type { Commands } from '../commands/aggregate-types.js';
import type { CommandRouter } from '../commands/command-router.js';
import type { PartitionOwnership } from '../ownership/partition-ownership.js';
import type { JetStreamFeedWriter } from '../nats/jetstream-feed-writer.js';
import type { NatsLink } from '../nats/nats-link.js';
import type { Counter, Metrics } from '../telemetry/metrics.js';

export type CommandResultName = 'committed' | 'repeated' | 'rejected' | 'failed';

/** Counts commands by their outcome as their callers see it: once, where they came in, whoever has carried them out. */
export class CommandCounts {
  readonly #total: Counter<'aggregate_type' | 'command' | 'outcome'>;

  constructor(metrics: Metrics) {
    this.#total = metrics.counter(
      'threadweaver_commands_total',
      'Commands answered by the instance that they came to: committed, repeated (the first answer again), rejected, failed.',
      ['aggregate_type', 'command', 'outcome'],
    );
  }

  /** The same commands, of one type of aggregate, counted. */
  counted<Command, Event, State, Rejection>(
    type: string,
    commands: Commands<Command, Event, State, Rejection>,
  ): Commands<Command, Event, State, Rejection> {
    // Bound once: finding a counter by its labels costs more than counting.
    const counters = new Map<string, Counter.Internal>();
    const count = (command: string, outcome: CommandResultName): void => {
      const key = `${command} ${outcome}`;
      let counter = counters.get(key);
      if (counter === undefined) {
        counters.set(key, (counter = this.#total.labels({ aggregate_type: type, command, outcome })));
      }
      counter.inc();
    };
    return {
      async execute(envelope) {
        try {
          const outcome = await commands.execute(envelope);
          const isRepeat = outcome.kind === 'committed' && outcome.repeated;
          count(envelope.commandType, isRepeat ? 'repeated' : outcome.kind);
          return outcome;
        } catch (error) {
          count(envelope.commandType, 'failed');
          throw error;
        }
      },
      inspect: (aggregateId, deadline) => commands.inspect(aggregateId, deadline),
    };
  }
}

/** @returns what to call when the journal has refused a commit */
export function conflictCounter(metrics: Metrics): () => void {
  const conflicts = metrics.counter(
    'threadweaver_journal_conflicts_total',
    'Commits that the journal refused because another owner had been faster; they were decided again.',
  );
  return () => conflicts.inc();
}

/** What is in memory and waits, against its bounds. */
export function hostMetrics(
  metrics: Metrics,
  host: Pick<AggregateHost<never, never, never, never>, 'size' | 'bytes' | 'waiting'>,
  limits: { readonly maxAggregates: number; readonly maxBytes: number; readonly maxWaiting: number },
): void {
  metrics.gauge('threadweaver_aggregates', 'Aggregates in memory.', () => host.size);
  metrics.gauge('threadweaver_aggregates_limit', 'MAX_AGGREGATES.', () => limits.maxAggregates);
  metrics.gauge('threadweaver_aggregates_bytes', 'What the aggregates in memory take, by estimate.', () => host.bytes);
  metrics.gauge('threadweaver_aggregates_limit_bytes', 'MAX_AGGREGATES_MIB in bytes.', () => limits.maxBytes);
  metrics.gauge(
    'threadweaver_commands_waiting',
    'Commands that wait here for their turn or for the journal.',
    () => host.waiting,
  );
  metrics.gauge('threadweaver_commands_waiting_limit', 'MAX_WAITING.', () => limits.maxWaiting);
}

/** Commands on their way to other instances. */
export function routerMetrics(
  metrics: Metrics,
  router: Pick<CommandRouter<never, never, never, never>, 'pending'>,
  maxRouted: number,
): void {
  metrics.gauge(
    'threadweaver_commands_routed',
    'Commands on their way to the owners of their aggregates on other instances, or waiting for their answer.',
    () => router.pending,
  );
  metrics.gauge('threadweaver_commands_routed_limit', 'MAX_ROUTED.', () => maxRouted);
}

/** @param group whose partitions: of commands, or of the projection */
export function ownershipMetrics(
  metrics: Metrics,
  group: 'command' | 'projection',
  ownership: PartitionOwnership,
): void {
  const prefix = `threadweaver_${group}`;
  metrics.gauge(`${prefix}_partitions`, 'Partitions that there are.', () => ownership.partitions);
  metrics.gauge(`${prefix}_partitions_owned`, 'Partitions that this instance owns.', () => ownership.owned.size);
  metrics.gauge(
    `${prefix}_members`,
    'Instances that share the partitions, as this one sees it.',
    () => ownership.membership.members.length,
  );
  metrics.counterOf(
    `${prefix}_partition_moves_total`,
    'Partitions that got another owner, as this instance has seen it.',
    () => ownership.moves,
  );
  metrics.counterOf(
    `${prefix}_ownership_changes_total`,
    'Times that the partitions were dealt out to other members than before, as this instance has seen it.',
    () => ownership.changes,
  );
}

export function feedWriterMetrics(metrics: Metrics, feed: JetStreamFeedWriter): void {
  metrics.gauge(
    'threadweaver_feed_copies_waiting',
    'Copies of commits that the feed does not have yet.',
    () => feed.waiting,
  );
  metrics.counterOf(
    'threadweaver_feed_copies_dropped_total',
    'Copies that the feed never got because too many waited; the projector repairs them from the journal.',
    () => feed.dropped,
  );
}

/** Streams of the account on the NATS server, which a journal with a stream per aggregate must bound. */
export function journalStreamMetrics(metrics: Metrics, link: NatsLink, maxStreams: number): void {
  metrics.gauge('threadweaver_journal_streams_limit', 'JOURNAL_MAX_STREAMS.', () => maxStreams);
  metrics.sampled(
    [
      {
        name: 'threadweaver_journal_streams',
        help: 'Streams on the NATS server; nearly all are journals, one an aggregate.',
        valueOf: ({ streams }) => streams,
      },
    ],
    async () => {
      const { streams } = await link.ask(() => link.manager.getAccountInfo());
      return { streams };
    },
  );
}
