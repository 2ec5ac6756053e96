import type { Commit } from '../journal/journal.js';
import type { FeedStart } from './projection-plan.js';

/** Is told what a projector does, for logs, health and metrics. Must not throw. */
export interface ProjectionObserver {
  /** These are in the read model now. */
  projected(commits: readonly Commit[]): void;
  /** This commit and all later ones of its aggregate are set aside until somebody looks at them. */
  parked(aggregateId: string, version: number, error: Error): void;
  /** Projecting has failed and is tried again in `retryInMs`. */
  troubled(error: Error, retryInMs: number): void;
  /** Another projector was faster, or an operator has been at work; going on from where that left it. */
  overtaken(): void;
  /** Reads the feed from another place than the checkpoint's. */
  restarted(reason: NonNullable<FeedStart['lost']>, afterSequence: number): void;
  /** An operator wants nothing projected for now, or wants it again. */
  paused(isPaused: boolean): void;
  /** A feed entry cannot be read; the journal is asked for what is missing. */
  malformed(sequence: number, error: Error): void;
  /** The feed has a commit that the journal does not lead up to: it is left out. */
  unfounded(aggregateId: string, missingVersion: number): void;
  /** The read model has more commits of these than the journal: that was restored from an older state, or has lost them. */
  ahead(aggregateIds: readonly string[]): void;
  /** The journal's versions were compared with the read model's; `repaired` aggregates were behind. */
  reconciled(counts: { readonly checked: number; readonly repaired: number }): void;
  /** Whether projecting works. Told at the first success and at each change; false only after some time of trouble. */
  healthChanged(isHealthy: boolean): void;
}

/** Tells nobody. */
export const quietObserver: ProjectionObserver = {
  projected: () => undefined,
  parked: () => undefined,
  troubled: () => undefined,
  overtaken: () => undefined,
  restarted: () => undefined,
  paused: () => undefined,
  malformed: () => undefined,
  unfounded: () => undefined,
  ahead: () => undefined,
  reconciled: () => undefined,
  healthChanged: () => undefined,
};
