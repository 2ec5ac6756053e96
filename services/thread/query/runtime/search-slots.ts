import { Fault } from '../../../../platform/kernel/fault.js';

export interface SearchSlotsOptions {
  /** So many searches run at once: each may take tens of MiB of the database's memory. @default 4 */
  readonly maxRunning?: number;
  /** So many more may wait for their turn. @default 100 */
  readonly maxWaiting?: number;
  /** So many of one account may run and wait. @default 10 */
  readonly maxPerAccount?: number;
}

/** Lets searches run a few at a time, in the order in which they came. */
export class SearchSlots {
  readonly #options: Required<SearchSlotsOptions>;
  readonly #waiting: (() => void)[] = [];
  readonly #byAccount = new Map<string, number>();
  #running = 0;

  constructor(options: SearchSlotsOptions = {}) {
    this.#options = { maxRunning: 4, maxWaiting: 100, maxPerAccount: 10, ...options };
  }

  /**
   * Runs it when its turn has come.
   * @throws Fault kind `exhausted`, reason TOO_MANY_SEARCHES; whatever `search` throws
   */
  async run<T>(accountId: string, search: () => Promise<T>): Promise<T> {
    const { maxRunning, maxWaiting, maxPerAccount } = this.#options;
    const own = this.#byAccount.get(accountId) ?? 0;
    if (own >= maxPerAccount || (this.#running >= maxRunning && this.#waiting.length >= maxWaiting)) {
      throw new Fault('exhausted', 'TOO_MANY_SEARCHES', 'too many searches at once, try again later');
    }
    this.#byAccount.set(accountId, own + 1);
    try {
      // Whoever ends hands its slot on, so that nobody gets before those who wait.
      if (this.#running >= maxRunning) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      else this.#running += 1;
      try {
        return await search();
      } finally {
        const next = this.#waiting.shift();
        if (next === undefined) this.#running -= 1;
        else next();
      }
    } finally {
      const left = (this.#byAccount.get(accountId) ?? 1) - 1;
      if (left === 0) this.#byAccount.delete(accountId);
      else this.#byAccount.set(accountId, left);
    }
  }
}
