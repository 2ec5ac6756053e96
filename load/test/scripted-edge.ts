import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { ThreadCommandServiceService as commands } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import type { Protocol } from '../engine/load-options.js';

/** What becomes of a request: answered, refused in one of three ways, cut off, or never answered. */
export type Reply = 'ok' | 'exhausted' | 'unavailable' | 'broken' | 'cut' | 'silent';

const httpStatuses = { exhausted: 429, unavailable: 503, broken: 500 } as const;
const grpcStatuses = { exhausted: 8, unavailable: 14, broken: 13 } as const;
const threadId = '01VAAAAAAAAAAAAAAAAAAAAAAA';

/** An edge that answers CreateThread as it is told, on the wire of one protocol. REST's GET of a thread is always answered. */
export interface ScriptedEdge {
  readonly url: string;
  /** Of each attempt to create a thread. */
  readonly requestIds: readonly string[];
  close(): void;
}

/** @param script what becomes of the attempt with this number, from 0 on */
export async function startScriptedEdge(protocol: Protocol, script: (attempt: number) => Reply): Promise<ScriptedEdge> {
  const requestIds: string[] = [];
  const next = (requestId: string): Reply => script(requestIds.push(requestId) - 1);
  const open = new Set<{ destroy(): unknown }>();
  const server =
    protocol === 'grpc'
      ? createHttp2Server().on('stream', (stream) => void answerGrpc(stream, next))
      : createHttpServer((request, response) => {
          void answerRest(request, response, next);
        });
  server.on('connection', (socket: { destroy(): unknown }) => open.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requestIds,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

type Next = (requestId: string) => Reply;

async function answerRest(request: IncomingMessage, response: ServerResponse, next: Next): Promise<void> {
  await buffer(request);
  if (request.method === 'GET') return void response.end(JSON.stringify({ result: { id: threadId } }));
  const reply = next(String(request.headers['x-request-id']));
  if (reply === 'silent') return;
  if (reply === 'cut') return void request.socket.destroy();
  if (reply !== 'ok') return void response.writeHead(httpStatuses[reply]).end();
  response.setHeader('x-thread-version', '1');
  response.end(JSON.stringify({ threadId, error_messages: [] }));
}

async function answerGrpc(stream: ServerHttp2Stream, next: Next): Promise<void> {
  stream.on('error', () => undefined);
  const reply = next(requestIdIn(await buffer(stream)));
  if (reply === 'silent') return;
  if (reply === 'cut') return void stream.session?.destroy();
  const headers = { ':status': 200, 'content-type': 'application/grpc' };
  if (reply !== 'ok') return stream.respond({ ...headers, 'grpc-status': grpcStatuses[reply] }, { endStream: true });
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': 0 }));
  stream.end(framed(created()));
}

const created = (): Buffer => commands.createThread.responseSerialize({ threadId, version: 1n });

function requestIdIn(body: Buffer): string {
  return commands.createThread.requestDeserialize(body.subarray(5)).requestId;
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
