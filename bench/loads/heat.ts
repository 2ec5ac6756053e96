import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ulid } from 'ulid';
import { atRandom } from '../support/open-loop.js';
import { of, openClients, postMessage } from './thread-clients.js';

export interface HeatOptions {
  readonly addresses: readonly string[];
  readonly channels: number;
  readonly account: string;
}

export interface HeatOrder {
  /** Calls a second at random moments; `Infinity` for as many as are answered, one after another in `inFlight` lanes. */
  readonly perSecond: number;
  /** So many at once, at most; of what comes beyond, each waits for one to be answered. */
  readonly inFlight: number;
  readonly threadIds: readonly string[];
  /** So many calls to a thread before the next one gets them; 1 for each thread in turn. */
  readonly inARow: number;
}

export interface HeatReport {
  readonly answered: number;
  readonly failed: number;
  readonly firstError: string | undefined;
  readonly elapsedMs: number;
}

/**
 * Calls from a thread of their own: whoever heats a thread is another client than those whose latency is measured, and
 * neither its work nor its collections of garbage stop theirs.
 */
export class Heat {
  readonly #worker: Worker;

  constructor(options: HeatOptions) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: options });
  }

  begin(order: HeatOrder): void {
    this.#worker.postMessage(order);
  }

  /** Ends what was begun. Settles when all of it is answered. */
  async end(): Promise<HeatReport> {
    const reported = once(this.#worker, 'message');
    this.#worker.postMessage('end');
    const [report] = (await reported) as [HeatReport];
    return report;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** @returns ends it */
function heat(options: HeatOptions): (order: HeatOrder) => () => Promise<HeatReport> {
  const clients = openClients(options.addresses, options.channels);
  const run = ulid();
  let requests = 0;
  return ({ perSecond, inFlight, threadIds, inARow }) => {
    const startedAt = performance.now();
    let isOver = false;
    let [begun, answered, failed] = [0, 0, 0];
    let firstError: string | undefined;
    const post = async (lane: number): Promise<void> => {
      const threadId = of(threadIds, Math.floor(begun++ / inARow));
      try {
        await postMessage(of(clients, lane), {
          requestId: `${run}-${requests++}`,
          accountId: options.account,
          threadId,
        });
        answered += 1;
      } catch (error) {
        failed += 1;
        firstError ??= String(error);
      }
    };
    const inTurn = async (lane: number): Promise<void> => {
      while (!isOver) await post(lane);
    };
    const atRandomMoments = async (): Promise<void> => {
      const underWay = new Set<Promise<void>>();
      await atRandom(
        perSecond,
        () => isOver,
        async (index) => {
          while (underWay.size >= inFlight) await Promise.race(underWay);
          const posted = post(index).finally(() => underWay.delete(posted));
          underWay.add(posted);
        },
      );
      await Promise.all(underWay);
    };
    const heating =
      perSecond === Infinity
        ? Promise.all(Array.from({ length: inFlight }, (_, lane) => inTurn(lane)))
        : atRandomMoments();
    return async () => {
      const elapsedMs = performance.now() - startedAt;
      const atTheEnd = answered;
      isOver = true;
      await heating;
      return { answered: atTheEnd, failed, firstError, elapsedMs };
    };
  };
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const begin = heat(workerData as HeatOptions);
  let end: (() => Promise<HeatReport>) | undefined;
  port.on('message', (order: HeatOrder | 'end') => {
    if (order !== 'end') end = begin(order);
    else void end?.().then((report) => port.postMessage(report));
  });
}
