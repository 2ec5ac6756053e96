import type { Commit } from '../journal/journal.js';
import type { CommitBuffer } from './commit-buffer.js';
import type { CommitFollower, Fetched, FollowedHistory } from './commit-follower.js';

/** What the followers of one aggregate share. */
export class SharedHistory implements FollowedHistory {
  readonly followers = new Set<CommitFollower>();
  readonly #flights = new Map<number, Promise<Fetched>>();
  #announced = 0;
  #checked = { version: 0, at: -Infinity };

  constructor(
    private readonly buffer: CommitBuffer,
    private readonly countDoubts: () => number,
    private readonly read: (fromVersion: number) => Promise<{ commits: readonly Commit[]; isEnd: boolean }>,
  ) {}

  get announced(): number {
    return this.#announced;
  }

  get doubts(): number {
    return this.countDoubts();
  }

  buffered(version: number): Commit | undefined {
    return this.buffer.get(version);
  }

  wasCheckedAt(version: number): number {
    return this.#checked.version === version ? this.#checked.at : -Infinity;
  }

  /** A commit came by the feed. */
  announce(commit: Commit): void {
    this.#announced = Math.max(this.#announced, commit.version);
    this.#push(commit);
    for (const follower of this.followers) follower.wake();
  }

  /** Followers at the same version share one read. */
  fetch(fromVersion: number): Promise<Fetched> {
    const flight = this.#flights.get(fromVersion) ?? this.#fetch(fromVersion);
    this.#flights.set(fromVersion, flight);
    return flight;
  }

  async #fetch(fromVersion: number): Promise<Fetched> {
    const doubts = this.doubts;
    try {
      const { commits, isEnd } = await this.read(fromVersion);
      const version = commits.at(-1)?.version ?? fromVersion - 1;
      if (isEnd) {
        this.#checked = { version, at: performance.now() };
        this.#share(commits);
      }
      return { commits, isEnd, doubts };
    } finally {
      this.#flights.delete(fromVersion);
    }
  }

  /** What one has found in the journal that the feed has not told of is news for all. */
  #share(commits: readonly Commit[]): void {
    const isNews = (commits.at(-1)?.version ?? 0) > this.#announced;
    if (!isNews) return;
    for (const commit of commits) if (commit.version > this.buffer.last) this.#push(commit);
    this.#announced = commits.at(-1)?.version ?? this.#announced;
    for (const follower of this.followers) follower.wake();
  }

  #push(commit: Commit): void {
    const evicted = this.buffer.push(commit);
    if (evicted > 0) for (const follower of this.followers) follower.missed(evicted);
    if (!this.buffer.isTrimmable) return;
    let needed = commit.version;
    for (const follower of this.followers) if (follower.isLive) needed = Math.min(needed, follower.nextVersion);
    this.buffer.trim(needed);
  }
}
