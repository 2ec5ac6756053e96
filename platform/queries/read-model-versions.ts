import { Fault, toError } from '../kernel/fault.js';
import { steadyNow } from '../kernel/steady-clock.js';

/** An aggregate as one account sees it, or does not. */
export interface ViewedAggregate {
  readonly accountId: string;
  readonly aggregateId: string;
}

/** Asks the read model how far it is. */
export interface AggregateVersions {
  /**
   * The version of each, at its place; undefined when the account does not see such an aggregate (yet).
   * @throws Fault kind `unavailable`
   */
  versionsOf(aggregates: readonly ViewedAggregate[]): Promise<readonly (number | undefined)[]>;
}

export interface ReadModelVersionsOptions {
  /** How often a version is asked for at first; the pauses grow by half each time. @default 2 */
  readonly firstPollMs?: number;
  /** The longest pause. @default 50 */
  readonly maxPollMs?: number;
  /** So many queries may wait at once. @default 10000 */
  readonly maxWaiting?: number;
}

interface Waiter {
  readonly version: number;
  settle(outcome: boolean | Error): void;
}

/** One account's aggregate that is waited for. */
interface Awaited extends ViewedAggregate {
  readonly waiters: Set<Waiter>;
  pauseMs: number;
  /** By performance.now(). */
  dueAt: number;
}

/** So many aggregates are asked for in one statement. */
const MAX_IN_STATEMENT = 500;

/**
 * Lets queries wait until the read model has an aggregate at some version. All of a process share one poll: a statement at
 * a time for all aggregates that are due, and nothing at all while nobody waits.
 */
export class ReadModelVersions {
  readonly #awaited = new Map<string, Awaited>();
  readonly #options: Required<ReadModelVersionsOptions>;
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #isPolling = false;

  constructor(
    private readonly versions: AggregateVersions,
    options: ReadModelVersionsOptions = {},
  ) {
    this.#options = { firstPollMs: 2, maxPollMs: 50, maxWaiting: 10_000, ...options };
  }

  /** How many queries wait now. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The version that the read model has now of what the account sees; 0 of what it does not. @throws as `reached` does */
  async current(aggregate: ViewedAggregate): Promise<number> {
    return (await this.versions.versionsOf([aggregate]))[0] ?? 0;
  }

  /**
   * Of an aggregate that the account does not see, nobody learns by the answer or its time whether it is there, nor at which
   * version: it is waited for like one that is not there yet.
   *
   * @param deadline a time of steadyNow()
   * @param onAbandoned is given what to call when nobody needs the answer any more
   * @returns whether the read model has the aggregate for the account, at that version or a later one, by the deadline
   * @throws Fault kind `unavailable` the read model does not answer; kind `exhausted` too many wait
   */
  async reached(
    aggregate: ViewedAggregate,
    version: number,
    deadline: number,
    onAbandoned: (abandon: () => void) => void = () => undefined,
  ): Promise<boolean> {
    if (this.#waiting >= this.#options.maxWaiting) {
      throw new Fault('exhausted', 'TOO_MANY_WAITING', 'too many queries wait for the read model, try again later');
    }
    const key = `${aggregate.aggregateId}/${aggregate.accountId}`;
    const awaited = this.#awaited.get(key) ?? { ...aggregate, waiters: new Set(), pauseMs: 0, dueAt: 0 };
    this.#awaited.set(key, awaited);
    // Whoever comes is answered soon, however long others wait already.
    Object.assign(awaited, { pauseMs: this.#options.firstPollMs, dueAt: performance.now() });
    this.#waiting += 1;
    let timer: NodeJS.Timeout | undefined;
    try {
      const outcome = await new Promise<boolean | Error>((resolve) => {
        const waiter: Waiter = { version, settle: resolve };
        awaited.waiters.add(waiter);
        const giveUp = (): void => {
          awaited.waiters.delete(waiter);
          if (awaited.waiters.size === 0 && this.#awaited.get(key) === awaited) this.#awaited.delete(key);
          resolve(false);
        };
        timer = setTimeout(giveUp, Math.max(0, deadline - steadyNow()));
        onAbandoned(giveUp);
        this.#schedule();
      });
      if (outcome instanceof Error) throw outcome;
      return outcome;
    } finally {
      clearTimeout(timer);
      this.#waiting -= 1;
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isPolling || this.#awaited.size === 0) return;
    let dueAt = Infinity;
    for (const awaited of this.#awaited.values()) dueAt = Math.min(dueAt, awaited.dueAt);
    this.#timer = setTimeout(() => void this.#poll(), Math.max(0, dueAt - performance.now()));
  }

  async #poll(): Promise<void> {
    this.#isPolling = true;
    const now = performance.now();
    const due: [key: string, awaited: Awaited][] = [];
    for (const entry of this.#awaited) {
      if (entry[1].dueAt <= now && due.length < MAX_IN_STATEMENT) due.push(entry);
    }
    try {
      const versions = await this.versions.versionsOf(due.map(([, awaited]) => awaited));
      for (const [place, [key]] of due.entries()) this.#look(key, versions[place] ?? 0);
    } catch (error) {
      for (const [key] of due) this.#settle(key, () => toError(error));
    }
    this.#isPolling = false;
    this.#schedule();
  }

  #look(key: string, actual: number): void {
    this.#settle(key, ({ version }) => (version <= actual ? true : undefined));
    const awaited = this.#awaited.get(key);
    if (awaited === undefined) return;
    awaited.dueAt = performance.now() + awaited.pauseMs;
    awaited.pauseMs = Math.min(awaited.pauseMs * 1.5, this.#options.maxPollMs);
  }

  #settle(key: string, outcomeOf: (waiter: Waiter) => boolean | Error | undefined): void {
    const awaited = this.#awaited.get(key);
    for (const waiter of awaited?.waiters ?? []) {
      const outcome = outcomeOf(waiter);
      if (outcome === undefined) continue;
      awaited?.waiters.delete(waiter);
      waiter.settle(outcome);
    }
    if (awaited?.waiters.size === 0) this.#awaited.delete(key);
  }
}
