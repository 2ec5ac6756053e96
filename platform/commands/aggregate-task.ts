import { Fault } from '../kernel/fault.js';
import type { VersionedState, CommandEnvelope, CommandOutcome } from './aggregate-model.js';
import type { Commit, Journal, VersionConflict } from '../journal/journal.js';
import type { DecisionGuard } from './decision-guard.js';
import type { SnapshotUse } from '../journal/snapshots.js';

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
      /** @default nobody else decides commands of this aggregate */
      readonly guard?: DecisionGuard<Rejection> | undefined;
      succeed(outcome: CommandOutcome<Event, Rejection>): void;
    }
  | { readonly kind: 'inspection'; succeed(snapshot: VersionedState<State>): void }
);

/** The reason of a fault that says that nothing was done, because the command is another instance's by now. */
export const NOT_OURS = 'NOT_OURS';

export function isNotOurs(thrown: unknown): boolean {
  return thrown instanceof Fault && thrown.reason === NOT_OURS;
}

export function notOurs(): Fault {
  return new Fault('unavailable', NOT_OURS, 'another instance carries this out');
}

/** @param trouble why nothing goes on */
export function outOfTime(trouble: Error | undefined): Fault {
  if (trouble === undefined) {
    return new Fault('deadline-exceeded', 'DEADLINE_EXCEEDED', 'no answer in time; repeat with the same request id');
  }
  const message = 'the journal is unavailable; repeat with the same request id';
  return new Fault('unavailable', 'JOURNAL_UNAVAILABLE', message, { cause: trouble });
}
