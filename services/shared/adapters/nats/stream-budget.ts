import { Fault } from '../../kernel/fault.js';
import type { NatsLink } from './nats-link.js';

/** How old the server's count of streams may be, in milliseconds. */
const COUNT_VALID_MS = 2_000;
/** Above this share of the bound, operators are warned. */
const SCARCE_SHARE = 0.8;

/**
 * Guards the number of streams on the server: each costs memory and an open file, and beyond some ten thousand a
 * server gets slow (docs/limits.md). Counts what this process makes between two looks at the server.
 */
export class StreamBudget {
  #count = 0;
  #countedAt = -Infinity;
  #warnedAt = 0;

  /** `onScarce` is called at 80 % of `maxStreams`, and again for each further percent. */
  constructor(
    private readonly link: NatsLink,
    private readonly maxStreams: number,
    private readonly onScarce: (streams: number, maxStreams: number) => void,
  ) {}

  /**
   * Takes one stream off the budget.
   * @throws Fault kind `exhausted` when there is none left
   */
  async reserve(): Promise<void> {
    if (Date.now() - this.#countedAt > COUNT_VALID_MS) {
      const { streams } = await this.link.ask(() => this.link.manager.getAccountInfo());
      this.#count = streams;
      this.#countedAt = Date.now();
    }
    if (this.#count >= this.maxStreams) {
      const message = `the journal has ${this.#count} streams and takes no more than ${this.maxStreams}`;
      throw new Fault('exhausted', 'JOURNAL_FULL', message);
    }
    this.#count += 1;
    if (this.#count >= Math.max(this.maxStreams * SCARCE_SHARE, this.#warnedAt + this.maxStreams / 100)) {
      this.#warnedAt = this.#count;
      this.onScarce(this.#count, this.maxStreams);
    }
  }
}
