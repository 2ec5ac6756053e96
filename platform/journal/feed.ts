import type { Commit } from './journal.js';

/**
 * The feed carries a copy of every commit to the projectors, in an order that keeps each aggregate's versions
 * mostly ascending. A copy may be late, repeated or missing: the journal is the truth, and readers repair from it.
 */
export interface FeedWriter {
  /** Queues a copy of the commit; never fails the caller. Retries until written or closed. */
  publish(commit: Commit): void;
  /** Tells readers that copies may be missing, because an owner has taken over from one that may have died. */
  announceTakeover(): Promise<void>;
  /** Resolves when all that was queued is written, or after `timeoutMs`. True when nothing is left. */
  flush(timeoutMs: number): Promise<boolean>;
}

export type FeedEntry =
  | { readonly kind: 'commit'; readonly sequence: number; readonly commit: Commit }
  /** An owner has taken over: compare the journal's versions with the read model's. */
  | { readonly kind: 'takeover'; readonly sequence: number }
  /** Not a commit that this version of the code can read. */
  | { readonly kind: 'malformed'; readonly sequence: number; readonly error: Error };

export interface FeedBounds {
  /** Changes when the feed is made anew; sequences of another identity mean nothing. */
  readonly identity: string;
  readonly firstSequence: number;
  /** 0 when nothing was ever written. */
  readonly lastSequence: number;
}

export interface FeedReader {
  bounds(): Promise<FeedBounds>;
  /**
   * Entries with a sequence above `afterSequence`, in order, then live ones as they come. Goes on over reconnections
   * without gap or repetition; ends when the signal aborts. Reads ahead of the consumer by a bounded number.
   *
   * @throws FeedLost reading cannot go on, most likely because the feed was made anew: ask for its bounds again
   */
  read(afterSequence: number, signal: AbortSignal): AsyncIterable<FeedEntry>;
}

/** Reading a feed cannot go on: perhaps it is not the one any more that reading began with. */
export class FeedLost extends Error {
  override readonly name = 'FeedLost';
}
