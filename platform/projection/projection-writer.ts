import { Fault, toError } from '../kernel/fault.js';
import { JournalUnavailable, type Commit, type Journal } from '../journal/journal.js';
import type { ProjectionObserver } from './projection-observer.js';
import { groupByAggregate, planBatch, type FeedGap } from './projection-plan.js';
import {
  CheckpointMoved,
  type FeedPosition,
  type ParkedCommit,
  type ProjectionCheckpoint,
  type ProjectionStore,
} from './projection-store.js';

/** So many histories are read from the journal at once. */
const PARALLEL_READS = 16;
/** So many aggregates' versions are remembered. */
const MAX_REMEMBERED = 100_000;

/** True when the same may succeed later, so that nothing is to blame but the moment. */
export function isPassing(error: unknown): boolean {
  if (error instanceof JournalUnavailable || error instanceof CheckpointMoved) return true;
  return error instanceof Fault && (error.kind === 'unavailable' || error.kind === 'deadline-exceeded');
}

/**
 * Brings commits into the read model, each once, whatever the feed repeats or leaves out. Knows the checkpoint that it
 * has last seen or saved. Not to be used by two callers at once.
 */
export class ProjectionWriter {
  readonly #parked: Map<string, number>;
  /** Versions that this writer has saved: nobody else can have, or its next save fails at the checkpoint. */
  readonly #saved = new Map<string, number>();
  #checkpoint: ProjectionCheckpoint;

  constructor(
    private readonly parts: {
      readonly store: ProjectionStore;
      readonly journal: Pick<Journal, 'read'>;
      readonly observer: ProjectionObserver;
      /** Commits in one transaction at most. */
      readonly maxCommits: number;
    },
    checkpoint: ProjectionCheckpoint,
    parked: ReadonlyMap<string, number>,
  ) {
    this.#checkpoint = checkpoint;
    this.#parked = new Map(parked);
  }

  /** The checkpoint that was last seen or saved. */
  get checkpoint(): ProjectionCheckpoint {
    return this.#checkpoint;
  }

  /** Last versions, projected or parked, as the store has them. */
  async loadVersions(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const versions = new Map(await this.parts.store.loadVersions(aggregateIds));
    for (const id of aggregateIds) {
      const parked = this.#parked.get(id);
      if (parked !== undefined) versions.set(id, Math.max(parked, versions.get(id) ?? 0));
    }
    return versions;
  }

  /**
   * Projects a batch of the feed and what is missing before it, and moves the checkpoint.
   *
   * @throws CheckpointMoved
   * @throws Error for which `isPassing` holds
   */
  async project(commits: readonly Commit[], position: FeedPosition): Promise<void> {
    const ids = [...new Set(commits.map(({ aggregateId }) => aggregateId))];
    let plan = planBatch(commits, await this.#knownVersions(ids));
    if (plan.gaps.length > 0) {
      // The checkpoint moves only when the gaps are filled: a crash in between must find them again.
      await this.repair(plan.gaps.map(({ aggregateId }) => aggregateId));
      plan = planBatch(commits, await this.loadVersions(ids));
      for (const { aggregateId, missingVersion } of plan.gaps) {
        if (!this.#parked.has(aggregateId)) this.parts.observer({ kind: 'unfounded', aggregateId, missingVersion });
      }
    }
    await this.#apply([...plan.ready, ...this.#behindUnreadable(commits, plan.gaps)], position);
  }

  /** Projects what the journal has of these aggregates and the read model has not. Throws as `project` does. */
  async repair(aggregateIds: readonly string[]): Promise<void> {
    const { maxCommits } = this.parts;
    let remaining = [...aggregateIds];
    while (remaining.length > 0) {
      const ids = remaining.slice(0, PARALLEL_READS);
      const versions = await this.loadVersions(ids);
      const histories = await Promise.all(ids.map((id) => this.#readFrom(id, (versions.get(id) ?? 0) + 1)));
      const commits = histories.flatMap((history) => history.commits);
      for (let start = 0; start < commits.length; start += maxCommits) {
        await this.#apply(commits.slice(start, start + maxCommits), this.#checkpoint);
      }
      for (const { aggregateId, nextVersion, error } of histories) {
        if (error) await this.#parkUnreadable(aggregateId, nextVersion, error);
      }
      const unfinished = histories.filter(({ hasMore }) => hasMore).map(({ aggregateId }) => aggregateId);
      remaining = [...unfinished, ...remaining.slice(PARALLEL_READS)];
    }
  }

  async #knownVersions(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const unknown = aggregateIds.filter((id) => !this.#saved.has(id));
    const versions = new Map(unknown.length > 0 ? await this.loadVersions(unknown) : []);
    for (const id of aggregateIds) {
      const version = this.#saved.get(id);
      if (version !== undefined) versions.set(id, version);
    }
    return versions;
  }

  /** A bounded piece of an aggregate's history. */
  async #readFrom(aggregateId: string, fromVersion: number) {
    const commits: Commit[] = [];
    const nextVersion = (): number => fromVersion + commits.length;
    try {
      for await (const commit of this.parts.journal.read(aggregateId, fromVersion)) {
        if (commit.version !== nextVersion()) {
          throw new Fault('data-loss', 'HISTORY_GAP', `version ${nextVersion()} is missing in the journal`);
        }
        commits.push(commit);
        if (commits.length >= this.parts.maxCommits) {
          return { aggregateId, commits, nextVersion: nextVersion(), hasMore: true };
        }
      }
    } catch (error) {
      if (isPassing(error)) throw error;
      return { aggregateId, commits, nextVersion: nextVersion(), hasMore: false, error: toError(error) };
    }
    return { aggregateId, commits, nextVersion: nextVersion(), hasMore: false };
  }

  async #apply(commits: readonly Commit[], position: FeedPosition): Promise<void> {
    try {
      await this.#save(commits, position);
    } catch (error) {
      if (isPassing(error) || commits.length === 0) throw error;
      // Something in the batch cannot be projected: find it, and let all else go on.
      for (const own of groupByAggregate(commits)) await this.#applyAlone(own);
      await this.#save([], position);
    }
  }

  /** One aggregate's commits in a transaction of their own; if that fails, one by one up to the faulty one. */
  async #applyAlone(commits: readonly Commit[]): Promise<void> {
    try {
      await this.#save(commits, this.#checkpoint);
      return;
    } catch (error) {
      if (isPassing(error)) throw error;
    }
    for (const [index, commit] of commits.entries()) {
      try {
        await this.#save([commit], this.#checkpoint);
      } catch (error) {
        if (isPassing(error)) throw error;
        await this.#park(commits.slice(index).map(parkedOf), toError(error));
        return;
      }
    }
  }

