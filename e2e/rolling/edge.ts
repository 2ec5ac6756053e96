import { Agent, request as httpRequest } from 'node:http';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { framed, readFrames } from '../../mesh/envoy/testing/grpc-web.js';
import { failureOf } from '../testing/contract-clients.js';

/** What one attempt came to. */
export type Answer =
  | { readonly kind: 'answered'; readonly body: unknown }
  /** By the domain, with the API's own words. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** Not answered, or UNAVAILABLE: a client may repeat it with the same request id. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** Not answered in time. */
  | { readonly kind: 'late'; readonly reason: string }
  /** What no client should get. */
  | { readonly kind: 'wrong'; readonly reason: string };

/** A generated method, unary or not. */
export interface Method {
  readonly path: string;
  readonly requestSerialize: (request: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** What goes with a gRPC call besides its request. */
export interface CallSettings {
  readonly timeoutMs: number;
  /** For Envoy, to find the thread's owner. */
  readonly threadId?: string | undefined;
}

/** A call of the older REST API. */
export interface RestCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const rejections: ReadonlySet<status> = new Set([
  ...[status.NOT_FOUND, status.PERMISSION_DENIED, status.FAILED_PRECONDITION, status.ALREADY_EXISTS],
]);
/** grpc-js says so of a broken connection, but then without a reason of ours. */
const brokenTransport: ReadonlySet<status> = new Set([status.INTERNAL, status.UNKNOWN, status.CANCELLED]);
/** The read model may be there a moment later. */
const BEHIND = 'READ_MODEL_BEHIND';
/** Envoy takes a hundred calls at once on a connection. */
const CONNECTIONS = 3;

/** A client of one Envoy that speaks gRPC, gRPC-Web and REST to it, and does not repeat anything by itself. */
export class Edge {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 16 });
  readonly #clients: readonly Client[];
  #turn = 0;

  /** @param authority `host:port` */
  constructor(readonly authority: string) {
    this.#clients = Array.from(
      { length: CONNECTIONS },
      (_, index) =>
        new Client(authority, credentials.createInsecure(), {
          // Each a connection of its own, which comes back as soon as Envoy does.
          'grpc.use_local_subchannel_pool': 1,
          'grpc.primary_user_agent': `soak-${index}`,
          'grpc.initial_reconnect_backoff_ms': 50,
          'grpc.max_reconnect_backoff_ms': 500,
        }),
    );
  }

  /** Whether Envoy says that calls may come. */
  async isOpen(): Promise<boolean> {
    const answer = await this.#http({ method: 'GET', path: '/healthz' }, 1_000).catch(() => undefined);
    return answer?.status === 200;
  }

  /** A unary call by gRPC. Never throws. */
  grpc(method: Method, request: object, settings: CallSettings): Promise<Answer> {
    const deadline = Date.now() + settings.timeoutMs;
    return new Promise((resolve) => {
      this.client.makeUnaryRequest(
        method.path,
        method.requestSerialize as (request: object) => Buffer,
        method.responseDeserialize,
        request,
        metadataFor(settings.threadId),
        { deadline },
        (error, body) => resolve(error === null ? { kind: 'answered', body } : answerOfFailure(error)),
      );
    });
  }

  /** One of its connections, in turn. */
  get client(): Client {
    this.#turn += 1;
    return this.#clients[this.#turn % this.#clients.length] as Client;
  }

  /** The same by gRPC-Web (application/grpc-web+proto), as browsers' clients do. Never throws. */
  async grpcWeb(method: Method, request: object, { timeoutMs, threadId }: CallSettings): Promise<Answer> {
    const headers = {
      'content-type': 'application/grpc-web+proto',
      'x-grpc-web': '1',
      'grpc-timeout': `${Math.ceil(timeoutMs)}m`,
      ...(threadId === undefined ? {} : { 'x-thread-id': threadId }),
    };
    try {
      const body = framed(method.requestSerialize(request as never));
      const call = { method: 'POST', path: method.path, body, headers } as const;
      const answer = await this.#http(call, timeoutMs);
      return answerOfFrames(answer, method);
    } catch (error) {
      return { kind: 'unavailable', reason: String(error) };
    }
  }

  /** A call of the older REST API. Never throws. */
  async rest({ method, path, body, headers }: RestCall, timeoutMs: number): Promise<Answer> {
    try {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const sent = { 'content-type': 'application/json', ...headers };
      const answer = await this.#http({ method, path, body: bytes, headers: sent }, timeoutMs);
      const { status: code } = answer;
      const text = answer.bytes.toString();
      if (code === 502 || code === 503 || code === 504) return { kind: 'unavailable', reason: `${code} ${text}` };
      if (code === 403 || code === 404) return { kind: 'rejected', reason: `${code} ${text}` };
      if (code !== 200) return { kind: 'wrong', reason: `${code} ${text}` };
      const json = JSON.parse(text) as { readonly error_messages?: readonly string[] };
      const [error] = json.error_messages ?? [];
      if (error !== undefined) return { kind: 'rejected', reason: error };
      const version = answer.headers['x-thread-version'];
      return { kind: 'answered', body: version === undefined ? json : { ...json, version: BigInt(String(version)) } };
    } catch (error) {
      return { kind: 'unavailable', reason: String(error) };
    }
  }

  close(): void {
    for (const client of this.#clients) client.close();
    this.#agent.destroy();
  }

  #http(call: HttpCall, timeoutMs: number): Promise<HttpAnswer> {
    const [host, port] = this.authority.split(':');
    const { method, path, body, headers } = call;
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host, port, method, path, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('close', () => {
          clearTimeout(timer);
          if (!response.complete) return reject(new Error('the answer broke off'));
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) });
        });
      });
      const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.end(body);
    });
  }
}

interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Buffer | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly bytes: Buffer;
}

/** Metadata that names the thread, where there is one. */
export function metadataFor(threadId: string | undefined): Metadata {
  const metadata = new Metadata();
  if (threadId !== undefined) metadata.set('x-thread-id', threadId);
  return metadata;
}

function answerOfFailure(error: ServiceError): Promise<Answer> {
  return failureOf(Promise.reject(error)).then(({ code, message, reason }) =>
    answerOfStatus(code, `${status[code]} ${reason ?? ''} ${message}`, reason),
  );
}

/** @param reason of ours; undefined when the status is not from a service of ours, or one cannot see */
function answerOfStatus(code: status, text: string, reason: string | undefined): Answer {
  if (rejections.has(code) && reason !== undefined) return { kind: 'rejected', reason };
  const isLost = brokenTransport.has(code) && reason === undefined;
  if (code === status.UNAVAILABLE || isLost || reason === BEHIND) return { kind: 'unavailable', reason: text };
  return { kind: code === status.DEADLINE_EXCEEDED ? 'late' : 'wrong', reason: text };
}

/** The message's frame, then that of the trailers; an error may come in the headers alone. */
function answerOfFrames({ status: httpStatus, headers, bytes }: HttpAnswer, method: Method): Answer {
  const { message, trailers } = readFrames(bytes);
  const valueOf = (name: string): string | undefined => trailers.get(name) ?? headers[name]?.toString();
  const code = Number(valueOf('grpc-status') ?? NaN);
  if (code === 0 && message !== undefined) return { kind: 'answered', body: method.responseDeserialize(message) };
  if (Number.isNaN(code)) {
    const reason = `HTTP ${httpStatus} without a gRPC status`;
    return { kind: httpStatus >= 500 ? 'unavailable' : 'wrong', reason };
  }
  return answerOfStatus(
    code,
    `${status[code]} ${decodeURIComponent(valueOf('grpc-message') ?? '')}`,
    reasonIn(valueOf('grpc-status-details-bin')),
  );
}

function reasonIn(details: string | undefined): string | undefined {
  if (details === undefined) return undefined;
  const { details: all } = Status.decode(Buffer.from(details, 'base64'));
  const info = all.find(({ typeUrl }) => typeUrl === 'type.googleapis.com/google.rpc.ErrorInfo');
  return info === undefined ? undefined : ErrorInfo.decode(info.value).reason;
}
