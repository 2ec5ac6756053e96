import type { CommandEnvelope, CommandOutcome } from './aggregate-model.js';

interface Attempts<Event, Rejection> {
  readonly outcome: Promise<CommandOutcome<Event, Rejection>>;
  /** Of the attempt that is carried out. */
  readonly deadline: number;
  /** The latest deadline of those attempts, epoch milliseconds. */
  until: number;
}

/**
 * Lets all attempts at one command share one outcome. A command may arrive more than once: its caller repeats it, or it
 * is sent again when its partition changes hands. A commit is known to the aggregate, but a rejection is not: were a
 * later attempt decided anew, on another state, the command could be applied although its caller was told that it is
 * not. So a rejection holds until no attempt is begun any more.
 */
export class CommandAttempts<Event, Rejection> {
  readonly #attempts = new Map<string, Attempts<Event, Rejection>>();

  /** The outcome of the attempt that is under way or was rejected, if there is one; otherwise that of `execute`. */
  join<Command>(
    envelope: CommandEnvelope<Command>,
    execute: () => Promise<CommandOutcome<Event, Rejection>>,
  ): Promise<CommandOutcome<Event, Rejection>> {
    const { aggregateId, commandId, fingerprint, deadline } = envelope;
    const key = `${aggregateId} ${commandId} ${fingerprint}`;
    const earlier = this.#attempts.get(key);
    if (earlier !== undefined) {
      earlier.until = Math.max(earlier.until, deadline);
      return earlier.outcome.catch((thrown: unknown) => {
        // It may have had less time.
        if (deadline <= earlier.deadline) throw thrown;
        return this.join(envelope, execute);
      });
    }
    const attempts: Attempts<Event, Rejection> = { outcome: execute(), deadline, until: deadline };
    this.#attempts.set(key, attempts);
    attempts.outcome.then(
      ({ kind }) => (kind === 'rejected' ? this.#forgetLater(key, attempts) : void this.#attempts.delete(key)),
      () => void this.#attempts.delete(key),
    );
    return attempts.outcome;
  }

  #forgetLater(key: string, attempts: Attempts<Event, Rejection>): void {
    const remainingMs = attempts.until - Date.now();
    if (remainingMs <= 0) this.#attempts.delete(key);
    else setTimeout(() => this.#forgetLater(key, attempts), Math.min(remainingMs, 60_000)).unref();
  }
}
