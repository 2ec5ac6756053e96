import { setTimeout as delay } from 'node:timers/promises';
import { toError } from '../kernel/fault.js';
import { Backoff } from '../process/backoff.js';
import { doneWithin } from '../process/done-within.js';
import type { FeedWriter } from '../journal/feed.js';
import type { Commit } from '../journal/journal.js';
import { partitionOf } from '../ownership/partition.js';
import type { Logger } from '../telemetry/logger.js';
import { encodeCommit } from './commit-message.js';
import {
  DEFAULT_PARTITIONS,
  ensureFeedStream,
  feedSubject,
  TAKEOVER_TOKEN,
  type FeedStreamOptions,
} from './feed-stream.js';
import type { NatsLink } from './nats-link.js';
import { isClustered } from './open-stream.js';

export interface FeedWriterOptions extends FeedStreamOptions {
  readonly logger: Logger;
  /** So many copies may wait for the feed; beyond, the oldest go and readers are told. @default 50000 */
  readonly maxWaiting?: number;
}

interface Copy {
  /** Ascending in the order of publishing. */
  readonly order: number;
  readonly commit: Commit;
}

/** So long a takeover is announced again when that fails, in milliseconds. */
const ANNOUNCE_WITHIN_MS = 30_000;
/** So many copies are on their way at once, at most. */
const MAX_IN_FLIGHT = 256;
/** So many groups are on their way at once: what comes meanwhile makes the next one. */
const MAX_GROUPS = 2;

/**
 * Copies commits into the feed's stream, in order, and again until NATS has them. Of copies that wait at the same time
 * only the last is acknowledged: a server stores what comes over one connection in the order in which it came. In a
 * cluster, where the leader may change in between, each one is.
 */
export class JetStreamFeedWriter implements FeedWriter {
  #waiting: Copy[] = [];
  #published = 0;
  #inFlight = 0;
  #groups = 0;
  #isRetrying = false;
  #hasMissed = false;
  #dropped = 0;
  #isClosed = false;
  #onEmpty: (() => void)[] = [];
  readonly #backoff = new Backoff({ firstMs: 20, maxMs: 2_000 });

  constructor(
    private readonly link: NatsLink,
    private readonly options: FeedWriterOptions,
  ) {}

  /** Copies that the feed does not have yet. */
  get waiting(): number {
    return this.#waiting.length + this.#inFlight;
  }

  /** Copies that it will never have, because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  publish(commit: Commit): void {
    this.#waiting.push({ order: this.#published++, commit });
    if (this.#waiting.length > (this.options.maxWaiting ?? 50_000)) {
      this.#waiting.shift();
      this.#hasMissed = true;
      this.#dropped += 1;
    }
    this.#pump();
  }

  async announceTakeover(): Promise<void> {
    const backoff = new Backoff({ firstMs: 20, maxMs: 1_000 });
    const deadline = performance.now() + ANNOUNCE_WITHIN_MS;
    for (;;) {
      try {
        await this.#announceOnce();
        return;
      } catch (error) {
        // In a cluster nobody takes it until the stream has a leader.
        if (performance.now() > deadline) throw error;
        await delay(backoff.next());
      }
    }
  }

  async #announceOnce(): Promise<void> {
    await ensureFeedStream(this.link, this.options);
    await this.link.ask(() => this.link.jetstream.publish(feedSubject(this.options, TAKEOVER_TOKEN)));
  }

  async flush(timeoutMs: number): Promise<boolean> {
    if (this.#isEmpty) return true;
    const isFlushed = await doneWithin(timeoutMs, new Promise<void>((resolve) => this.#onEmpty.push(resolve)));
    this.#isClosed = !isFlushed;
    return isFlushed;
  }

  get #isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#inFlight === 0;
  }

  #pump(): void {
    if (this.#isRetrying) return;
    const [groupSize, maxGroups] = isClustered(this.link) ? [1, MAX_IN_FLIGHT] : [MAX_IN_FLIGHT, MAX_GROUPS];
    while (this.#groups < maxGroups && this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, groupSize);
      this.#groups += 1;
      this.#inFlight += group.length;
      this.#write(group).then(
        () => {
          this.#groups -= 1;
          this.#inFlight -= group.length;
          this.#backoff.reset();
          this.#pump();
        },
        (error: unknown) => {
          this.#groups -= 1;
          this.#inFlight -= group.length;
          this.#waiting.push(...group);
          void this.#retry(toError(error));
        },
      );
    }
    if (this.#isEmpty) for (const listener of this.#onEmpty.splice(0)) listener();
  }

  /** Settles when the last one is acknowledged. */
  async #write(copies: readonly Copy[]): Promise<void> {
    for (const [index, { commit }] of copies.entries()) {
      const { aggregateId, version } = commit;
      const { headers, data } = encodeCommit(aggregateId, version, commit);
      const partition = partitionOf(aggregateId, this.options.partitions ?? DEFAULT_PARTITIONS);
      const subject = feedSubject(this.options, String(partition));
      const terms = { msgId: `${aggregateId}:${version}` };
      if (index < copies.length - 1) this.link.send(subject, data, headers, terms);
      else await this.link.publish(subject, data, headers, terms);
    }
  }

  /** Waits, makes the stream if it is gone, and goes on with all that failed, oldest first. */
  async #retry(error: Error): Promise<void> {
    if (this.#isRetrying || this.#isClosed) return;
    this.#isRetrying = true;
    this.options.logger.warn(
      { reason: error.message, waiting: this.#waiting.length },
      'the feed takes no copies, trying again',
    );
    try {
      await delay(this.#backoff.next());
      await ensureFeedStream(this.link, this.options);
      if (this.#hasMissed) {
        await this.#announceOnce();
        this.#hasMissed = false;
      }
    } catch {
      // Still away: the next write fails as well and comes back here.
    }
    this.#isRetrying = false;
    this.#waiting.sort((a, b) => a.order - b.order);
    this.#pump();
  }
}
