import assert from 'node:assert/strict';
import type { Decider } from '../kernel/decider.js';

/** Given/when/then for a decider; compares whole lists of events, or the whole rejection. */
export function specifyDecider<Command, Event, State, Rejection>(
  decider: Decider<Command, Event, State, Rejection>,
): (...given: Event[]) => { when(command: Command): DeciderExpectation<Event, Rejection> } {
  return (...given) => ({
    when(command) {
      const state = given.reduce((before, event) => decider.evolve(before, event), decider.initialState);
      const decision = decider.decide(command, state);
      return {
        thenEvents: (...expected) => assert.deepEqual(decision, { kind: 'accepted', events: expected }),
        thenRejected: (rejection) => assert.deepEqual(decision, { kind: 'rejected', rejection }),
      };
    },
  });
}

export interface DeciderExpectation<Event, Rejection> {
  /** Just these events, in this order; none means that the command is taken and changes nothing. */
  thenEvents(...expected: Event[]): void;
  thenRejected(rejection: Rejection): void;
}
