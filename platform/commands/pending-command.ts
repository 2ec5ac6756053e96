import { toError } from '../kernel/fault.js';
import type { CommandEnvelope, CommandOutcome } from './aggregate-model.js';

/** A command that waits for its outcome from elsewhere; copies of it may be on their way to several owners. */
export class PendingCommand<Command, Event, Rejection> {
  /** Why it could not be handed over, the last time. */
  trouble: Error | undefined;
  readonly #unanswered = new Set<number>();
  #copies = 0;
  #rejection: (() => CommandOutcome<Event, Rejection>) | undefined;

  constructor(
    readonly envelope: CommandEnvelope<Command>,
    readonly partition: number,
    private readonly finish: (answer: () => CommandOutcome<Event, Rejection>) => void,
  ) {}

  /** So many copies were made. */
  get copies(): number {
    return this.#copies;
  }

  /** @returns the number of a new copy, whose answer is waited for */
  addCopy(): number {
    this.#copies += 1;
    this.#unanswered.add(this.#copies);
    return this.#copies;
  }

  /**
   * Takes a copy's answer. A commit is an answer for all of them. But what one owner rejects another may take, so a
   * rejection counts only when no other copy can be applied any more.
   */
  answer(
    copy: number,
    kind: CommandOutcome<Event, Rejection>['kind'],
    outcome: () => CommandOutcome<Event, Rejection>,
  ): void {
    if (kind === 'committed') return this.finish(outcome);
    this.#rejection ??= outcome;
    this.withdraw(copy);
  }

  /** A copy will not be applied: it was rejected, or it was surely not taken. */
  withdraw(copy: number): void {
    this.#unanswered.delete(copy);
    if (this.#unanswered.size === 0 && this.#rejection !== undefined) this.finish(this.#rejection);
  }

  fail(thrown: unknown): void {
    this.finish(() => {
      throw toError(thrown);
    });
  }
}
