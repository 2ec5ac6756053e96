import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiCodes, type StoredMsg } from '@nats-io/jetstream';
import { Fault, toError } from '../kernel/fault.js';
import { VersionConflict, type AggregateVersion } from '../journal/journal.js';
import { partitionOf } from '../ownership/partition.js';
import { randomHex } from '../process/random-pool.js';
import { AppendBatches, BatchRefused } from './append-batches.js';
import { AppendQueue } from './append-queue.js';
import { readCommitPosition } from './commit-message.js';
import { assertFits, isApiError, isWrongExpectation, unavailable } from './journal-errors.js';
import type { Acknowledgement, PublishTerms } from './jetstream-publisher.js';
import { MessageJournal, type MessageAppend } from './message-journal.js';
import type { NatsLink } from './nats-link.js';
import { publishFenced } from './publish-fenced.js';
import { isClustered, journalStream, LAGGING_NODE_MS, untilTaken } from './open-stream.js';
import { READ_BATCH, readBatch, streamExists } from './read-stream.js';

export interface BucketedJournalOptions {
  /** Stands before the number of the bucket in the names of streams and subjects, such as `THREAD`. */
  readonly prefix: string;
  /** How many streams there are. Never changes once something is written. @default 16 */
  readonly buckets?: number;
  /** Copies of each stream in a cluster. @default 1 */
  readonly replicas?: number;
  /** Of so many aggregates it is remembered where their last commit lies. @default 100000 */
  readonly maxTips?: number;
}

export const DEFAULT_BUCKETS = 16;

/** So many appends of one aggregate that wait for each other go as one batch, which costs about as much as ten alone. */
const BATCH_MINIMUM = 16;
const BATCH_MAXIMUM = 128;
/** So many batches of one bucket are on their way at once: nats-server takes 50 a stream, from all instances. */
const BATCHES_AT_ONCE = 4;
/** nats-server's codes for a batch of which nothing was written, which the client has no names for. */
const BATCH_REFUSALS = [
  10_174, // The stream takes none.
  10_176, // Too many at once, or it is not complete.
  10_199, // Too large.
  10_201, // A message's id is there already: one of the commands was taken before.
];

/** The last commit of an aggregate, and where it lies in its bucket. */
interface Tip {
  /** Sequence in the bucket's stream; 0 when there is no commit. */
  readonly sequence: number;
  readonly version: number;
  readonly commandId: string | undefined;
}

const NO_COMMIT: Tip = { sequence: 0, version: 0, commandId: undefined };

/**
 * The journal as some JetStream streams, "buckets", that share the aggregates by the hash of their ids: a subject an
 * aggregate. Its cost does not grow with the number of aggregates. A commit is one message, its version a header, and
 * the fence the expected last sequence of the subject, https://docs.nats.io/nats-concepts/jetstream/headers. That is
 * known only once the commit before is acknowledged, so pipelined appends of one aggregate are sent one after another;
 * when many wait, as an atomic batch with the fence on its first message: one flush for all of them.
 */
