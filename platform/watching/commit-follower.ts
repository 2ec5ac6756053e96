import { Fault } from '../kernel/fault.js';
import { Backoff } from '../process/backoff.js';
import { JournalUnavailable, type Commit } from '../journal/journal.js';

/** What a follower gets. */
export type Followed =
  | { readonly kind: 'commit'; readonly commit: Commit }
  /** All history was delivered, or nothing has happened for a while: `version` is the last one, as the journal has it. */
  | { readonly kind: 'heartbeat'; readonly version: number };

/** A piece of history. */
export interface Fetched {
  readonly commits: readonly Commit[];
  /** No more than these were there when the read began. */
  readonly isEnd: boolean;
  /** How many doubts there were when the read began. */
  readonly doubts: number;
}

/** One aggregate's history, as the hub shares it among its followers. */
export interface FollowedHistory {
  /** The newest version that is known; 0 when none is. */
  readonly announced: number;
  /** Grows with each reason to look into the journal. */
  readonly doubts: number;
  /** A commit that came lately. */
  buffered(version: number): Commit | undefined;
  /** When the journal was last seen to end with this version, by performance.now(). */
  wasCheckedAt(version: number): number;
  /** @throws JournalUnavailable */
  fetch(fromVersion: number): Promise<Fetched>;
}

/** When the journal does not have yet what was announced, it is asked again after so long, in milliseconds. */
const LAGGING_MS = 20;

/**
 * Follows one aggregate's commits: each version once, in order, from the journal or from what the hub has buffered.
 * While the journal is away it waits, and goes on with heartbeats.
 */
export class CommitFollower {
  readonly #cutOff = new AbortController();
  readonly #backoff = new Backoff({ firstMs: 50, maxMs: 2_000 });
  #next: number;
  #fetched: readonly Commit[] = [];
  #isLive = false;
  #settledDoubts = -1;
  #mustLook = false;
  #hasLooked = false;
  #heartbeatAt = 0;
  #retryAt = 0;
  #wakeUp: (() => void) | undefined;
  #isClosed = false;

  constructor(
    private readonly history: FollowedHistory,
    fromVersion: number,
    private readonly heartbeatMs: number,
    private readonly onClosed: () => void,
  ) {
    this.#next = fromVersion;
  }

  /** The version that it delivers next. */
  get nextVersion(): number {
    return this.#next;
  }

  /** True once it has delivered all history. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Aborts with the Fault when the follower is cut off. */
  get signal(): AbortSignal {
    return this.#cutOff.signal;
  }

  /**
   * What comes next, as soon as it does.
   * @throws the Fault with which it was cut off; Fault kind `data-loss` the journal is unreadable
   */
  async next(): Promise<Followed> {
    for (;;) {
      this.#cutOff.signal.throwIfAborted();
      const commit = this.#take();
      if (commit !== undefined) return { kind: 'commit', commit };
      const now = performance.now();
      const { announced, doubts } = this.history;
      const isBehind = announced >= this.#next || this.#settledDoubts !== doubts;
      if ((isBehind || this.#mustLook) && now >= this.#retryAt) await this.#look();
      else if (!this.#isLive && !isBehind) {
        this.#isLive = true;
        return this.#heartbeat(now);
      } else if (this.#isLive && now >= this.#heartbeatAt) {
        // A last copy that never got into the feed is found here.
        const isFresh = this.history.wasCheckedAt(this.#next - 1) > now - this.heartbeatMs / 2;
        if (this.#hasLooked || isFresh) return this.#heartbeat(now);
        this.#hasLooked = this.#mustLook = true;
      } else await this.#sleep(now, isBehind || this.#mustLook);
    }
  }

  /** Looks whether there is something new. */
  wake(): void {
    this.#wakeUp?.();
  }

  /** Versions up to this one are in no buffer any more: whoever had caught up and still needs one is too slow. */
  missed(version: number): void {
    if (this.#isLive && this.#next <= version) this.cutAsSlow();
  }

  /** Its reader does not keep up. */
  cutAsSlow(): void {
    this.cut(new Fault('exhausted', 'SLOW_READER', 'the reader does not keep up, watch again from where you are'));
  }

  /** Ends it with a fault, to which the version is added with which to resume. */
  cut({ kind, reason, message, metadata }: Fault): void {
    if (this.#cutOff.signal.aborted) return;
    const resume = { from_version: String(this.#next) };
    this.#cutOff.abort(new Fault(kind, reason, message, { metadata: { ...metadata, ...resume } }));
    this.wake();
  }

  /** Releases everything; a `next` under way fails. May be called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.cut(new Fault('unavailable', 'WATCH_CLOSED', 'the watch was closed'));
    this.onClosed();
  }

  #take(): Commit | undefined {
    const [first] = this.#fetched;
    const commit = (first && this.#fetched[this.#next - first.version]) ?? this.history.buffered(this.#next);
    if (commit === undefined) return undefined;
    if (commit === this.#fetched.at(-1)) this.#fetched = [];
    this.#next += 1;
    this.#hasLooked = false;
    this.#heartbeatAt = performance.now() + this.heartbeatMs;
    return commit;
  }

  #heartbeat(now: number): Followed {
    this.#hasLooked = false;
    this.#heartbeatAt = now + this.heartbeatMs;
    return { kind: 'heartbeat', version: this.#next - 1 };
  }

  async #look(): Promise<void> {
    this.#fetched = [];
    try {
      const { commits, isEnd, doubts } = await this.history.fetch(this.#next);
      this.#backoff.reset();
      this.#mustLook = false;
      this.#fetched = commits;
      if (isEnd) this.#settledDoubts = doubts;
      if (commits.length === 0 && this.history.announced >= this.#next) {
        this.#retryAt = performance.now() + LAGGING_MS;
      }
    } catch (error) {
      if (!(error instanceof JournalUnavailable)) throw error;
      this.#retryAt = performance.now() + this.#backoff.next();
    }
  }

  /** Until it is woken, or something is due. */
  async #sleep(now: number, isRetryDue: boolean): Promise<void> {
    const heartbeatAt = this.#isLive ? this.#heartbeatAt : Infinity;
    const until = Math.min(heartbeatAt, isRetryDue ? this.#retryAt : Infinity);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, until - now));
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = undefined;
  }
}
