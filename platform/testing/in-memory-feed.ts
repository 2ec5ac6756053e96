import { randomUUID } from 'node:crypto';
import { FeedLost, type FeedBounds, type FeedEntry, type FeedReader, type FeedWriter } from '../journal/feed.js';
import type { Commit } from '../journal/journal.js';

/** An entry before it has its place. */
type NewFeedEntry =
  | { readonly kind: 'commit'; readonly commit: Commit }
  | { readonly kind: 'takeover' }
  | { readonly kind: 'malformed'; readonly error: Error };

/** A feed in memory, for tests of what reads a feed. Runs the contract suite like the real one. */
export class InMemoryFeed implements FeedReader, FeedWriter {
  #identity = randomUUID() as string;
  #entries: FeedEntry[] = [];
  #firstSequence = 1;
  #wake = new Set<() => void>();

  /** Appends an entry of any kind. */
  push(entry: NewFeedEntry): void {
    const sequence = this.#firstSequence + this.#entries.length;
    this.#entries.push({ ...entry, sequence });
    this.#wakeReaders();
  }

  publish(commit: Commit): void {
    this.push({ kind: 'commit', commit: structuredClone(commit) });
  }

  async announceTakeover(): Promise<void> {
    this.push({ kind: 'takeover' });
  }

  async flush(): Promise<boolean> {
    return true;
  }

  /** Drops all entries and begins again, as after the loss of the stream. */
  async recreate(): Promise<void> {
    this.#identity = randomUUID();
    this.#entries = [];
    this.#firstSequence = 1;
    this.#wakeReaders();
  }

  /** Drops the oldest entries, as a stream at its limit does. */
  trim(count: number): void {
    this.#entries.splice(0, count);
    this.#firstSequence += count;
  }

  async bounds(): Promise<FeedBounds> {
    return {
      identity: this.#identity,
      firstSequence: this.#firstSequence,
      lastSequence: this.#firstSequence + this.#entries.length - 1,
    };
  }

  async *read(afterSequence: number, signal: AbortSignal): AsyncIterable<FeedEntry> {
    const identity = this.#identity;
    let sequence = afterSequence + 1;
    while (!signal.aborted) {
      if (this.#identity !== identity) throw new FeedLost('the feed was made anew');
      const entry = this.#entries[Math.max(sequence, this.#firstSequence) - this.#firstSequence];
      if (entry === undefined) await this.#change(signal);
      else {
        sequence = entry.sequence + 1;
        yield entry;
      }
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #wakeReaders(): void {
    for (const wake of [...this.#wake]) wake();
  }
}
