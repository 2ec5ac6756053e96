import pLimit, { type LimitFunction } from 'p-limit';
import { unreachable } from '../kernel/decider.js';
import { toError } from '../kernel/fault.js';
import { pause } from '../process/pause.js';
import { FeedBatches } from './feed-batches.js';
import type { FeedEntry, FeedReader } from '../journal/feed.js';
import type { Commit, Journal } from '../journal/journal.js';
import { ProjectionHealth } from './projection-health.js';
import type { ProjectionObserver } from './projection-observer.js';
import { feedStartOf } from './projection-plan.js';
import { Reconciler } from './reconciler.js';
import { CheckpointMoved, type ProjectionCheckpoint, type ProjectionStore } from './projection-store.js';
import { ProjectionWriter } from './projection-writer.js';

export interface ProjectorOptions {
  readonly feed: FeedReader;
  readonly journal: Pick<Journal, 'read' | 'list'>;
  readonly store: ProjectionStore;
  readonly observer: ProjectionObserver;
  /** Commits in one transaction at most. @default 500 */
  readonly maxBatchCommits?: number;
  /** How long a batch may wait to fill, while many commits come. @default 10 */
  readonly lingerMs?: number;
  /** How often the journal's versions are compared with the read model's. @default 300000 */
  readonly reconcileEveryMs?: number;
  /** How often it is checked that feed and store are there and nobody else has moved the checkpoint. @default 1000 */
  readonly checkEveryMs?: number;
  /** So long may projecting fail before it counts as unhealthy. @default 5000 */
  readonly unhealthyAfterMs?: number;
  /** Longest wait between tries. @default 5000 */
  readonly maxRetryMs?: number;
  /**
   * Lets so many at once use a database, in their order, so that the others' batches grow while they wait; shared by
   * projectors that write to one.
   * @default one of its own
   */
  readonly slots?: LimitFunction;
}

/**
 * Brings a feed into a read model, exactly once: rows and checkpoint are saved together, versions tell what is applied
 * or missing, and the journal fills what the feed lacks. Whatever fails is tried again, with growing pauses, until it
 * is stopped. INITIALIZED → RUNNING → DRAINING → STOPPED.
 */
