import { Fault } from '../kernel/fault.js';

export interface FairQueueOptions {
  /** So much work goes on at once. */
  readonly maxRunning: number;
  /** So much of one client may wait. @default 1000 */
  readonly maxWaitingPerClient?: number | undefined;
  /** So much may wait in all: of more, the latest of whoever has most waiting is refused. @default Infinity */
  readonly maxWaiting?: number;
  /** Of a client that has more waiting, what has waited longer is refused, in milliseconds. @default 1500 */
  readonly maxWaitMs?: number;
}

interface Waiting {
  readonly since: number;
  readonly start: () => void;
  readonly refuse: (fault: Fault) => void;
}

/**
 * Work of many clients, so much at once. While there is more, clients take turns, so that one who asks for a lot waits
 * for itself and not the others for it. What is refused is not worth a repeat at once: that would be more of the same.
 */
export class FairQueue {
  readonly #options: { readonly [Name in keyof FairQueueOptions]-?: number };
  /** In the order of their turns. */
  readonly #clients = new Map<string, Waiting[]>();
  #running = 0;
  #waiting = 0;

  constructor(options: FairQueueOptions) {
    const { maxRunning, maxWaitingPerClient = 1_000, maxWaiting = Infinity, maxWaitMs = 1_500 } = options;
    this.#options = { maxRunning, maxWaitingPerClient, maxWaiting, maxWaitMs };
  }

  /** How much waits for its turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Does the work when it is the client's turn.
   * @throws Fault kind `exhausted`, reason OVERLOADED: too much of this client waits, and has waited too long; or too much in
   *   all, and of no other client more
   */
  async run<T>(client: string, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.maxRunning) this.#running += 1;
    else await this.#turn(client);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#startNext();
    }
  }

  #turn(client: string): Promise<void> {
    const queue = this.#clients.get(client) ?? [];
    if (queue.length >= this.#options.maxWaitingPerClient) return Promise.reject(overloaded(' of this client'));
    if (this.#waiting >= this.#options.maxWaiting && !this.#makeRoom(queue.length)) return Promise.reject(overloaded());
    this.#clients.set(client, queue);
    this.#waiting += 1;
    return new Promise((resolve, reject) => queue.push({ since: performance.now(), start: resolve, refuse: reject }));
  }

  /** Refuses the latest of whoever has most waiting, if that is more than a newcomer has. @returns whether there was one */
  #makeRoom(newcomerHas: number): boolean {
    let longest: Waiting[] = [];
    for (const queue of this.#clients.values()) if (queue.length > longest.length) longest = queue;
    if (longest.length <= newcomerHas + 1) return false;
    this.#waiting -= 1;
    longest.pop()?.refuse(overloaded());
    return true;
  }

  #startNext(): void {
    for (const [client, queue] of this.#clients) {
      // Its next turn comes after everybody else's.
      this.#clients.delete(client);
      const next = this.#firstInTime(queue);
      if (queue.length > 0) this.#clients.set(client, queue);
      if (next === undefined) continue;
      this.#running += 1;
      return next.start();
    }
  }

  #firstInTime(queue: Waiting[]): Waiting | undefined {
    const oldest = performance.now() - this.#options.maxWaitMs;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      this.#waiting -= 1;
      // The last one is never too much.
      if (next.since >= oldest || queue.length === 0) return next;
      next.refuse(overloaded(' of this client'));
    }
    return undefined;
  }
}

/** @param whose @default everybody's */
function overloaded(whose = ''): Fault {
  return new Fault('exhausted', 'OVERLOADED', `too many requests${whose} wait here already, try again later`);
}
