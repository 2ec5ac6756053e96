import assert from 'node:assert/strict';
import type { GivenCommand, ProcessInput, ProcessManager } from '../reactions/process-manager.js';

/** Given/when/then for a process manager; compares whole lists of events and of the commands that they mean. */
export function specifyProcess<
  Input extends { readonly type: string },
  Event extends { readonly type: string },
  State,
  Command,
  Rejection,
>({ decider, commandsOf }: ProcessManager<Input, Event, State, Command, Rejection>) {
  return (...given: Event[]) => ({
    when(input: ProcessInput<Input, Command, Rejection>) {
      const decision = decider.decide(input, given.reduce(decider.evolve, decider.initialState));
      return {
        /** Just these events of its own, in this order; none means that nothing follows. */
        thenEvents: (...expected: Event[]) => assert.deepEqual(decision, { kind: 'accepted', events: expected }),
        /** Just these commands to others, in this order. */
        thenCommands: (...expected: GivenCommand<Command>[]) =>
          assert.deepEqual(
            decision.kind === 'accepted' && decision.events.flatMap((event) => commandsOf(event)),
            expected,
          ),
      };
    },
  });
}
