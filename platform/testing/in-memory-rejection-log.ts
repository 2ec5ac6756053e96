import type { LoggedRejection, RejectionLog } from '../commands/rejection-log.js';

/** What was rejected, in memory, for tests. Runs the contract suite like the real one. */
export class InMemoryRejectionLog implements RejectionLog {
  readonly #rejections = new Map<string, LoggedRejection>();

  async write(rejection: LoggedRejection): Promise<void> {
    this.#rejections.delete(rejection.key);
    this.#rejections.set(rejection.key, structuredClone(rejection));
    return Promise.resolve();
  }

  async read(partitions: ReadonlySet<number>): Promise<LoggedRejection[]> {
    return Promise.resolve([...this.#rejections.values()].filter(({ partition }) => partitions.has(partition)));
  }
}
