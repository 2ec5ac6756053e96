import type { Commit } from '../journal/journal.js';

/** An aggregate with dead letters: the first could not be projected, the others wait behind it. */
export interface ParkedAggregate {
  readonly aggregateId: string;
  readonly partition: number;
  readonly firstVersion: number;
  readonly lastVersion: number;
  readonly commits: number;
  /** Why the first could not be projected. */
  readonly error: string;
  /** Of the first. */
  readonly commandType: string;
  readonly requestId: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** Access to aggregates with dead letters, for an operator. Projectors notice each change by their fence. */
export interface ParkedAggregates {
  /** All, or the one; the longest parked first. */
  list(aggregateId?: string): Promise<readonly ParkedAggregate[]>;
  /** The version that is projected; 0 when none is. */
  versionOf(aggregateId: string): Promise<number>;
  /**
   * Projects commits that follow on `version`, and removes the dead letters up to them, in one transaction. False, and
   * nothing is changed, when the aggregate has another version by now.
   *
   * @throws Error when a commit cannot be projected; nothing is changed
   */
  project(parked: ParkedAggregate, version: number, commits: readonly Commit[]): Promise<boolean>;
  /** Keeps why a commit could not be projected. */
  fail(parked: ParkedAggregate, version: number, error: Error): Promise<void>;
}
