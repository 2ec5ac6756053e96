/**
 * A domain model as three pure functions (the decider pattern of Jérémie Chassaing,
 * "Functional Event Sourcing Decider", 2021). No clock, no randomness, no I/O: what a
 * decision needs to know comes in with the command.
 */
export interface Decider<Command, Event, State, Rejection> {
  /** State before the first event. */
  readonly initialState: State;
  /** What the command causes in this state: events (perhaps none), or a rejection. */
  decide(command: Command, state: State): Decision<Event, Rejection>;
  /** The state after the event. Must not change `state`. */
  evolve(state: State, event: Event): State;
}

export type Decision<Event, Rejection> =
  | { readonly kind: 'accepted'; readonly events: readonly Event[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** The command is taken and causes these events; none means that it changes nothing. */
export function accept<Event>(...events: Event[]): Decision<Event, never> {
  return { kind: 'accepted', events };
}

export function reject<Rejection>(rejection: Rejection): Decision<never, Rejection> {
  return { kind: 'rejected', rejection };
}

/** The last branch of a switch over a closed union: a compile error when a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
