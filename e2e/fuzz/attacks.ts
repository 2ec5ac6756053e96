import { setTimeout as delay } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { AddMessagesRequest } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { ListMessagesRequest } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import { WatchThreadRequest } from '../../gen/threadweaver/thread/v1/thread_watch.js';
import type { CarefulClient } from './careful-client.js';
import { callHeaders, h2Frame, PREFACE, settings, types } from './http2-cases.js';
import { frame, Http2Client } from './http2-client.js';
import { openSocket } from './raw-http.js';
import { COMMANDS, QUERIES, type Scene } from './scene.js';

export interface AttackContext {
  readonly port: number;
  readonly scene: Scene;
  readonly careful: CarefulClient;
  /** Of connections, streams and bytes: all of what was seen to do harm, or as much as a test has time for. */
  readonly isFull: boolean;
}

const STREAMS = 100;
const END_HEADERS = 4;
const FIRST_WINDOW = 4;
/** So many answers of the careful client while an attack lasts. */
const ANSWERS = 25;

/**
 * What one client, from 127.0.0.1, may try: none may cost the careful client, from 127.0.0.2, a single answer. Each holds
 * what it has taken until that one has seen it, and lets go of it then.
 */
export const attacks: Readonly<Record<string, (context: AttackContext) => Promise<void>>> = {
  'watchers that do not read': async (context) => {
    const threadId = await fillThread(context);
    const [accountId] = context.scene.accounts;
    const watch = WatchThreadRequest.encode(WatchThreadRequest.fromPartial({ accountId, threadId })).finish();
    const list = ListMessagesRequest.encode(
      ListMessagesRequest.fromPartial({ accountId, threadId, pageSize: 1_000 }),
    ).finish();
    await holding(context, [
      streams(context, 24, `${QUERIES}/WatchThread`, frame(watch), [[FIRST_WINDOW, 0]]),
      streams(context, 30, `${QUERIES}/ListMessages`, frame(list), [[FIRST_WINDOW, 0]]),
      // Windows that fit, on a socket that nobody reads.
      streams(context, 24, `${QUERIES}/WatchThread`, frame(watch), [[FIRST_WINDOW, 2 ** 20]]).pause(),
      ...Array.from({ length: 25 }, () => {
        const socket = openSocket(context.port).pause();
        socket.write(
          `GET /v1/threads/${threadId}/events?account_id=${accountId} HTTP/1.1\r\nhost: mesh\r\n${context.scene.identityLines}\r\n`,
        );
        return socket;
      }),
    ]);
  },

  'millions of empty messages': async (context) => {
    const { port, scene, careful, isFull } = context;
    const client = new Http2Client(port, undefined, scene.identity);
    const ids = AddMessagesRequest.fromPartial({ accountId: scene.accounts[0], threadId: scene.threads[0] });
    const head = AddMessagesRequest.encode(ids).finish();
    // Field 4 of the new API, 3 of the older one: messages without anything.
    const of = (tag: number): Buffer =>
      frame(Buffer.concat([head, Buffer.alloc(2 * 2_097_000, Buffer.from([tag, 0]))]));
    const json = JSON.stringify({ accountId: scene.accounts[0], messages: Array(1_000_000).fill({}) });
    const path = `/v1/threads/${scene.threads[0]}/messages/add`;
    const calls = Array.from({ length: isFull ? 4 : 1 }, () => [
      client.call(`${COMMANDS}/AddMessages`, of(0x22)),
      client.call('/thread.ThreadCommandService/AddMessages', of(0x1a)),
      client.call(path, Buffer.from(json), { headers: { 'content-type': 'application/json' } }),
    ]);
    await Promise.all([...calls.flat(), careful.untilAnswered(ANSWERS)]);
    client.close();
  },

  'silent connections': (context) =>
    holding(
      context,
      Array.from({ length: context.isFull ? 3_000 : 300 }, (_, index) => {
        const socket = openSocket(context.port);
        if (index % 3 === 1) socket.write('GET /v1/threads HTTP/1.1\r\nhost: me');
        if (index % 3 === 2)
          socket.write(
            Buffer.concat([PREFACE, settings(), h2Frame(types.headers, 0, 1, callHeaders(`${QUERIES}/GetThread`))]),
          );
        return socket;
      }),
    ),

  'bodies that do not end': (context) => {
    const { port, isFull, scene } = context;
    const bytes = Buffer.alloc(isFull ? 4 * 1024 * 1024 - 1_000 : 256 * 1024, 0x20);
    return holding(
      context,
      Array.from({ length: isFull ? 270 : 20 }, () => {
        const socket = openSocket(port);
        socket.write(
          `POST /v1/threads/${scene.threads[0]}/messages/add HTTP/1.1\r\nhost: mesh\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length + 1}\r\n${scene.identityLines}\r\n`,
        );
        socket.write(bytes);
        return socket;
      }),
    );
  },

  'many watches': (context) => {
    const { isFull, scene } = context;
    const request = { accountId: scene.accounts[0], threadId: scene.threads[0] as string };
    const watch = frame(WatchThreadRequest.encode(WatchThreadRequest.fromPartial(request)).finish());
    const connections = isFull ? 50 : 3;
    return holding(
      context,
      Array.from({ length: connections }, () => streams(context, STREAMS, `${QUERIES}/WatchThread`, watch)),
    );
  },

  'calls that do not end': (context) =>
    holding(
      context,
      Array.from({ length: context.isFull ? 102 : 6 }, (_, index) =>
        streams(context, STREAMS, `${QUERIES}/${index % 2 === 0 ? 'WatchThread' : 'GetThread'}`, undefined),
      ),
    ),

  'a flood of queries': async ({ port, scene, careful, isFull }) => {
    const clients = Array.from({ length: 8 }, () => new Http2Client(port, undefined, scene.identity));
    const request = { accountId: scene.accounts[0], threadId: scene.threads[0] as string };
    const list = frame(ListMessagesRequest.encode(ListMessagesRequest.fromPartial(request)).finish());
    let left = isFull ? 10_000 : 600;
    const flood = Array.from({ length: 400 }, async (_, index) => {
      while ((left -= 1) >= 0) await clients[index % clients.length]?.call(`${QUERIES}/ListMessages`, list);
    });
    await Promise.all([...flood, careful.untilAnswered(ANSWERS)]);
    for (const client of clients) client.close();
  },

  'calls that are reset at once': async (context) => {
    const reset = Buffer.from([0, 0, 0, 8]);
    const headers = callHeaders(`${QUERIES}/GetThread`);
    const flood = Array.from({ length: 2_000 }, (_, index) =>
      Buffer.concat([
        h2Frame(types.headers, END_HEADERS, 2 * index + 1, headers),
        h2Frame(types.reset, 0, 2 * index + 1, reset),
      ]),
    );
    await holding(
      context,
      Array.from({ length: context.isFull ? 50 : 10 }, () => {
        const socket = openSocket(context.port);
        socket.write(Buffer.concat([PREFACE, settings(), ...flood]));
        return socket.resume();
      }),
    );
  },
};

