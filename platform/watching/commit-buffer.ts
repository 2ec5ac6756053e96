import type { Commit } from '../journal/journal.js';

export interface CommitBufferBounds {
  /** Commits at most. */
  readonly maxCommits: number;
  /** Bytes of events at most; the last commit stays, however large. */
  readonly maxBytes: number;
}

/** So much stays even when nobody needs it yet: those who read history come here at the end of it. */
const KEPT_COMMITS = 64;
const KEPT_BYTES = 64 * 1024;

/** The newest commits of one aggregate, without gaps between them. */
export class CommitBuffer {
  readonly #commits: Commit[] = [];
  #bytes = 0;

  constructor(private readonly bounds: CommitBufferBounds) {}

  /** The newest version; 0 when it is empty. */
  get last(): number {
    return this.#commits.at(-1)?.version ?? 0;
  }

  get(version: number): Commit | undefined {
    const [first] = this.#commits;
    return first && this.#commits[version - first.version];
  }

  /**
   * Takes a commit at the end; one that is there already is passed over. With a gap before it, those before the gap go.
   * @returns the newest version that had to go for want of room; 0 when none had to
   */
  push(commit: Commit): number {
    const last = this.last;
    if (last > 0 && commit.version <= last) return 0;
    if (last > 0 && commit.version > last + 1) {
      this.#commits.length = 0;
      this.#bytes = 0;
    }
    this.#commits.push(onItsOwn(commit));
    this.#bytes += bytesOf(commit);
    let evicted = 0;
    const { maxCommits, maxBytes } = this.bounds;
    while (this.#commits.length > 1 && (this.#commits.length > maxCommits || this.#bytes > maxBytes)) {
      evicted = this.#shift();
    }
    return evicted;
  }

  /** True when dropping what nobody needs is worth the while. */
  get isTrimmable(): boolean {
    return this.#commits.length > KEPT_COMMITS || this.#bytes > KEPT_BYTES;
  }

  /** Drops commits below a version that nobody needs any more, but for the newest few. */
  trim(belowVersion: number): void {
    while (this.#commits.length > 1 && this.isTrimmable && (this.#commits[0]?.version ?? Infinity) < belowVersion) {
      this.#shift();
    }
  }

  #shift(): number {
    const commit = this.#commits.shift();
    if (commit === undefined) return 0;
    this.#bytes -= bytesOf(commit);
    return commit.version;
  }
}

/**
 * With copies of its events' bytes: what was decoded is mostly a piece of a pool of 8 KiB (`Buffer.poolSize`), and a piece
 * of a hundred bytes that is kept keeps the whole pool.
 */
function onItsOwn(commit: Commit): Commit {
  return { ...commit, events: commit.events.map((event) => ({ ...event, data: new Uint8Array(event.data) })) };
}

/** Bytes of its events. */
export function bytesOf({ events }: Commit): number {
  return events.reduce((sum, { data }) => sum + data.length, 0);
}
