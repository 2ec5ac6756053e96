import { ulid } from 'ulid';
import { HttpClient } from '../../load/transports/http-client.js';
import { closedLoop, type Load } from '../support/load.js';
import type { SeenThread } from '../support/read-model.js';
import { of } from './thread-clients.js';

export interface RestCallsOptions {
  /** Of Envoy. */
  readonly url: string;
  /** `get`: threads of the read model are asked for; `add`: messages are added to threads that are created first. */
  readonly kind: 'get' | 'add';
  /** For `get`. @default none */
  readonly threads?: readonly SeenThread[];
  /** For `add`: so many. @default 200 */
  readonly created?: number;
}

/** So long a call may take, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** The older REST calls over HTTP/1.1, on connections that stay. */
export async function open({ url, kind, threads = [], created = 200 }: RestCallsOptions): Promise<Load> {
  const http = new HttpClient(url);
  const headers = { 'content-type': 'application/json' };
  const ask = async (method: 'GET' | 'POST', path: string, body?: string): Promise<string> => {
    const answer = await http.send(method, path, body === undefined ? {} : headers, body, Date.now() + TIMEOUT_MS);
    const text = answer.body.toString();
    if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
    return text;
  };
  const close = (): Promise<void> => http.close();
  if (kind === 'get') {
    return {
      close,
      round: (order) =>
        closedLoop(order, async (lane, turn) => {
          const { threadId, accountId } = of(threads, lane + order.inFlight * turn);
          const text = await ask('GET', `/v1/threads/${threadId}?account_id=${accountId}`);
          if (!text.includes(threadId)) throw new Error('another thread was answered');
        }),
    };
  }
  const accountId = ulid();
  const create = JSON.stringify({
    accountId,
    title: 'bench',
    administratorIds: [accountId],
    memberIds: [accountId],
    createAt: Date.now(),
  });
  const ids: string[] = [];
  const creating = await closedLoop({ count: created, inFlight: 8 }, async () => {
    ids.push((JSON.parse(await ask('POST', '/v1/threads/create', create)) as { threadId: string }).threadId);
  });
  if (creating.failed > 0) throw new Error(`${creating.failed} threads were not created: ${creating.firstError}`);
  const message = { senderId: accountId, text: 'x'.repeat(100), toAccountIds: [], createAt: Date.now() };
  const add = JSON.stringify({ accountId, messages: [message], createAt: Date.now() });
  return {
    close,
    round: (order) =>
      closedLoop(order, async (lane, turn) => {
        // Threads are dealt to the lanes: the bare server takes one message of a thread at a time.
        const id = of(ids, lane + order.inFlight * (turn % Math.max(1, Math.floor(created / order.inFlight))));
        const text = await ask('POST', `/v1/threads/${id}/messages/add`, add);
        if (!text.includes('message_ids') && !text.includes('messageIds')) throw new Error(text);
      }),
  };
}
