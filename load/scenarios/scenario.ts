import type { User, UserWorld } from '../engine/user.js';

/** What users do. One object serves all users of a worker that play it. */
export interface Scenario {
  /**
   * Makes what users will find, unmeasured.
   * @param report how much of it there is
   * @throws PreparationFailed
   */
  prepare?(report: (done: number, total: number) => void): Promise<void>;
  /**
   * One round of a user's loop, which ends soon once users shall end.
   * @throws RequestFailed when it cannot go on
   */
  play(user: User): Promise<void>;
}

/** Where a scenario is played. */
export interface Stage extends UserWorld {
  /** A ULID: the same in all workers of a run, and another in each run. */
  readonly runId: string;
  readonly workerIndex: number;
  readonly workerCount: number;
}

/** The users' world could not be made. */
export class PreparationFailed extends Error {}

/** This worker's part of a count for the whole run. */
export function shareOf(total: number, { workerIndex, workerCount }: Stage): number {
  return Math.floor(total / workerCount) + (workerIndex < total % workerCount ? 1 : 0);
}
