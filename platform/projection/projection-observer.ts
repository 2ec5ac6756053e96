import type { Commit } from '../journal/journal.js';
import type { FeedStart } from './projection-plan.js';

/** What happens in a projector, for logs, health and metrics. */
export type ProjectionEvent =
  /** These are in the read model now. */
  | { readonly kind: 'projected'; readonly commits: readonly Commit[] }
  /** This commit and all later ones of its aggregate are set aside until somebody looks at them. */
  | { readonly kind: 'parked'; readonly aggregateId: string; readonly version: number; readonly error: Error }
  /** Projecting has failed and is tried again in `retryInMs`. */
  | { readonly kind: 'troubled'; readonly error: Error; readonly retryInMs: number }
  /** Another projector was faster, or an operator has been at work; going on from where that left it. */
  | { readonly kind: 'overtaken' }
  /** Reads the feed from another place than the checkpoint's. */
  | { readonly kind: 'restarted'; readonly reason: NonNullable<FeedStart['lost']>; readonly afterSequence: number }
  /** An operator wants nothing projected for now, or wants it again. */
  | { readonly kind: 'paused'; readonly isPaused: boolean }
  /** A feed entry cannot be read; the journal is asked for what is missing. */
  | { readonly kind: 'malformed'; readonly sequence: number; readonly error: Error }
  /** The feed has a commit that the journal does not lead up to: it is left out. */
  | { readonly kind: 'unfounded'; readonly aggregateId: string; readonly missingVersion: number }
  /** The read model has more commits of these than the journal: that was restored from an older state, or has lost them. */
  | { readonly kind: 'ahead'; readonly aggregateIds: readonly string[] }
  /** The journal's versions were compared with the read model's; `repaired` aggregates were behind. */
  | { readonly kind: 'reconciled'; readonly checked: number; readonly repaired: number }
  /** Whether projecting works. Told at the first success and at each change; false only after some time of trouble. */
  | { readonly kind: 'health-changed'; readonly isHealthy: boolean };

/** Is told what a projector does. Must not throw. */
export type ProjectionObserver = (event: ProjectionEvent) => void;
