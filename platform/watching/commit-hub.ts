import { Fault, toError } from '../kernel/fault.js';
import { Backoff } from '../process/backoff.js';
import { pause } from '../process/pause.js';
import { CommitBuffer } from './commit-buffer.js';
import { CommitFollower } from './commit-follower.js';
import { JournalReads } from './journal-reads.js';
import { SharedHistory } from './shared-history.js';
import type { FeedEntry, FeedReader } from '../journal/feed.js';
import type { Commit, Journal } from '../journal/journal.js';

export interface CommitHubOptions {
  readonly feed: FeedReader;
  readonly journal: Journal;
  /** Is told when the feed cannot be read, and why; it is tried again. @default nobody is told */
  readonly onTrouble?: (error: Error) => void;
  /** Followers at once, at most. @default 5000 */
  readonly maxFollowers?: number;
  /** A follower that is so many commits behind the newest one, after it had caught up, is cut off. @default 1000 */
  readonly maxBufferedCommits?: number;
  /** Likewise in bytes of events. @default 4 MiB */
  readonly maxBufferedBytes?: number;
  /** How often a follower hears something, and the journal is compared, when nothing happens. @default 15000 */
  readonly heartbeatMs?: number;
  /** So many reads of the journal may go on at once. @default 16 */
  readonly maxReads?: number;
  /** The feed is read for so long after the last follower has left. @default 30000 */
  readonly idleMs?: number;
}

/**
 * Lets many follow the commits of single aggregates: history from the journal, then live from one shared tail of the feed.
 * The feed only says early what the journal has: a version that is out of turn, a feed that was lost or begun anew, a
 * takeover and every heartbeat make a follower look into the journal, so that it misses nothing that a feed may lose.
 */
export class CommitHub {
  readonly #options: Required<CommitHubOptions>;
  readonly #histories = new Map<string, SharedHistory>();
  readonly #reads: JournalReads;
  #followers = 0;
  /** Grows with each reason to doubt that the feed has told of everything. */
  #doubts = 0;
  #tail: AbortController | undefined;
  #tailEnded: Promise<void> = Promise.resolve();
  #idleTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: CommitHubOptions) {
    this.#options = {
      onTrouble: () => undefined,
      maxFollowers: 5_000,
      maxBufferedCommits: 1_000,
      maxBufferedBytes: 4 * 1024 * 1024,
      heartbeatMs: 15_000,
      maxReads: 16,
      idleMs: 30_000,
      ...options,
    };
    this.#reads = new JournalReads(options.journal, this.#options.maxReads);
  }

  /** How many follow now. */
  get followers(): number {
    return this.#followers;
  }

  /**
   * Follows an aggregate from a version on (1 is the first), until the follower is closed.
   * @throws Fault kind `exhausted` there are too many; kind `unavailable` it has stopped
   */
  follow(aggregateId: string, fromVersion: number): CommitFollower {
    if (this.#isStopped) throw stopping();
    if (this.#followers >= this.#options.maxFollowers) {
      throw new Fault('exhausted', 'TOO_MANY_WATCHERS', 'too many watch here already, try again later');
    }
    const history = this.#histories.get(aggregateId) ?? this.#openHistory(aggregateId);
    const follower = new CommitFollower(history, fromVersion, this.#options.heartbeatMs, () => {
      history.followers.delete(follower);
      if (history.followers.size === 0) this.#histories.delete(aggregateId);
      this.#followers -= 1;
      if (this.#followers === 0) this.#idleTimer = setTimeout(() => this.#tail?.abort(), this.#options.idleMs).unref();
    });
    history.followers.add(follower);
    this.#followers += 1;
    this.#startTail();
    return follower;
  }

  /**
   * Commits from a version on, as the journal has them now; so many such reads and no more go on at once.
   * @throws JournalUnavailable
   */
  async *history(aggregateId: string, fromVersion: number): AsyncIterable<Commit> {
    for (let next = fromVersion; ;) {
      const { commits, isEnd } = await this.#reads.read(aggregateId, next);
      yield* commits;
      if (isEnd) return;
      next += commits.length;
    }
  }

  /** Cuts all followers off with Fault kind `unavailable`, and takes no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#idleTimer);
    for (const { followers } of this.#histories.values()) for (const follower of followers) follower.cut(stopping());
    this.#tail?.abort();
    await this.#tailEnded;
  }

  #openHistory(aggregateId: string): SharedHistory {
    const { maxBufferedCommits: maxCommits, maxBufferedBytes: maxBytes } = this.#options;
    const buffer = new CommitBuffer({ maxCommits, maxBytes });
    const history = new SharedHistory(
      buffer,
      () => this.#doubts,
      (from) => this.#reads.read(aggregateId, from),
    );
    this.#histories.set(aggregateId, history);
    return history;
  }

  #startTail(): void {
    clearTimeout(this.#idleTimer);
    if (this.#tail !== undefined && !this.#tail.signal.aborted) return;
    const tail = new AbortController();
    this.#tail = tail;
    this.#tailEnded = this.#tailEnded.then(() => this.#readTail(tail.signal));
  }

  /** Reads the feed from its newest entry on, and begins again there when that ends. */
  async #readTail(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ firstMs: 20, maxMs: 1_000 });
    while (!signal.aborted) {
      try {
        const { lastSequence } = await this.#options.feed.bounds();
        const entries = this.#options.feed.read(lastSequence, signal);
        // What came before is in the journal: from here on each follower has to look there once.
        this.#doubt();
        for await (const entry of entries) {
          backoff.reset();
          this.#take(entry);
        }
      } catch (error) {
        if (!signal.aborted) this.#options.onTrouble(toError(error));
      }
      await pause(backoff.next(), signal);
    }
  }

  #take(entry: FeedEntry): void {
    if (entry.kind === 'commit') this.#histories.get(entry.commit.aggregateId)?.announce(entry.commit);
    // An owner that died may have left copies out; one that is malformed may be anybody's.
    else this.#doubt();
  }

  #doubt(): void {
    this.#doubts += 1;
    for (const { followers } of this.#histories.values()) for (const follower of followers) follower.wake();
  }
}

function stopping(): Fault {
  return new Fault('unavailable', 'SHUTTING_DOWN', 'this instance stops, watch again from where you are');
}
