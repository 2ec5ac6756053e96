import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelCredentials, Client, credentials, Metadata, status } from '@grpc/grpc-js';

/** How a call ended. */
export interface Outcome {
  readonly code: status;
  readonly details: string;
}

/** What a call carries. */
export interface CallOptions {
  /** @default empty */
  readonly request?: Buffer;
  readonly metadata?: Readonly<Record<string, string>>;
  /** @default plain text */
  readonly as?: ChannelCredentials;
  /** @default 30_000 */
  readonly deadlineMs?: number;
}

/** Paths of the API, one of each kind. */
export const rpc = {
  create: '/threadweaver.thread.v1.ThreadCommandService/CreateThread',
  add: '/threadweaver.thread.v1.ThreadCommandService/AddMessages',
  getThread: '/threadweaver.thread.v1.ThreadQueryService/GetThread',
  watch: '/threadweaver.thread.v1.ThreadQueryService/WatchThread',
  health: '/grpc.health.v1.Health/Check',
} as const;

/** Makes one call with a connection of its own; every end is a value. */
export async function callRpc(address: string, path: string, options: CallOptions = {}): Promise<Outcome> {
  // Without this, grpc-js shares connections among clients, also those that were made before a policy changed.
  const client = new Client(address, options.as ?? credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
  const identity = (bytes: Buffer) => bytes;
  try {
    return await new Promise((resolve) => {
      const deadline = Date.now() + (options.deadlineMs ?? 30_000);
      client.makeUnaryRequest(
        path,
        identity,
        identity,
        options.request ?? Buffer.alloc(0),
        metadata,
        { deadline },
        (error) => resolve(error ? { code: error.code, details: error.details } : { code: status.OK, details: '' }),
      );
    });
  } finally {
    client.close();
  }
}

/** What a REST client got. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A REST call on a connection of its own: kept ones may still be served under a policy that has gone. */
export async function callRest(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; ca?: string } = {},
): Promise<RestAnswer> {
  const { method = 'GET', headers, body, ca } = options;
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers, ca, agent: false, timeout: 30_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    call.once('error', reject);
    call.once('timeout', () => call.destroy(new Error('no answer within 30 s')));
    call.end(body);
  });
}

/**
 * What a server that speaks first answers to a first word on a connection with this identity; empty when the connection
 * is closed instead. Its greeting does not count: Envoy asks its policy when the client has said something.
 */
export async function pingPong(host: string, port: number, identity: object): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ ...identity, host, port, servername: 'mesh', checkServerIdentity: () => undefined });
    let heard = '';
    const end = () => {
      socket.destroy();
      resolve(heard.replace('INFO', ''));
    };
    socket.setTimeout(5_000, end);
    socket.once('secureConnect', () => socket.write('PING'));
    socket.on('data', (data: Buffer) => {
      heard += data.toString();
      if (heard.endsWith('PONG')) end();
    });
    socket.once('error', end);
    socket.once('close', end);
  });
}

/** Asks until the answer is yes; false when the time is over. Policies take a moment to reach the proxies. */
export async function eventually(ask: () => Promise<boolean>, timeoutMs = 15_000): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (await ask().catch(() => false)) return true;
    await sleep(100);
  }
  return false;
}

/** Runs something `count` times, a few at once. */
export async function times(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  const indices = Array.from({ length: count }, (_, index) => index);
  const worker = async () => {
    for (let index = indices.shift(); index !== undefined; index = indices.shift()) await work(index);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/** A ULID for each number. */
export function threadId(index: number): string {
  return `01H${index
    .toString(32)
    .toUpperCase()
    .replaceAll(/[ILOU]/g, 'Z')
    .padStart(23, '0')}`;
}
