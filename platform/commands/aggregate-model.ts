import type { Decider } from '../kernel/decider.js';
import type { EventCodec } from '../journal/event-codec.js';
import type { StateFormat } from '../journal/snapshots.js';
import type { TraceContext } from '../journal/trace-context.js';

/** What the host must know of a kind of aggregate; nothing here knows what it is. */
export interface AggregateModel<Command, Event extends { readonly type: string }, State, Rejection> {
  readonly decider: Decider<Command, Event, State, Rejection>;
  readonly codec: EventCodec<Event>;
  /** Roughly what a state takes in memory, in bytes. */
  estimateBytes(state: State): number;
  /** @default none: no snapshots are made */
  readonly stateFormat?: StateFormat<State>;
}

/** A command on its way to its aggregate. */
/** Where a command comes from: what makes a repeat a repeat, and how long the caller waits. */
export interface CommandOrigin {
  /** The same for a repeat of the command, and for no other command of any account; see NewCommit. */
  readonly commandId: string;
  readonly fingerprint: string;
  readonly trace: TraceContext;
  /** After this time the command is not begun, a time of steadyNow(). */
  readonly deadline: number;
}

export interface CommandEnvelope<Command> extends CommandOrigin {
  readonly aggregateId: string;
  readonly command: Command;
  /** Name of the command, for the journal. */
  readonly commandType: string;
  /** The aggregate most likely has no history yet, so that reading it first is not worth the time. @default false */
  readonly startsAggregate?: boolean;
}

export type CommandOutcome<Event, Rejection> =
  | {
      readonly kind: 'committed';
      readonly version: number;
      readonly events: readonly Event[];
      /** True when this is the first answer to an earlier command with the same id. */
      readonly repeated: boolean;
    }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** An aggregate's state after `version` commits. */
export interface VersionedState<State> {
  readonly version: number;
  readonly state: State;
}
