import { encodeCommit } from '../../platform/nats/commit-message.js';
import type { NatsLink } from '../../platform/nats/nats-link.js';
import { openJournal, type JournalLayout } from '../../platform/nats/open-journal.js';
import { journalStream } from '../../platform/nats/open-stream.js';
import { inParallel } from '../../platform/process/in-parallel.js';
import { partitionOf } from '../../platform/ownership/partition.js';
import { commitAt, type BenchThread } from './thread-history.js';

/** The installation's default. */
export const BUCKETS = 16;
/** So many publishes are on their way at once. */
const IN_FLIGHT = 2_000;
/** So many streams are made at once. */
const CREATIONS = 16;

export interface FillOptions {
  readonly layout: JournalLayout;
  readonly threads: readonly BenchThread[];
  /** Each thread gets the versions from 1 up to this one. */
  readonly commits: number;
  /** Called now and then with the number of commits so far. */
  onProgress?(done: number): void;
}

/**
 * Writes the threads' histories, one version of all after the other, so that a thread's commits lie far apart, as they do
 * where many chat at once. `per-thread` goes through the journal. `bucketed` publishes what the journal would, with the
 * same headers, fences and bytes, but without waiting for each acknowledgement: nobody else writes, so that the sequences
 * are known beforehand, and each fence that is wrong fails the whole.
 *
 * @returns milliseconds that it took
 */
export async function fillJournal(link: NatsLink, options: FillOptions): Promise<number> {
  const startedAt = performance.now();
  await (options.layout === 'bucketed' ? fillBuckets(link, options) : fillStreams(link, options));
  return performance.now() - startedAt;
}

async function fillStreams(link: NatsLink, { threads, commits, onProgress }: FillOptions): Promise<void> {
  const journal = openJournal(link, { prefix: 'THREAD', layout: 'per-thread', maxStreams: 1_000_000 });
  let done = 0;
  for (let version = 1; version <= commits; version += 1) {
    await inParallel(threads, CREATIONS, async (thread) => {
      await journal.append(thread.id, version - 1, commitAt(thread, version));
      done += 1;
      if (done % 100 === 0) onProgress?.(done);
    });
  }
}

async function fillBuckets(link: NatsLink, { threads, commits, onProgress }: FillOptions): Promise<void> {
  const sequences = new Map<number, number>();
  const lastOf = new Map<string, number>();
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const stream = journalStream(`THREAD_JOURNAL_${bucket}`, `thread.bucket.${bucket}.*`, 1);
    // There already, when the journal has been opened since the last fill, and then with more settings.
    const { state } = await link.manager.streams.add(stream).catch(() => link.manager.streams.info(stream.name));
    sequences.set(bucket, state.last_seq);
  }
  let done = 0;
  for (let version = 1; version <= commits; version += 1) {
    await inLanes(threads, async (thread) => {
      const bucket = partitionOf(thread.id, BUCKETS);
      const sequence = (sequences.get(bucket) ?? 0) + 1;
      const lastSubjectSequence = lastOf.get(thread.id) ?? 0;
      sequences.set(bucket, sequence);
      lastOf.set(thread.id, sequence);
      const commit = commitAt(thread, version);
      const { headers, data } = encodeCommit(thread.id, version, commit);
      const msgID = `${thread.id}:${commit.commandId}`;
      const subject = `thread.bucket.${bucket}.${thread.id}`;
      const ack = await link.jetstream.publish(subject, data, { headers, msgID, expect: { lastSubjectSequence } });
      if (ack.seq !== sequence) throw new Error(`the bucket has sequence ${ack.seq} where ${sequence} was meant`);
      done += 1;
      if (done % 1_000 === 0) onProgress?.(done);
    });
  }
}

/** As `inParallel`, in order, and without a look at all that is under way for each that ends. */
async function inLanes(threads: readonly BenchThread[], work: (thread: BenchThread) => Promise<void>): Promise<void> {
  const rest = threads.values();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const thread of rest) await work(thread);
    }),
  );
}
