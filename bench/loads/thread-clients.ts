import { credentials } from '@grpc/grpc-js';
import {
  ThreadCommandServiceClient,
  type AddMessagesResponse,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';

/** Clients on connections of their own, in turn to each address: one connection would be the limit of a fast server. */
export function openClients(addresses: readonly string[], channels: number): ThreadCommandServiceClient[] {
  return Array.from({ length: Math.max(channels, addresses.length) }, (_, index) => {
    const address = addresses[index % addresses.length] ?? '';
    return new ThreadCommandServiceClient(address, credentials.createInsecure(), {
      // Otherwise all channels to one address share one connection.
      'grpc.use_local_subchannel_pool': 1,
    });
  });
}

/** The promise of one call. */
export function called<Response>(
  call: (answer: (error: Error | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    call((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

const TEXT = 'x'.repeat(100);

/** Posts a message of 100 characters. */
export function postMessage(
  client: ThreadCommandServiceClient,
  request: { readonly requestId: string; readonly accountId: string; readonly threadId: string },
): Promise<AddMessagesResponse> {
  const messages = [{ text: TEXT, toAccountIds: [] }];
  return called((answer) => client.addMessages({ ...request, messages }, answer));
}

export function of<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new Error('none');
  return item;
}