  /** Saves commits, those of aggregates with dead letters as further dead letters. */
  async #save(commits: readonly Commit[], { feedIdentity, sequence }: FeedPosition): Promise<void> {
    const live = commits.filter(({ aggregateId }) => !this.#parked.has(aggregateId));
    const parked = commits.filter(({ aggregateId }) => this.#parked.has(aggregateId)).map(parkedOf);
    await this.#write(live, parked, { feedIdentity, sequence });
    if (live.length > 0) this.parts.observer({ kind: 'projected', commits: live });
  }

  async #park([first, ...later]: readonly ParkedCommit[], error: Error): Promise<void> {
    if (first === undefined) return;
    await this.#write([], [{ ...first, error: error.message }, ...later], this.#checkpoint);
    const { aggregateId, version } = first;
    this.parts.observer({ kind: 'parked', aggregateId, version, error });
  }

  /** Commits of parked aggregates behind what the journal cannot give: to be parked as well. */
  #behindUnreadable(commits: readonly Commit[], gaps: readonly FeedGap[]): Commit[] {
    return gaps
      .filter(({ aggregateId }) => this.#parked.has(aggregateId))
      .flatMap((gap) =>
        commits.filter(({ aggregateId, version }) => aggregateId === gap.aggregateId && version >= gap.nextVersion),
      );
  }

  async #parkUnreadable(aggregateId: string, version: number, error: Error): Promise<void> {
    if (this.#parked.has(aggregateId)) return;
    await this.#park([{ aggregateId, version, commandType: '', requestId: '', error: undefined }], error);
  }

  async #write(commits: readonly Commit[], parked: readonly ParkedCommit[], position: FeedPosition): Promise<void> {
    const { feedIdentity, sequence } = position;
    const change = { commits, parked, position: { feedIdentity, sequence } };
    this.#checkpoint = await this.parts.store.save(change, this.#checkpoint);
    for (const { aggregateId, version } of parked) {
      this.#parked.set(aggregateId, Math.max(version, this.#parked.get(aggregateId) ?? 0));
    }
    if (this.#saved.size > MAX_REMEMBERED) this.#saved.clear();
    for (const { aggregateId, version } of [...commits, ...parked]) {
      this.#saved.set(aggregateId, Math.max(version, this.#saved.get(aggregateId) ?? 0));
    }
  }
}

function parkedOf({ aggregateId, version, commandType, trace }: Commit): ParkedCommit {
  return { aggregateId, version, commandType, requestId: trace.requestId, error: undefined };
}
