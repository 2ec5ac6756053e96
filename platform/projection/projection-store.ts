import type { Commit } from '../journal/journal.js';

/** Where a projection stands in its feed. */
export interface FeedPosition {
  /** Empty before the first feed was read. */
  readonly feedIdentity: string;
  readonly sequence: number;
}

/** What a projection has in its store, as of one moment. */
export interface ProjectionCheckpoint extends FeedPosition {
  /** Counts the changes saved, by projectors and operators; whoever saves names the one it has seen. */
  readonly revision: number;
  /** An operator wants nothing projected. */
  readonly isPaused: boolean;
}

/** A commit that is not projected, because it or one before it of the same aggregate cannot be. */
export interface ParkedCommit {
  readonly aggregateId: string;
  readonly version: number;
  readonly commandType: string;
  readonly requestId: string;
  /** Why; undefined for those that only wait behind. */
  readonly error: string | undefined;
}

/** Saved whole or not at all. */
export interface ProjectionChange {
  /** To project; an aggregate's versions ascend without gaps from the one that the store has. */
  readonly commits: readonly Commit[];
  readonly parked: readonly ParkedCommit[];
  readonly position: FeedPosition;
}

/**
 * Where one projection keeps its rows, its checkpoint and its dead letters. All methods throw Fault kind `unavailable`
 * when the trouble may pass; repeating is then right.
 */
export interface ProjectionStore {
  /** Revision 0 and an empty feed identity when nothing was ever saved. @throws Fault reason PARTITIONS_DIFFER */
  loadCheckpoint(): Promise<ProjectionCheckpoint>;
  /** Last projected versions; an unknown aggregate is absent. */
  loadVersions(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Last parked versions of the aggregates that have dead letters. */
  loadParkedVersions(): Promise<ReadonlyMap<string, number>>;
  /**
   * Makes the change in one transaction, if the store is still at the revision of `seen`.
   *
   * @returns the new checkpoint
   * @throws CheckpointMoved somebody else has saved since; nothing was changed
   * @throws Error of another kind when the commits cannot be projected; nothing was changed
   */
  save(change: ProjectionChange, seen: ProjectionCheckpoint): Promise<ProjectionCheckpoint>;
}

/** Another projector, or an operator, has saved since the checkpoint was loaded. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';

  constructor() {
    super('somebody else has moved the checkpoint');
  }
}
