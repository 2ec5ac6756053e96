import { Fault } from '../kernel/fault.js';
import type { AggregateSnapshot, CommandEnvelope, CommandOutcome } from './aggregate-model.js';
import type { Commit, Journal, VersionConflict } from './journal.js';
import type { SnapshotUse } from './snapshots.js';

/** What an aggregate asks of its host. */
export interface AggregateSurroundings {
  readonly journal: Journal;
  /** Called once a commit is in the journal, in order of versions; perhaps again after a recovery. */
  onCommitted(commit: Commit): void;
  /** Called whenever nothing is left to do. */
  onIdle(): void;
  /** Called when the journal has refused an append; what it was for is decided again. @default nothing */
  readonly onRefused?: ((refusal: VersionConflict) => void) | undefined;
  /** So many appends may be on their way at once. */
  readonly maxPipelined: number;
  /** @default none */
  readonly snapshots?: SnapshotUse | undefined;
}

/** Somebody waits for this. `settled` once that is over, by an answer or by the deadline. */
export type AggregateTask<Command, Event, State, Rejection> = { settled: boolean; fail(error: Error): void } & (
  | {
      readonly kind: 'command';
      readonly envelope: CommandEnvelope<Command>;
      succeed(outcome: CommandOutcome<Event, Rejection>): void;
    }
  | { readonly kind: 'inspection'; succeed(snapshot: AggregateSnapshot<State>): void }
);

/** The reason of a fault that says that nothing was done, because the command is another instance's by now. */
export const NOT_OURS = 'NOT_OURS';

export function notOurs(): Fault {
  return new Fault('unavailable', NOT_OURS, 'another instance carries this out');
}
