import type { MessageAppend } from './message-journal.js';

/** A batch was refused as such; nothing of it was written. Its appends must go one by one. */
export class BatchRefused extends Error {
  override readonly name = 'BatchRefused';
}

export interface AppendBatchesOptions {
  /** Fewer are appended one by one. */
  readonly minimum: number;
  /** So many are appended together at most. */
  readonly maximum: number;
  /** Appends one. */
  readonly appendOne: (append: MessageAppend) => Promise<void>;
  /**
   * Appends several of one aggregate, each right behind the one before, together or not at all; undefined when that is
   * not possible now. Rejects with BatchRefused when each must be tried for itself.
   */
  readonly appendAll: (appends: readonly MessageAppend[]) => Promise<void> | undefined;
}

/** An append that waits for its turn in its aggregate's queue. */
interface Waiting {
  readonly append: MessageAppend;
  /** Of the batch that has taken it along. */
  outcome?: Promise<void>;
  isAlone: boolean;
}

/**
 * Group commit for a hot aggregate: when an append's turn comes and enough others wait behind it, all go as one batch,
 * and their turns find that done.
 */
export class AppendBatches {
  /** By aggregate, in the order of the calls. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(private readonly options: AppendBatchesOptions) {}

  /**
   * @param enqueue calls what it is given when the append's turn has come, and settles as that does; or rejects without
   *   calling it
   */
  async join(append: MessageAppend, enqueue: (turn: () => Promise<void>) => Promise<void>): Promise<void> {
    const { aggregateId } = append;
    let queue = this.#waiting.get(aggregateId);
    if (queue === undefined) this.#waiting.set(aggregateId, (queue = []));
    const entry: Waiting = { append, isAlone: false };
    queue.push(entry);
    try {
      await enqueue(() => entry.outcome ?? this.#take(queue, entry));
    } finally {
      const index = queue.indexOf(entry);
      if (index >= 0) queue.splice(index, 1);
      if (queue.length === 0 && this.#waiting.get(aggregateId) === queue) this.#waiting.delete(aggregateId);
    }
  }

  #take(queue: readonly Waiting[], first: Waiting): Promise<void> {
    const { appendOne, appendAll, minimum } = this.options;
    const batch = first.isAlone ? [] : this.#batchFrom(queue, first);
    if (batch.length < minimum) return appendOne(first.append);
    const appended = appendAll(batch.map(({ append }) => append));
    if (appended === undefined) return appendOne(first.append);
    const others = batch.slice(1);
    const outcome = appended.catch((error: unknown) => {
      if (!(error instanceof BatchRefused)) throw error;
      for (const other of others) Object.assign(other, { outcome: undefined, isAlone: true });
      return appendOne(first.append);
    });
    for (const other of others) other.outcome = outcome;
    return outcome;
  }

  /** Those that are right behind each other from `first` on. */
  #batchFrom(queue: readonly Waiting[], first: Waiting): Waiting[] {
    const batch: Waiting[] = [];
    for (const entry of queue.slice(queue.indexOf(first), this.options.maximum + queue.indexOf(first))) {
      const before = batch.at(-1)?.append;
      const { expectedVersion, afterCommandId } = entry.append;
      const isBehind =
        before === undefined || (expectedVersion === before.expectedVersion + 1 && afterCommandId === before.commandId);
      if (!isBehind || entry.outcome !== undefined || entry.isAlone) break;
      batch.push(entry);
    }
    return batch;
  }
}
