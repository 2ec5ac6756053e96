import { Agent, request } from 'node:http';
import { ulid } from 'ulid';
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

/** The older REST calls over HTTP/1.1, on connections that stay. */
export async function open({ url, kind, threads = [], created = 200 }: RestCallsOptions): Promise<Load> {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(url);
  const ask = (method: string, path: string, body?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
      const asked = request({ agent, hostname, port, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () =>
          response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode} ${text}`)),
        );
      });
      asked.on('error', reject);
      asked.end(body);
    });
  const close = (): void => agent.destroy();
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
