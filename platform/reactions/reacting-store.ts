import { toError } from '../kernel/fault.js';
import type { Commit } from '../journal/journal.js';
import { inParallel } from '../process/in-parallel.js';
import { groupByAggregate } from '../projection/projection-plan.js';
import {
  CheckpointMoved,
  type ProjectionChange,
  type ProjectionCheckpoint,
  type ProjectionStore,
} from '../projection/projection-store.js';
import { isPassing } from '../projection/projection-writer.js';
import type { Reaction } from './reaction.js';

/** What became of an aggregate's commits that are not saved yet. */
interface Progress {
  /** Carried out up to there. */
  version: number;
  /** Why the next one cannot be. */
  failure?: Error;
}

/** So many aggregates' commits are carried out at once. */
const PARALLEL = 32;

/**
 * Makes a reaction of a projection: what follows from the commits is carried out before they are saved as done. Feed,
 * repair, partitions, dead letters and the fence are the projector's. A crash in between carries out again; a projector
 * that has been overtaken is refused before it begins, and again when it saves.
 */
export class ReactingStore implements ProjectionStore {
  /** As of `#revision`: what an operator has changed since is carried out again. */
  readonly #progress = new Map<string, Progress>();
  #revision = 0;

  constructor(
    private readonly inner: ProjectionStore,
    private readonly reaction: Reaction,
  ) {}

  loadCheckpoint(): Promise<ProjectionCheckpoint> {
    return this.inner.loadCheckpoint();
  }

  loadVersions(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.inner.loadVersions(aggregateIds);
  }

  loadParkedVersions(): Promise<ReadonlyMap<string, number>> {
    return this.inner.loadParkedVersions();
  }

  async save(change: ProjectionChange, seen: ProjectionCheckpoint): Promise<ProjectionCheckpoint> {
    if (change.commits.length > 0) await this.#carryOut(change.commits, seen);
    const saved = await this.inner.save(change, seen);
    this.#revision = saved.revision;
    for (const { aggregateId } of [...change.commits, ...change.parked]) this.#progress.delete(aggregateId);
    return saved;
  }

  async #carryOut(commits: readonly Commit[], seen: ProjectionCheckpoint): Promise<void> {
    if ((await this.inner.loadCheckpoint()).revision !== seen.revision) throw new CheckpointMoved();
    if (this.#revision !== seen.revision) this.#progress.clear();
    this.#revision = seen.revision;
    const errors: Error[] = [];
    await inParallel(groupByAggregate(commits), PARALLEL, async (own) => {
      const progress = this.#progressOf(own[0]);
      try {
        await this.#carryOutInOrder(own, progress);
      } catch (thrown) {
        errors.push(toError(thrown));
      }
    });
    // One that cannot be carried out is parked, whatever the others wait for.
    const error = errors.find((candidate) => !isPassing(candidate)) ?? errors[0];
    if (error !== undefined) throw error;
  }

  async #carryOutInOrder(commits: readonly Commit[], progress: Progress): Promise<void> {
    for (const commit of commits) {
      if (commit.version <= progress.version) continue;
      if (progress.failure !== undefined) throw progress.failure;
      try {
        await this.reaction.react(commit);
        progress.version = commit.version;
      } catch (thrown) {
        const error = toError(thrown);
        if (!isPassing(error)) progress.failure = error;
        throw error;
      }
    }
  }

  #progressOf({ aggregateId, version }: Commit): Progress {
    const known = this.#progress.get(aggregateId);
    if (known !== undefined) return known;
    const progress = { version: version - 1 };
    this.#progress.set(aggregateId, progress);
    return progress;
  }
}
