import type { Commit } from '../journal/journal.js';

/** What follows from a commit outside its own aggregate: commands to others, mail, calls. */
export interface Reaction {
  /** Names its position, its dead letters and what it gives; never changed once released. At most 20 of `a-z0-9_`. */
  readonly name: string;
  /**
   * Carries out all that follows from the commit; when it returns, that is done for good. It may be called again with the
   * same commit. Those of one aggregate come in order, each after the one before has returned.
   *
   * @throws Error for which `isPassing` holds: nothing is wrong with the commit, it comes again
   * @throws Error of another kind: its aggregate is parked, and its later commits wait behind it
   */
  react(commit: Commit): Promise<void>;
}
