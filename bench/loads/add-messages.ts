import { ulid } from 'ulid';
import type {
  AddMessagesResponse,
  CreateThreadResponse,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { closedLoop, type Load } from '../support/load.js';
import { called, of, openClients } from './thread-clients.js';

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
  const account = ulid();
  const text = 'x'.repeat(textLength);
  const run = ulid();
  let ids: string[] = [];
  let creations = 0;
  const createThreads = async (): Promise<void> => {
    ids = [];
    const batch = creations++;
    const created = await closedLoop({ count: threads, inFlight: 32 }, async (lane, turn) => {
      const request = {
        requestId: `${run}-create-${batch}-${lane}-${turn}`,
        accountId: account,
        title: 'bench',
        administratorIds: [account],
        memberIds: [account],
      };
      const { threadId } = await called<CreateThreadResponse>((answer) =>
        of(clients, lane).createThread(request, answer),
      );
      ids.push(threadId);
    });
    if (created.failed > 0) throw new Error(`${created.failed} threads were not created: ${created.firstError}`);
  };
  await createThreads();
  let rounds = 0;
  return {
    async round(order) {
      const round = rounds++;
      if (freshEachRound && round > 0) await createThreads();
      return closedLoop(order, (lane, turn) => {
        // Threads are dealt to the lanes, so that no lane waits for another's commit.
        const thread =
          threads < order.inFlight ? lane : lane + order.inFlight * (turn % Math.floor(threads / order.inFlight));
        const request = {
          requestId: `${run}-${round}-${lane}-${turn}`,
          accountId: account,
          threadId: of(ids, thread),
          messages: [{ text, toAccountIds: [] }],
        };
        return called<AddMessagesResponse>((answer) => of(clients, lane).addMessages(request, answer));
      });
    },
    close: () => clients.forEach((client) => client.close()),
  };
}
