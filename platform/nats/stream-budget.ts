import { Fault } from '../kernel/fault.js';
import type { NatsLink } from './nats-link.js';

/** How old the server's count of streams may be, in milliseconds. */
const COUNT_VALID_MS = 2_000;
/** Above this share of the bound, operators are warned. */
const SCARCE_SHARE = 0.8;

/**
 * Guards the number of streams on the server: each costs memory and an open file, and beyond some ten thousand a
 * server gets slow (docs/journal.md, "What a stream per thread costs"). Counts what this process makes between two looks at the server.
 */
export class StreamBudget {
  #count = 0;
  /** How many this process has made, ever. */
  #made = 0;
  #counting: Promise<void> | undefined;
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
    if (performance.now() - this.#countedAt > COUNT_VALID_MS) {
      const counting = (this.#counting ??= this.#recount().finally(() => (this.#counting = undefined)));
      // An older count will do meanwhile: the server answers slowly while many streams are made.
      if (this.#countedAt === -Infinity) await counting;
      else counting.catch(() => undefined);
    }
    if (this.#count >= this.maxStreams) {
      const message = `the journal has ${this.#count} streams and takes no more than ${this.maxStreams}`;
      throw new Fault('exhausted', 'JOURNAL_FULL', message);
    }
    this.#count += 1;
    this.#made += 1;
    if (this.#count >= Math.max(this.maxStreams * SCARCE_SHARE, this.#warnedAt + this.maxStreams / 100)) {
      this.#warnedAt = this.#count;
      this.onScarce(this.#count, this.maxStreams);
    }
  }

  async #recount(): Promise<void> {
    const made = this.#made;
    const { streams } = await this.link.ask(() => this.link.manager.getAccountInfo());
    // Those made while the server counted may or may not be in its count: rather too many than too few.
    this.#count = streams + this.#made - made;
    this.#countedAt = performance.now();
  }
}
