import { ulid } from 'ulid';
import type { CreateThreadResponse } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { closedLoop, type Load } from '../support/load.js';
import { called, of, openClients } from './thread-clients.js';

export interface CreateThreadOptions {
  readonly addresses: readonly string[];
  /** So many connections. @default 4 */
  readonly channels?: number;
}

/** CreateThread, each by another request id. */
export async function open({ addresses, channels = 4 }: CreateThreadOptions): Promise<Load> {
  const clients = openClients(addresses, channels);
  const account = ulid();
  const run = ulid();
  let rounds = 0;
  return {
    round(order) {
      const round = rounds++;
      return closedLoop(order, (lane, turn) => {
        const request = {
          requestId: `${run}-${round}-${lane}-${turn}`,
          accountId: account,
          title: 'bench',
          administratorIds: [account],
          memberIds: [account],
        };
        return called<CreateThreadResponse>((answer) => of(clients, lane).createThread(request, answer));
      });
    },
    close: () => clients.forEach((client) => client.close()),
  };
}
