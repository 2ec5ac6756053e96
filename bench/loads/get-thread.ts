import {
  ThreadQueryServiceClient,
  type GetThreadResponse,
} from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import { closedLoop, type Load } from '../support/load.js';
import type { SeenThread } from '../support/read-model.js';
import { called, of, openClientsOf } from './thread-clients.js';

export interface GetThreadOptions {
  /** `host:port` of each server; connections are spread over them. */
  readonly addresses: readonly string[];
  readonly threads: readonly SeenThread[];
  /** So many connections. @default 4 */
  readonly channels?: number;
}

/** GetThread of threads that are there, as those who see them. */
export async function open({ addresses, threads, channels = 4 }: GetThreadOptions): Promise<Load> {
  const clients = openClientsOf(ThreadQueryServiceClient, addresses, channels);
  return {
    round: (order) =>
      closedLoop(order, async (lane, turn) => {
        const asked = of(threads, lane + order.inFlight * turn);
        const { thread } = await called<GetThreadResponse>((answer) =>
          of(clients, lane).getThread({ ...asked, minVersion: 0n }, answer),
        );
        if (thread?.id !== asked.threadId) throw new Error('another thread was answered');
      }),
    close: () => clients.forEach((client) => client.close()),
  };
}
