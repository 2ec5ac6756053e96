import { ulid } from 'ulid';
import { percentiles, type Load } from '../support/load.js';
import { atRandom } from '../support/open-loop.js';
import { Heat } from './heat.js';
import { createThreads, of, openClients, postMessage } from './thread-clients.js';

export interface HotAndOthersOptions {
  readonly addresses: readonly string[];
  /** So many threads besides the hot one. */
  readonly others: number;
  /** Calls a second to all of these together, at random moments whether or not earlier ones are answered. */
  readonly othersPerSecond: number;
  /**
   * Calls to the hot thread: so many a second at random moments; `Infinity` for as many as it takes, one after another in
   * `hotInFlight` lanes; 0 for none.
   */
  readonly hotPerSecond: number;
  /** So many threads share these calls, to tell what the load does from what its heat does. @default 1 */
  readonly hotThreads?: number;
  /** So many calls to the hot thread at once, at most; of what comes beyond, each waits for one to be answered. */
  readonly hotInFlight: number;
  /** So many connections for each of the two. @default 2 */
  readonly channels?: number;
}

/** A thread holds 5,000 messages: before, the next one becomes the hot one. */
const MOST_OF_ONE_THREAD = 4_800;
const HOT_IN_TURN = 5;

/**
 * One hot thread beside many others. What is reported is of the others, whose latency counts from the moment at which a
 * call was due (so that a slow client hides nothing); `extra` tells of the hot thread.
 */
export async function open(options: HotAndOthersOptions): Promise<Load> {
  const { addresses, others, othersPerSecond, hotPerSecond, hotThreads = 1, hotInFlight, channels = 2 } = options;
  const clients = openClients(addresses, channels);
  const accountId = ulid();
  const run = ulid();
  let requests = 0;
  const create = (count: number): Promise<string[]> =>
    createThreads(clients, count, { accountId, run: `${run}-create-${requests++}` });
  const ids = await create(others);
  let hotIds = await create(hotThreads);
  const heat = hotPerSecond > 0 ? new Heat({ addresses, channels, account: accountId }) : undefined;

  return {
    async round({ count }) {
      // A thread holds only so many messages.
      if (hotThreads === 1) hotIds = await create(HOT_IN_TURN);
      const samples = new Float64Array(count);
      let [answered, failed] = [0, 0];
      let firstError: string | undefined;
      heat?.begin({
        perSecond: hotPerSecond,
        inFlight: hotInFlight,
        threadIds: hotIds,
        inARow: hotThreads === 1 ? MOST_OF_ONE_THREAD : 1,
      });
      const startedAt = performance.now();
      const calls: Promise<void>[] = [];
      await atRandom(
        othersPerSecond,
        () => calls.length >= count,
        async (index, dueAt) => {
          calls.push(
            postMessage(of(clients, index), {
              requestId: `${run}-${requests++}`,
              accountId,
              threadId: of(ids, index),
            }).then(
              () => {
                samples[answered++] = performance.now() - dueAt;
              },
              (error: unknown) => {
                failed += 1;
                firstError ??= String(error);
              },
            ),
          );
        },
      );
      await Promise.all(calls);
      const elapsedMs = performance.now() - startedAt;
      const heated = await heat?.end();
      const summary = percentiles(samples.subarray(0, answered));
      return {
        count: answered,
        failed: failed + (heated?.failed ?? 0),
        firstError: firstError ?? heated?.firstError,
        elapsedMs,
        ...summary,
        extra: { hotPerSecond: heated === undefined ? 0 : (1_000 * heated.answered) / heated.elapsedMs },
      };
    },
    async close() {
      for (const client of clients) client.close();
      await heat?.close();
    },
  };
}