/** Keeps connections, and lets go of them once the careful client has had its answers, failed or not. */
async function holding({ careful }: AttackContext, sockets: readonly Socket[]): Promise<void> {
  // What they have sent has to arrive first.
  await delay(200);
  await careful.untilAnswered(ANSWERS);
  for (const socket of sockets) socket.destroy();
}

/** Calls of one method on a connection of their own; without a `body` they are begun only. */
function streams(
  { port, scene }: AttackContext,
  count: number,
  path: string,
  body: Buffer | undefined,
  values: readonly (readonly [number, number])[] = [],
): Socket {
  const socket = openSocket(port);
  const headers = callHeaders(path, Object.entries(scene.identity()));
  const calls = Array.from({ length: count }, (_, index) => {
    const stream = 2 * index + 1;
    const opened = h2Frame(types.headers, END_HEADERS, stream, headers);
    return body === undefined ? opened : Buffer.concat([opened, h2Frame(types.data, 1, stream, body)]);
  });
  socket.write(Buffer.concat([PREFACE, settings(values), ...calls]));
  return socket;
}

/** Some MB into a thread of the scene. */
async function fillThread({ port, scene }: AttackContext): Promise<string> {
  const [accountId] = scene.accounts;
  const threadId = scene.threads[1] as string;
  const messages = Array.from({ length: 600 }, () => ({ text: '😀'.repeat(255) }));
  const request = frame(
    AddMessagesRequest.encode(AddMessagesRequest.fromPartial({ accountId, threadId, messages })).finish(),
  );
  const client = new Http2Client(port, undefined, scene.identity);
  // Three of these, or as many as a thread takes.
  for (let count = 0; count < 3; count += 1) await client.call(`${COMMANDS}/AddMessages`, request);
  client.close();
  scene.notKnown();
  scene.notKnown();
  scene.notKnown();
  return threadId;
}
