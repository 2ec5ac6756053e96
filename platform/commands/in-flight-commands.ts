import type { CommandOutcome } from './aggregate-model.js';

interface Attempt<Event, Rejection> {
  readonly outcome: Promise<CommandOutcome<Event, Rejection>>;
  readonly deadline: number;
}

/**
 * Lets attempts at one command that are under way at the same time share one outcome. A command may arrive more than
 * once: its caller repeats it, or it is sent again when its partition changes hands.
 */
export class InFlightCommands<Event, Rejection> {
  readonly #underWay = new Map<string, Attempt<Event, Rejection>>();

  /** @param onRejected called before any attempt that comes later is begun */
  constructor(private readonly onRejected: (key: string, rejection: Rejection) => void) {}

  /**
   * The outcome of the attempt that is under way, if there is one; otherwise that of `execute`.
   * @param key of the command, the same for all attempts at it
   * @param deadline of this attempt, a time of steadyNow()
   */
  join(
    key: string,
    deadline: number,
    execute: () => Promise<CommandOutcome<Event, Rejection>>,
  ): Promise<CommandOutcome<Event, Rejection>> {
    const earlier = this.#underWay.get(key);
    if (earlier !== undefined) {
      return earlier.outcome.catch((thrown: unknown) => {
        // It may have had less time.
        if (deadline <= earlier.deadline) throw thrown;
        return this.join(key, deadline, execute);
      });
    }
    const outcome = execute();
    this.#underWay.set(key, { outcome, deadline });
    outcome.then(
      (settled) => {
        if (settled.kind === 'rejected') this.onRejected(key, settled.rejection);
        this.#underWay.delete(key);
      },
      () => void this.#underWay.delete(key),
    );
    return outcome;
  }
}
