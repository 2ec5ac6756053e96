import { credentials, type ChannelOptions, type ChannelCredentials } from '@grpc/grpc-js';
import {
  ThreadCommandServiceClient,
  type AddMessagesResponse,
  type CreateThreadResponse,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { closedLoop } from '../support/load.js';

type ClientClass<Client> = new (address: string, credential: ChannelCredentials, options: ChannelOptions) => Client;

/** Clients on connections of their own, in turn to each address: one connection would be the limit of a fast server. */
export function openClients(addresses: readonly string[], channels: number): ThreadCommandServiceClient[] {
  return openClientsOf(ThreadCommandServiceClient, addresses, channels);
}

/** The same of another service. */
export function openClientsOf<Client>(
  service: ClientClass<Client>,
  addresses: readonly string[],
  channels: number,
): Client[] {
  return Array.from(
    { length: Math.max(channels, addresses.length) },
    // Otherwise all channels to one address share one connection.
    (_, index) =>
      new service(of(addresses, index), credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
  );
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

/** Who sends which request. */
export interface Sender {
  readonly requestId: string;
  readonly accountId: string;
}

/** Posts a message. @param text @default 100 characters */
export function postMessage(
  client: ThreadCommandServiceClient,
  request: Sender & { readonly threadId: string },
  text = TEXT,
): Promise<AddMessagesResponse> {
  const messages = [{ text, toAccountIds: [] }];
  return called((answer) => client.addMessages({ ...request, messages }, answer));
}

/** Creates a thread whose only administrator and member is the sender. @returns its id */
export async function createThread(
  client: ThreadCommandServiceClient,
  { requestId, accountId }: Sender,
): Promise<string> {
  const request = { requestId, accountId, title: 'bench', administratorIds: [accountId], memberIds: [accountId] };
  const { threadId } = await called<CreateThreadResponse>((answer) => client.createThread(request, answer));
  return threadId;
}

/** Creates so many, some at a time. @param run makes the request ids, which nobody has used. @returns their ids */
export async function createThreads(
  clients: readonly ThreadCommandServiceClient[],
  count: number,
  { accountId, run }: { readonly accountId: string; readonly run: string },
): Promise<string[]> {
  const ids: string[] = [];
  const { failed, firstError } = await closedLoop({ count, inFlight: 32 }, async (lane, turn) => {
    ids.push(await createThread(of(clients, lane), { requestId: `${run}-${lane}-${turn}`, accountId }));
  });
  if (failed > 0) throw new Error(`${failed} threads were not created: ${firstError}`);
  return ids;
}

export function of<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new Error('none');
  return item;
}
