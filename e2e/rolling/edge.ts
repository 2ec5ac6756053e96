import { status, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { GrpcChannel } from '../../load/transports/grpc-channel.js';
import { GrpcThreadApi } from '../../load/transports/grpc-thread-api.js';
import { HttpClient, type HttpAnswer } from '../../load/transports/http-client.js';
import { RestThreadApi } from '../../load/transports/rest-thread-api.js';
import type { ThreadApi } from '../../load/transports/thread-api.js';
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
/** At once, to one Envoy. */
const MOST_CALLS = 240;

/** A client of one Envoy that speaks gRPC, gRPC-Web and REST to it, and does not repeat anything by itself. */
export class Edge {
  readonly #http: HttpClient;
  readonly #channel: GrpcChannel;
  /** For those who watch. */
  readonly watching: Readonly<Record<'gRPC' | 'SSE', Pick<ThreadApi, 'watchThread'>>>;

  /** @param authority `host:port` */
  constructor(authority: string) {
    const url = new URL(`http://${authority}`);
    this.#http = new HttpClient(url.origin);
    this.#channel = new GrpcChannel(url, MOST_CALLS);
    this.watching = { gRPC: new GrpcThreadApi(this.#channel), SSE: new RestThreadApi(this.#http) };
  }

  /** Whether Envoy says that calls may come. */
  async isOpen(): Promise<boolean> {
    const answer = await this.#http.send('GET', '/healthz', {}, undefined, Date.now() + 1_000).catch(() => undefined);
    return answer?.status === 200;
  }

  /** A unary call by gRPC. Never throws. */
  async grpc(method: Method, request: object, { timeoutMs, threadId }: CallSettings): Promise<Answer> {
    try {
      const deadlineAt = Date.now() + timeoutMs;
      const body = await this.#channel.call(method as MethodDefinition<object, unknown>, request, {
        deadlineAt,
        threadId,
      });
      return { kind: 'answered', body };
    } catch (error) {
      const { code, message, reason } = await failureOf(Promise.reject(error as ServiceError));
      return answerOfStatus(code, `${status[code]} ${reason ?? ''} ${message}`, reason);
    }
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
      return answerOfFrames(await this.#http.send('POST', method.path, headers, body, Date.now() + timeoutMs), method);
    } catch (error) {
      return { kind: 'unavailable', reason: String(error) };
    }
  }

  /** A call of the older REST API. Never throws. */
  async rest({ method, path, body, headers }: RestCall, timeoutMs: number): Promise<Answer> {
    try {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const sent = { 'content-type': 'application/json', ...headers };
      const answer = await this.#http.send(method, path, sent, text, Date.now() + timeoutMs);
      const { status: code } = answer;
      const said = answer.body.toString();
      if (code === 502 || code === 503 || code === 504) return { kind: 'unavailable', reason: `${code} ${said}` };
      if (code === 403 || code === 404) return { kind: 'rejected', reason: `${code} ${said}` };
      if (code !== 200) return { kind: 'wrong', reason: `${code} ${said}` };
      const json = JSON.parse(said) as { readonly error_messages?: readonly string[] };
      const [error] = json.error_messages ?? [];
      if (error !== undefined) return { kind: 'rejected', reason: error };
      const version = answer.headers['x-thread-version'];
      return { kind: 'answered', body: version === undefined ? json : { ...json, version: BigInt(String(version)) } };
    } catch (error) {
      return { kind: 'unavailable', reason: String(error) };
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#channel.close(), this.#http.close()]);
  }
}

/** @param reason of ours; undefined when the status is not from a service of ours, or one cannot see */
function answerOfStatus(code: status, text: string, reason: string | undefined): Answer {
  if (rejections.has(code) && reason !== undefined) return { kind: 'rejected', reason };
  const isLost = brokenTransport.has(code) && reason === undefined;
  if (code === status.UNAVAILABLE || isLost || reason === BEHIND) return { kind: 'unavailable', reason: text };
  return { kind: code === status.DEADLINE_EXCEEDED ? 'late' : 'wrong', reason: text };
}

/** The message's frame, then that of the trailers; an error may come in the headers alone. */
function answerOfFrames({ status: httpStatus, headers, body }: HttpAnswer, method: Method): Answer {
  const { message, trailers } = readFrames(body);
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
