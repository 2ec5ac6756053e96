import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { RpcChannel } from './rpc-channel.js';
import { CallFailed } from './thread-api.js';

/** Envoy takes 100 streams at once on a connection. */
const STREAMS_OF_CONNECTION = 80;

const options: ChannelOptions = {
  // A connection each, instead of one for all clients of this process.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.keepalive_time_ms': 30_000,
};

/** Native gRPC over several connections. Calls and streams have connections of their own: streams stay long. */
export class GrpcChannel implements RpcChannel {
  readonly #calling: Connections;
  readonly #streaming: Connections;

  /** @param concurrency how many calls, and how many streams, there are at once at most */
  constructor(target: URL, concurrency: number) {
    const connections = Math.max(1, Math.ceil(concurrency / STREAMS_OF_CONNECTION));
    this.#calling = new Connections(target, connections);
    this.#streaming = new Connections(target, connections);
  }

  call<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { deadlineAt, threadId }: { readonly deadlineAt: number; readonly threadId?: string },
  ): Promise<Response> {
    const client = this.#calling.next();
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadataOf(threadId),
        { deadline: deadlineAt },
        (error, answer) => {
          if (error) reject(failureOf(error));
          else resolve(answer as Response);
        },
      );
    });
  }

  async *stream<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { threadId, signal }: { readonly threadId: string; readonly signal: AbortSignal },
  ): AsyncIterable<Response> {
    const call = this.#streaming
      .next()
      .makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadataOf(threadId));
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    try {
      for await (const message of call) yield message as Response;
    } catch (error) {
      if (!signal.aborted) throw failureOf(error as ServiceError);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  async close(): Promise<void> {
    this.#calling.close();
    this.#streaming.close();
  }
}

/** Connections that are taken in turn, made when first taken. */
class Connections {
  readonly #clients: (Client | undefined)[];
  #taken = 0;

  constructor(
    private readonly target: URL,
    count: number,
  ) {
    this.#clients = new Array<Client | undefined>(count).fill(undefined);
  }

  next(): Client {
    const index = this.#taken % this.#clients.length;
    this.#taken += 1;
    return (this.#clients[index] ??= this.#connect());
  }

  close(): void {
    for (const client of this.#clients) client?.close();
  }

  #connect(): Client {
    const isSecure = this.target.protocol === 'https:';
    const port = this.target.port || (isSecure ? '443' : '80');
    const credential = isSecure ? credentials.createSsl() : credentials.createInsecure();
    return new Client(`${this.target.hostname}:${port}`, credential, options);
  }
}

function metadataOf(threadId: string | undefined): Metadata {
  const metadata = new Metadata();
  if (threadId !== undefined) metadata.set('x-thread-id', threadId);
  return metadata;
}

function failureOf({ code }: ServiceError): CallFailed {
  return grpcFailure(code);
}

/** What a status that is not OK is counted as. */
export function grpcFailure(code: number): CallFailed {
  if (code === (status.DEADLINE_EXCEEDED as number)) return new CallFailed('timeout', false);
  const isRetryable = code === (status.UNAVAILABLE as number) || code === (status.RESOURCE_EXHAUSTED as number);
  return new CallFailed(status[code] ?? `gRPC ${code}`, isRetryable);
}
