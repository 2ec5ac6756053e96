import { ulid } from 'ulid';
import { closedLoop, type Load } from '../support/load.js';
import { createThread, of, openClients } from './thread-clients.js';

export interface CreateThreadOptions {
  readonly addresses: readonly string[];
  /** So many connections. @default 4 */
  readonly channels?: number;
}

/** CreateThread, each by another request id. */
export async function open({ addresses, channels = 4 }: CreateThreadOptions): Promise<Load> {
  const clients = openClients(addresses, channels);
  const accountId = ulid();
  const run = ulid();
  let rounds = 0;
  return {
    round(order) {
      const round = rounds++;
      return closedLoop(order, (lane, turn) =>
        createThread(of(clients, lane), { requestId: `${run}-${round}-${lane}-${turn}`, accountId }),
      );
    },
    close: () => clients.forEach((client) => client.close()),
  };
}
