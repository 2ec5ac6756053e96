import pLimit, { type LimitFunction } from 'p-limit';
import { bytesOf } from './commit-buffer.js';
import type { Commit, Journal } from '../journal/journal.js';

/** So much is read at once for a follower. */
const MAX_COMMITS = 500;
const MAX_BYTES = 1024 * 1024;

/** Reads pieces of histories, a bounded number of them at once; the others wait for their turn. */
export class JournalReads {
  readonly #inTurn: LimitFunction;

  constructor(
    private readonly journal: Journal,
    maxActive: number,
  ) {
    this.#inTurn = pLimit(maxActive);
  }

  /**
   * Commits from a version on, up to a bound.
   * @returns isEnd: these are all that there were when the read began
   * @throws JournalUnavailable
   */
  read(aggregateId: string, fromVersion: number): Promise<{ commits: readonly Commit[]; isEnd: boolean }> {
    return this.#inTurn(async () => {
      const commits: Commit[] = [];
      let bytes = 0;
      for await (const commit of this.journal.read(aggregateId, fromVersion)) {
        commits.push(commit);
        bytes += bytesOf(commit);
        if (commits.length >= MAX_COMMITS || bytes >= MAX_BYTES) return { commits, isEnd: false };
      }
      return { commits, isEnd: true };
    });
  }
}
