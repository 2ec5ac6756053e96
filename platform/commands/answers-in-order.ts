/** A task that was decided on a state whose commits are not all in the journal yet. */
export interface Entry<Task> {
  readonly task: Task;
  /** True when the task's own commit is in the journal, or, if it has none, when its answer is known to hold. */
  done: boolean;
  /** Of the task's own commit, if it has one. */
  readonly commandId?: string;
  /** Answers the task, once all before it are in the journal too. */
  release(): void;
}

/** Tasks that are decided and not answered. Each rests on those before it, so they are answered in order. */
export class AnswersInOrder<Task> {
  #entries: Entry<Task>[] = [];

  get length(): number {
    return this.#entries.length;
  }

  /** The command whose commit is on its way as the last one, if any is. */
  get lastCommandId(): string | undefined {
    return this.#entries.findLast(({ commandId }) => commandId !== undefined)?.commandId;
  }

  add(entry: Entry<Task>): void {
    this.#entries.push(entry);
  }

  /** Answers those that are done and wait for no other. @returns whether there were any */
  release(): boolean {
    let released = 0;
    while (this.#entries[released]?.done) this.#entries[released++]?.release();
    this.#entries.splice(0, released);
    return released > 0;
  }

  /** Gives up on all. @returns their tasks, in order */
  takeAll(): Task[] {
    return this.#entries.splice(0).map(({ task }) => task);
  }
}
