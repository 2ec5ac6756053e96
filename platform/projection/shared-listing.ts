import { setTimeout as delay } from 'node:timers/promises';
import { toError } from '../kernel/fault.js';
import type { AggregateVersion } from '../journal/journal.js';

export interface SharedListingOptions {
  /** Every aggregate, once. */
  list(): AsyncIterable<AggregateVersion>;
  partitionOf(aggregateId: string): number;
  /** Aggregates listed in a second at most. @default 5000 */
  readonly perSecond?: number;
}

interface Listener {
  readonly partition: number;
  readonly queue: AggregateVersion[];
  isOver: boolean;
  error: Error | undefined;
  hasLeft: boolean;
  /** Wakes whichever of walker and listener waits for the other. */
  wake: () => void;
}

/** Those who ask within this time share a walk, in milliseconds. */
const GATHER_MS = 20;
/** A listener that is so far behind holds the walk up. */
const MAX_QUEUED = 1_000;

/** One walk over a long list for all partitions that want it at about the same time, at a bounded rate. */
export class SharedListing {
  #waiting = new Set<Listener>();
  #isWalking = false;

  constructor(private readonly options: SharedListingOptions) {}

  /** The aggregates of one partition, each with the version it had at some time after the call. Throws as the list does. */
  async *list(partition: number): AsyncIterable<AggregateVersion> {
    const listener: Listener = {
      partition,
      queue: [],
      isOver: false,
      error: undefined,
      hasLeft: false,
      wake: () => undefined,
    };
    this.#waiting.add(listener);
    if (!this.#isWalking) void this.#walk();
    try {
      for (;;) {
        const batch = listener.queue.splice(0);
        listener.wake();
        yield* batch;
        if (listener.queue.length > 0) continue;
        if (listener.error) throw listener.error;
        if (listener.isOver) return;
        await changeOf(listener);
      }
    } finally {
      listener.hasLeft = true;
      listener.wake();
    }
  }

  async #walk(): Promise<void> {
    this.#isWalking = true;
    await delay(GATHER_MS);
    while (this.#waiting.size > 0) {
      const listeners = this.#waiting;
      this.#waiting = new Set();
      let error: Error | undefined;
      try {
        await this.#walkFor(listeners);
      } catch (thrown) {
        error = toError(thrown);
      }
      for (const listener of listeners) {
        listener.isOver = true;
        listener.error = error;
        listener.wake();
      }
    }
    this.#isWalking = false;
  }

  async #walkFor(listeners: ReadonlySet<Listener>): Promise<void> {
    const { list, partitionOf, perSecond = 5_000 } = this.options;
    const startedAt = performance.now();
    let listed = 0;
    for await (const aggregate of list()) {
      const partition = partitionOf(aggregate.aggregateId);
      const present = [...listeners].filter(({ hasLeft }) => !hasLeft);
      if (present.length === 0) return;
      for (const listener of present.filter((one) => one.partition === partition)) {
        listener.queue.push(aggregate);
        listener.wake();
        while (listener.queue.length >= MAX_QUEUED && !listener.hasLeft) await changeOf(listener);
      }
      listed += 1;
      const aheadMs = (1_000 * listed) / perSecond - (performance.now() - startedAt);
      if (aheadMs > 50) await delay(aheadMs);
    }
  }
}

function changeOf(listener: Listener): Promise<void> {
  return new Promise((resolve) => (listener.wake = resolve));
}