export class Projector {
  readonly #options: Required<ProjectorOptions>;
  readonly #stopping = new AbortController();
  readonly #health: ProjectionHealth;
  readonly #reconciler: Reconciler;
  #state: 'INITIALIZED' | 'RUNNING' | 'DRAINING' | 'STOPPED' = 'INITIALIZED';
  #running: Promise<void> = Promise.resolve();
  #isBatchWaiting = false;
  /** All of the feed up to there was handed to the writer. */
  #reached = 0;
  #isPositionKnown = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ProjectorOptions) {
    this.#options = {
      maxBatchCommits: 500,
      lingerMs: 10,
      reconcileEveryMs: 300_000,
      checkEveryMs: 1_000,
      unhealthyAfterMs: 5_000,
      maxRetryMs: 5_000,
      slots: pLimit(1),
      ...options,
    };
    this.#health = new ProjectionHealth(this.#options);
    const { journal, observer, reconcileEveryMs: everyMs } = this.#options;
    this.#reconciler = new Reconciler({ journal, observer, everyMs, inTurn: (work) => this.#inTurn(work) });
  }

  get state(): string {
    return this.#state;
  }

  /** All of the feed up to there is projected, or not for this projector; undefined before the first session. */
  get position(): number | undefined {
    return this.#isPositionKnown ? this.#reached : undefined;
  }

  /** Begins; trouble is told to the observer. */
  start(): void {
    this.#state = 'RUNNING';
    this.#running = this.#run();
  }

  /** Has the journal's versions compared with the read model's soon. */
  reconcile(): void {
    this.#reconciler.request();
  }

  /** Finishes the batch under way and stops. */
  async drain(): Promise<void> {
    this.#state = 'DRAINING';
    this.#stopping.abort();
    this.#health.stop();
    await this.#running;
    this.#state = 'STOPPED';
  }

  async #run(): Promise<void> {
    const stop = this.#stopping.signal;
    while (!stop.aborted) {
      try {
        await this.#session();
      } catch (error) {
        if (stop.aborted) return;
        const waitMs =
          error instanceof CheckpointMoved ? this.#health.overtaken() : this.#health.troubled(toError(error));
        await pause(waitMs, stop);
      }
    }
  }

  /** From loading the checkpoint until something fails or the projector is stopped. */
  async #session(): Promise<void> {
    const { feed, journal, store, observer, maxBatchCommits: maxCommits, lingerMs } = this.#options;
    const checkpoint = await store.loadCheckpoint();
    if (checkpoint.isPaused) return this.#waitWhilePaused();
    const writer = new ProjectionWriter(
      { store, journal, observer, maxCommits },
      checkpoint,
      await store.loadParkedVersions(),
    );
    const bounds = await feed.bounds();
    const { afterSequence, lost } = feedStartOf(checkpoint, bounds);
    if (lost !== undefined) {
      observer({ kind: 'restarted', reason: lost, afterSequence });
      this.reconcile();
    }
    if (!this.#health.isKnown) this.#health.succeeded();
    this.#reached = afterSequence;
    this.#isPositionKnown = true;

    const session = new AbortController();
    const end = (): void => session.abort();
    this.#stopping.signal.addEventListener('abort', end, { once: true });
    const batches = new FeedBatches(feed.read(afterSequence, session.signal), { maxEntries: maxCommits, lingerMs });
    const parts = [
      this.#projectBatches(batches, writer, bounds.identity, session.signal),
      this.#reconciler.run(writer, session.signal),
      this.#check(writer, bounds.identity, session.signal),
    ];
    try {
      if (this.#stopping.signal.aborted) end();
      await Promise.all(parts);
    } finally {
      end();
      this.#stopping.signal.removeEventListener('abort', end);
      await Promise.allSettled([...parts, batches.ended()]);
      this.#isBatchWaiting = false;
    }
  }

  async #projectBatches(
    batches: FeedBatches,
    writer: ProjectionWriter,
    feedIdentity: string,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const hasMore = await batches.ready();
      if (signal.aborted) return;
      if (!hasMore) throw new Error('the feed has ended');
      this.#isBatchWaiting = true;
      // While it waits for its turn more may come, and then goes with it.
      await this.#inTurn(async () => {
        const entries = batches.take();
        const sequence = entries.at(-1)?.sequence;
        if (sequence === undefined) throw new Error('the feed has ended');
        await writer.project(this.#commitsOf(entries), { feedIdentity, sequence });
        this.#reached = Math.max(this.#reached, sequence);
      });
      this.#isBatchWaiting = false;
      this.#health.succeeded();
    }
  }

  /** Until an operator has changed something. */
  async #waitWhilePaused(): Promise<void> {
    const { store, observer, checkEveryMs } = this.#options;
    const stop = this.#stopping.signal;
    observer({ kind: 'paused', isPaused: true });
    let checkpoint: ProjectionCheckpoint;
    do {
      this.#health.succeeded();
      await pause(checkEveryMs, stop);
      if (stop.aborted) return;
      checkpoint = await store.loadCheckpoint();
    } while (checkpoint.isPaused);
    observer({ kind: 'paused', isPaused: false });
  }

  #commitsOf(entries: readonly FeedEntry[]): Commit[] {
    return entries.flatMap((entry) => {
      switch (entry.kind) {
        case 'commit':
          return [entry.commit];
        case 'takeover':
          this.reconcile();
          return [];
        case 'malformed':
          this.#options.observer({ kind: 'malformed', sequence: entry.sequence, error: entry.error });
          this.reconcile();
          return [];
        default:
          return unreachable(entry);
      }
    });
  }

  /** An idle projector would not notice that it could not project, or that another one has been at work. */
  async #check(writer: ProjectionWriter, feedIdentity: string, signal: AbortSignal): Promise<void> {
    const { feed, store, checkEveryMs } = this.#options;
    let lastSequence = 0;
    for (;;) {
      await pause(checkEveryMs, signal);
      if (signal.aborted) return;
      const bounds = await feed.bounds();
      if (bounds.identity !== feedIdentity) throw new Error('the feed was made anew');
      // A full feed drops its oldest entries, read or not.
      if (bounds.firstSequence > this.#reached + 1) this.reconcile();
      // An entry that was there at the check before and is for this reader has come long since.
      if (!this.#isBatchWaiting) this.#reached = Math.max(this.#reached, lastSequence, bounds.firstSequence - 1);
      ({ lastSequence } = bounds);
      await this.#inTurn(async () => {
        const { revision } = await store.loadCheckpoint();
        if (revision !== writer.checkpoint.revision) throw new CheckpointMoved();
      });
      if (!this.#isBatchWaiting) this.#health.succeeded();
    }
  }

  /** The writer serves one caller at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => this.#options.slots(work));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