export class BucketedJournal extends MessageJournal {
  /** By least recent use first. */
  readonly #tips = new Map<string, Tip>();
  readonly #queue = new AppendQueue();
  readonly #batches = new AppendBatches({
    minimum: BATCH_MINIMUM,
    maximum: BATCH_MAXIMUM,
    appendOne: (append) => this.#publish(append),
    appendAll: (appends) => this.#publishBatch(appends),
  });
  /** Buckets that take batches, with the number of those on their way. */
  readonly #batchesUnderWay = new Map<number, number>();
  #batchCount = 0;
  readonly #batchPrefix = randomHex(8);
  /** Buckets that are there, or are being made. */
  readonly #ready = new Map<number, Promise<void>>();

  constructor(
    private readonly link: NatsLink,
    private readonly options: BucketedJournalOptions,
  ) {
    super();
  }

  /** From the server's count of messages by subject: no message is read. Nothing is ever deleted, so count and version are the same. */
  async *list(): AsyncIterable<AggregateVersion> {
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
      const prefix = this.#subject(bucket, '');
      for (const [subject, version] of Object.entries(await this.#countBySubject(bucket))) {
        const aggregateId = subject.slice(prefix.length);
        if (partitionOf(aggregateId, this.#buckets) !== bucket) throw misplaced(aggregateId, bucket, this.#buckets);
        yield { aggregateId, version };
      }
    }
  }

  get #buckets(): number {
    return this.options.buckets ?? DEFAULT_BUCKETS;
  }

  #stream(bucket: number): string {
    return `${this.options.prefix}_JOURNAL_${bucket}`;
  }

  #subject(bucket: number, aggregateId: string): string {
    return `${this.options.prefix.toLowerCase()}.bucket.${bucket}.${aggregateId}`;
  }

  /** Where an aggregate's commits lie. */
  #placeOf(aggregateId: string): { bucket: number; stream: string; subject: string } {
    const bucket = partitionOf(aggregateId, this.#buckets);
    return { bucket, stream: this.#stream(bucket), subject: this.#subject(bucket, aggregateId) };
  }

  protected async write(append: MessageAppend): Promise<void> {
    await this.#batches.join(append, (turn) => this.#queue.enqueue({ ...append, append: turn }));
  }

  #publishBatch(appends: readonly MessageAppend[]): Promise<void> | undefined {
    const [first] = appends;
    if (first === undefined) return undefined;
    const { bucket } = this.#placeOf(first.aggregateId);
    const underWay = this.#batchesUnderWay.get(bucket);
    if (underWay === undefined || underWay >= BATCHES_AT_ONCE) return undefined;
    this.#batchesUnderWay.set(bucket, underWay + 1);
    return this.#publishTogether(first, appends).finally(() => {
      this.#batchesUnderWay.set(bucket, (this.#batchesUnderWay.get(bucket) ?? 1) - 1);
    });
  }

  async #publishTogether(first: MessageAppend, appends: readonly MessageAppend[]): Promise<void> {
    const { aggregateId, expectedVersion, afterCommandId } = first;
    for (const { message } of appends) assertFits(this.link, message.data);
    const { subject } = this.#placeOf(aggregateId);
    const { sequence } = await this.#tipAt(aggregateId, expectedVersion, afterCommandId);
    this.#tips.delete(aggregateId);
    const id = `${this.#batchPrefix}-${this.#batchCount++}`;
    try {
      let acknowledgement: Acknowledgement | undefined;
      for (const [index, { message, commandId }] of appends.entries()) {
        const isLast = index === appends.length - 1;
        const terms: PublishTerms = {
          msgId: `${aggregateId}:${commandId}`,
          expectLastSubjectSequence: index === 0 ? sequence : undefined,
          batch: { id, sequence: index + 1, isLast },
        };
        if (isLast) acknowledgement = await this.link.publish(subject, message.data, message.headers, terms);
        else this.link.send(subject, message.data, message.headers, terms);
      }
      const last = appends.at(-1);
      if (acknowledgement?.count !== appends.length || last === undefined) throw new Error('a batch is not whole');
      const version = expectedVersion + appends.length;
      this.#remember(aggregateId, { sequence: acknowledgement.seq, version, commandId: last.commandId });
    } catch (thrown) {
      if (isWrongExpectation(thrown)) throw new VersionConflict(aggregateId, expectedVersion, { cause: thrown });
      if (BATCH_REFUSALS.some((code) => isApiError(thrown, code))) {
        throw new BatchRefused(toError(thrown).message, { cause: thrown });
      }
      throw unavailable('append', thrown);
    }
  }

  async #publish(append: MessageAppend): Promise<void> {
    const { aggregateId, expectedVersion, message, commandId, afterCommandId } = append;
    assertFits(this.link, message.data);
    const { bucket, subject } = this.#placeOf(aggregateId);
    await this.#ensureBucket(bucket);
    const { sequence } = await this.#tipAt(aggregateId, expectedVersion, afterCommandId);
    // Whatever comes of it, what is known now is out of date.
    this.#tips.delete(aggregateId);
    const terms = { msgId: `${aggregateId}:${commandId}`, expectLastSubjectSequence: sequence };
    try {
      const stored = await publishFenced(this.link, subject, append, terms);
      this.#remember(aggregateId, { sequence: stored, version: expectedVersion + 1, commandId });
    } catch (thrown) {
      if (thrown instanceof VersionConflict) throw thrown;
      throw unavailable('append', thrown);
    }
  }

  /**
   * The aggregate's last commit, which must be at that version and of that command.
   * @throws VersionConflict
   */
  async #tipAt(aggregateId: string, version: number, commandId: string | undefined): Promise<Tip> {
    const fits = (tip: Tip): boolean =>
      tip.version === version && (commandId === undefined || tip.commandId === commandId);
    const remembered = this.#tips.get(aggregateId);
    if (remembered !== undefined && fits(remembered)) return remembered;
    // The fence finds out whether that is so.
    if (version === 0) return NO_COMMIT;
    // Another writer may have gone on since.
    const tip = await this.#findTip(aggregateId);
    if (!fits(tip)) throw new VersionConflict(aggregateId, version);
    return tip;
  }

  /** Asks the stream's leader, which alone is sure to know the last message. */
  async #findTip(aggregateId: string): Promise<Tip> {
    const { stream, subject } = this.#placeOf(aggregateId);
    try {
      const message = await this.link.ask(() =>
        this.link.manager.streams.getMessage(stream, { last_by_subj: subject }),
      );
      return message === null ? NO_COMMIT : tipOf(message);
    } catch (error) {
      if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return NO_COMMIT;
      throw unavailable('find the last commit', error);
    }
  }

  #remember(aggregateId: string, tip: Tip): void {
    this.#tips.delete(aggregateId);
    this.#tips.set(aggregateId, tip);
    if (this.#tips.size <= (this.options.maxTips ?? 100_000)) return;
    for (const oldest of this.#tips.keys()) {
      this.#tips.delete(oldest);
      break;
    }
  }

  protected async startOf(aggregateId: string, version: number): Promise<number> {
    return version <= 1 ? 1 : this.#findStart(aggregateId, version);
  }

  protected batchFrom(aggregateId: string, sequence: number): Promise<readonly StoredMsg[]> {
    const { stream, subject } = this.#placeOf(aggregateId);
    return readBatch(this.link, stream, { seq: sequence, next_by_subj: subject });
  }

  protected async isAllBefore(aggregateId: string, version: number): Promise<boolean> {
    if (!isClustered(this.link) || (await this.#findTip(aggregateId)).version < version) return true;
    await delay(LAGGING_NODE_MS);
    return false;
  }

  /** A sequence at or before which that version lies, and not many versions before: by bisection over the stream. */
  async #findStart(aggregateId: string, version: number): Promise<number> {
    const { stream, subject } = this.#placeOf(aggregateId);
    const tip = await this.#findTip(aggregateId);
    if (tip.version <= version) return tip.version === version ? tip.sequence : tip.sequence + 1;
    let before = { sequence: 1, version: 1 };
    let behind: { sequence: number; version: number } = tip;
    while (version - before.version > READ_BATCH / 5 && behind.sequence - before.sequence > 1) {
      const middle = Math.floor((before.sequence + behind.sequence) / 2);
      const [message] = await readBatch(this.link, stream, { seq: middle, batch: 1, next_by_subj: subject });
      // There is the tip at least.
      if (message === undefined) break;
      const found = tipOf(message);
      if (found.version <= version) before = found;
      // Between the middle and what was found there is nothing of this aggregate.
      else behind = { ...found, sequence: middle };
    }
    return before.sequence;
  }

  async #countBySubject(bucket: number): Promise<Record<string, number>> {
    const filter = { subjects_filter: this.#subject(bucket, '*') };
    try {
      const { state } = await this.link.ask(() => this.link.manager.streams.info(this.#stream(bucket), filter));
      return state.subjects ?? {};
    } catch (error) {
      if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return {};
      throw unavailable('list', error);
    }
  }

  #ensureBucket(bucket: number): Promise<void> {
    const known = this.#ready.get(bucket);
    if (known !== undefined) return known;
    const making = this.#makeBucket(bucket);
    this.#ready.set(bucket, making);
    making.catch(() => this.#ready.delete(bucket));
    return making;
  }

  async #makeBucket(bucket: number): Promise<void> {
    const stream = journalStream(this.#stream(bucket), this.#subject(bucket, '*'), this.options.replicas ?? 1);
    try {
      if (!(await streamExists(this.link, stream.name))) {
        await this.link.ask(() => this.link.manager.streams.add(stream));
      }
      await untilTaken(this.link, this.#subject(bucket, 'nobody'));
      if (!isClustered(this.link) && (await this.#allowBatches(stream.name))) this.#batchesUnderWay.set(bucket, 0);
    } catch (error) {
      throw unavailable('create a stream', error);
    }
  }

  /** Sees to it that the stream takes atomic batches. False when its server does not know them (before 2.12). */
  async #allowBatches(stream: string): Promise<boolean> {
    const { config } = await this.link.ask(() => this.link.manager.streams.info(stream));
    if (config.allow_atomic === true) return true;
    try {
      const updated = await this.link.ask(() => this.link.manager.streams.update(stream, { allow_atomic: true }));
      return updated.config.allow_atomic === true;
    } catch {
      // They only save time.
      return false;
    }
  }
}

/** @throws Fault kind `data-loss` when the message is no commit */
function tipOf(message: StoredMsg): Tip {
  const { version, commandId } = readCommitPosition(message.header);
  return { sequence: message.seq, version, commandId };
}

function misplaced(aggregateId: string, bucket: number, buckets: number): Fault {
  const message = `${aggregateId} is in bucket ${bucket}, where it cannot be with ${buckets} buckets: there were another number of them`;
  return new Fault('data-loss', 'MISPLACED_AGGREGATE', message);
}
