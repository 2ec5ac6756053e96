import { bytesOf } from './commit-buffer.js';
import type { Commit, Journal } from '../journal/journal.js';

/** So much is read at once for a follower. */
const MAX_COMMITS = 500;
const MAX_BYTES = 1024 * 1024;

/** Reads pieces of histories, a bounded number of them at once; the others wait for their turn. */
export class JournalReads {
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(
    private readonly journal: Journal,
    private readonly maxActive: number,
  ) {}

  /**
   * Commits from a version on, up to a bound.
   * @returns isEnd: these are all that there were when the read began
   * @throws JournalUnavailable
   */
  async read(aggregateId: string, fromVersion: number): Promise<{ commits: readonly Commit[]; isEnd: boolean }> {
    await this.#begin();
    try {
      const commits: Commit[] = [];
      let bytes = 0;
      for await (const commit of this.journal.read(aggregateId, fromVersion)) {
        commits.push(commit);
        bytes += bytesOf(commit);
        if (commits.length >= MAX_COMMITS || bytes >= MAX_BYTES) return { commits, isEnd: false };
      }
      return { commits, isEnd: true };
    } finally {
      // Its place goes to the next one as it is.
      const next = this.#waiting.shift();
      if (next === undefined) this.#active -= 1;
      else next();
    }
  }

  async #begin(): Promise<void> {
    if (this.#active < this.maxActive) this.#active += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
