import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { ensureFeedStream, feedStreamName, feedSubject, type FeedStreamOptions } from './feed-stream.js';
import type { NatsLink } from './nats-link.js';

/** What of the feed lies behind a position. */
export interface FeedBacklog {
  readonly commits: number;
  /** When the oldest of them came into the feed, epoch milliseconds; undefined when there is none. */
  readonly oldestAt: number | undefined;
}

/** An abandoned consumer goes after so long, in nanoseconds. */
const INACTIVE_NS = 10_000_000_000;

/** Commits of some of the feed's partitions that come after a sequence. */
export async function feedBacklog(
  link: NatsLink,
  options: FeedStreamOptions,
  partitions: readonly number[],
  afterSequence: number,
): Promise<FeedBacklog> {
  const stream = feedStreamName(options);
  const { name, num_pending: commits } = await link.ask(() =>
    link.manager.consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: afterSequence + 1,
      filter_subjects: partitions.map((partition) => feedSubject(options, String(partition))),
      inactive_threshold: INACTIVE_NS,
      mem_storage: true,
    }),
  );
  try {
    if (commits === 0) return { commits, oldestAt: undefined };
    const consumer = await link.jetstream.consumers.get(stream, name);
    const oldest = await link.ask(() => consumer.next({ expires: 1_000 }));
    return { commits, oldestAt: oldest?.time.getTime() };
  } finally {
    await link.ask(() => link.manager.consumers.delete(stream, name)).catch(() => undefined);
  }
}

/** The last sequence of the feed before a time; 0 when all of it came later. */
export async function feedSequenceBefore(link: NatsLink, options: FeedStreamOptions, time: Date): Promise<number> {
  const { state } = await ensureFeedStream(link, options);
  const stream = feedStreamName(options);
  const { name, num_pending, delivered } = await link.ask(() =>
    link.manager.consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: time.toISOString(),
      inactive_threshold: INACTIVE_NS,
      mem_storage: true,
    }),
  );
  await link.ask(() => link.manager.consumers.delete(stream, name)).catch(() => undefined);
  return num_pending === 0 ? state.last_seq : delivered.stream_seq;
}
