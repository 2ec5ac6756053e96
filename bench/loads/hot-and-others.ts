import { ulid } from 'ulid';
import type {
  AddMessagesResponse,
  CreateThreadResponse,
} from '../../services/gen/threadweaver/thread/v1/thread_command_service.js';
import { closedLoop, percentiles, type Load } from '../support/load.js';
import { called, of, openClients } from './thread-clients.js';

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
  // Of their own: on a shared connection the client's own queue would be measured.
  const [clients, hotClients] = [openClients(addresses, channels), openClients(addresses, channels)];
  const account = ulid();
  const run = ulid();
  const text = 'x'.repeat(100);
  let requests = 0;
  const create = async (): Promise<string> => {
    const request = {
      requestId: `${run}-${requests++}`,
      accountId: account,
      title: 'bench',
      administratorIds: [account],
      memberIds: [account],
    };
    const { threadId } = await called<CreateThreadResponse>((answer) => of(clients, 0).createThread(request, answer));
    return threadId;
  };
  const post = (client: (typeof clients)[number], threadId: string): Promise<unknown> => {
    const request = {
      requestId: `${run}-${requests++}`,
      accountId: account,
      threadId,
      messages: [{ text, toAccountIds: [] }],
    };
    return called<AddMessagesResponse>((answer) => client.addMessages(request, answer));
  };
  const ids: string[] = [];
  const created = await closedLoop({ count: others, inFlight: 16 }, async () => ids.push(await create()));
  if (created.failed > 0) throw new Error(`threads were not created: ${created.firstError}`);
  const hotIds: string[] = [];
  await closedLoop({ count: hotThreads, inFlight: 16 }, async () => hotIds.push(await create()));

  return {
    async round({ count }) {
      // A thread holds only so many messages.
      if (hotThreads === 1) {
        for (let index = 0; index < HOT_IN_TURN; index += 1) hotIds[index] = await create();
      }
      let hotBegun = 0;
      const hotThread = (index: number): string =>
        hotThreads === 1 ? of(hotIds, Math.floor(hotBegun++ / MOST_OF_ONE_THREAD)) : of(hotIds, index);
      const samples = new Float64Array(count);
      let [answered, failed] = [0, 0];
      let firstError: string | undefined;
      let isOver = false;
      let hot = 0;
      const fail = (error: unknown): void => {
        failed += 1;
        firstError ??= String(error);
      };
      const heat = async (): Promise<void> => {
        if (hotPerSecond === 0) return;
        const postHot = async (index: number): Promise<void> => {
          await post(of(hotClients, index), hotThread(index)).then(() => (hot += 1), fail);
        };
        if (hotPerSecond === Infinity) {
          await Promise.all(
            Array.from({ length: hotInFlight }, async (_, lane) => {
              while (!isOver) await postHot(lane);
            }),
          );
          return;
        }
        const inFlight = new Set<Promise<void>>();
        await atRandom(
          hotPerSecond,
          () => isOver,
          async (index) => {
            while (inFlight.size >= hotInFlight) await Promise.race(inFlight);
            const posted = postHot(index).finally(() => inFlight.delete(posted));
            inFlight.add(posted);
          },
        );
        await Promise.all(inFlight);
      };
      const heating = heat();
      const startedAt = performance.now();
      const calls: Promise<void>[] = [];
      await atRandom(
        othersPerSecond,
        () => calls.length >= count,
        async (index, dueAt) => {
          calls.push(
            post(of(clients, index), of(ids, index)).then(() => {
              samples[answered++] = performance.now() - dueAt;
            }, fail),
          );
        },
      );
      await Promise.all(calls);
      const elapsedMs = performance.now() - startedAt;
      isOver = true;
      const hotPerSecondReached = (1_000 * hot) / elapsedMs;
      await heating;
      const summary = percentiles(samples.subarray(0, answered));
      return {
        count: answered,
        failed,
        firstError,
        elapsedMs,
        ...summary,
        extra: { hotPerSecond: hotPerSecondReached },
      };
    },
    close: () => [...clients, ...hotClients].forEach((client) => client.close()),
  };
}

/** Calls `work` at random moments, so many a second (exponential gaps), each with the moment at which it was due. */
async function atRandom(
  perSecond: number,
  isOver: () => boolean,
  work: (index: number, dueAt: number) => Promise<void>,
): Promise<void> {
  let dueAt = performance.now();
  for (let index = 0; !isOver(); index += 1) {
    dueAt += (-Math.log(1 - Math.random()) * 1_000) / perSecond;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    await work(index, Math.min(dueAt, performance.now()));
  }
}
