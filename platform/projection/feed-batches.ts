import { setTimeout as delay } from 'node:timers/promises';
import { toError } from '../kernel/fault.js';
import type { FeedEntry } from '../journal/feed.js';

export interface FeedBatchesOptions {
  /** Entries in a batch at most. */
  readonly maxEntries: number;
  /** How long a batch may wait to fill. Only done while many come: a lonely entry is not held up. */
  readonly lingerMs: number;
}

/** A batch of so many entries shows that waiting a little will bring more. */
const BUSY_ENTRIES = 8;

/** Reads a feed ahead, by at most two batches, and hands it out in batches as large as what has come meanwhile. */
export class FeedBatches {
  readonly #buffer: FeedEntry[] = [];
  #isEnded = false;
  #error: Error | undefined;
  #isBusy = false;
  #wakeReader: (() => void) | undefined;
  #wakeTaker: (() => void) | undefined;
  readonly #reading: Promise<void>;

  constructor(
    entries: AsyncIterable<FeedEntry>,
    private readonly options: FeedBatchesOptions,
  ) {
    this.#reading = this.#read(entries);
  }

  /**
   * The next entries, at least one; undefined when the feed has ended.
   * @throws whatever the feed threw, after what came before it
   */
  async next(): Promise<readonly FeedEntry[] | undefined> {
    return (await this.ready()) ? this.take() : undefined;
  }

  /**
   * Waits until `take` gives at least one entry; false when the feed has ended. Taken later, a batch is larger.
   * @throws as `next` does
   */
  async ready(): Promise<boolean> {
    const { maxEntries, lingerMs } = this.options;
    while (this.#buffer.length === 0) {
      if (this.#error) throw this.#error;
      if (this.#isEnded) return false;
      await new Promise<void>((resolve) => (this.#wakeTaker = resolve));
    }
    if (this.#isBusy && this.#buffer.length < maxEntries && !this.#isEnded) await delay(lingerMs);
    return true;
  }

  /** What has come so far, at most a batch. */
  take(): readonly FeedEntry[] {
    const batch = this.#buffer.splice(0, this.options.maxEntries);
    this.#isBusy = batch.length >= BUSY_ENTRIES;
    this.#wakeReader?.();
    return batch;
  }

  /** Resolves when the feed is no longer read. End it first. */
  async ended(): Promise<void> {
    this.#isEnded = true;
    this.#wakeReader?.();
    await this.#reading;
  }

  async #read(entries: AsyncIterable<FeedEntry>): Promise<void> {
    try {
      for await (const entry of entries) {
        if (this.#isEnded) break;
        this.#buffer.push(entry);
        this.#wakeTaker?.();
        if (this.#buffer.length >= 2 * this.options.maxEntries) {
          await new Promise<void>((resolve) => (this.#wakeReader = resolve));
        }
      }
    } catch (thrown) {
      this.#error = toError(thrown);
    }
    this.#isEnded = true;
    this.#wakeTaker?.();
  }
}
