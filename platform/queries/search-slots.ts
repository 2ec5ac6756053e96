import pLimit, { type LimitFunction } from 'p-limit';
import { Fault } from '../kernel/fault.js';
import { Shares } from '../process/shares.js';

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
  readonly #maxUnderWay: number;
  readonly #ofAccounts: Shares;
  readonly #inTurn: LimitFunction;

  constructor({ maxRunning = 4, maxWaiting = 100, maxPerAccount = 10 }: SearchSlotsOptions = {}) {
    this.#maxUnderWay = maxRunning + maxWaiting;
    this.#ofAccounts = new Shares(maxPerAccount);
    this.#inTurn = pLimit(maxRunning);
  }

  /**
   * Runs it when its turn has come.
   * @throws Fault kind `exhausted`, reason TOO_MANY_SEARCHES; whatever `search` throws
   */
  async run<T>(accountId: string, search: () => Promise<T>): Promise<T> {
    const { activeCount, pendingCount } = this.#inTurn;
    const leave = activeCount + pendingCount < this.#maxUnderWay ? this.#ofAccounts.take(accountId) : undefined;
    if (leave === undefined) {
      throw new Fault('exhausted', 'TOO_MANY_SEARCHES', 'too many searches at once, try again later');
    }
    try {
      return await this.#inTurn(search);
    } finally {
      leave();
    }
  }
}
