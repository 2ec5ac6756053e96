import { ulid } from 'ulid';
import { closedLoop, type Load } from '../support/load.js';
import { createThreads, of, openClients, postMessage } from './thread-clients.js';

export interface AddMessagesOptions {
  /** `host:port` of each server; connections are spread over them. */
  readonly addresses: readonly string[];
  /** So many threads are created, when the load is opened, and written to in turn. */
  readonly threads: number;
  /** Makes them anew before each round, which is not measured. @default false */
  readonly freshEachRound?: boolean;
  /** So many connections. @default 4 */
  readonly channels?: number;
  /** Characters of a message. @default 100 */
  readonly textLength?: number;
}

/** AddMessages, one message each, to threads of its own. With several threads, a thread's calls come one after another. */
export async function open({
  addresses,
  threads,
  freshEachRound = false,
  channels = 4,
  textLength = 100,
}: AddMessagesOptions): Promise<Load> {
  const clients = openClients(addresses, channels);
  const accountId = ulid();
  const text = 'x'.repeat(textLength);
  const run = ulid();
  let creations = 0;
  const create = (): Promise<string[]> =>
    createThreads(clients, threads, { accountId, run: `${run}-create-${creations++}` });
  let ids = await create();
  let rounds = 0;
  return {
    async round(order) {
      const round = rounds++;
      if (freshEachRound && round > 0) ids = await create();
      return closedLoop(order, (lane, turn) => {
        // Threads are dealt to the lanes, so that no lane waits for another's commit.
        const thread =
          threads < order.inFlight ? lane : lane + order.inFlight * (turn % Math.floor(threads / order.inFlight));
        const requestId = `${run}-${round}-${lane}-${turn}`;
        return postMessage(of(clients, lane), { requestId, accountId, threadId: of(ids, thread) }, text);
      });
    },
    close: () => clients.forEach((client) => client.close()),
  };
}
