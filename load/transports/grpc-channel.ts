import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { CallFailed } from './thread-api.js';

/** Envoy takes 100 streams at once on a connection. */
const STREAMS_OF_CONNECTION = 80;

const options: ChannelOptions = {
  // A connection each, instead of one for all clients of this process.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.keepalive_time_ms': 30_000,
};

/** Native gRPC over several connections, taken in turn. Calls and streams have connections of their own: streams stay long. */
export class GrpcChannel {
  readonly #calling: readonly Client[];
  readonly #streaming: readonly Client[];
  #taken = 0;

  /** @param concurrency how many calls, and how many streams, there are at once at most */
  constructor({ protocol, hostname, port }: URL, concurrency: number) {
    const isSecure = protocol === 'https:';
    const address = `${hostname}:${port || (isSecure ? '443' : '80')}`;
    const length = Math.max(1, Math.ceil(concurrency / STREAMS_OF_CONNECTION));
    // grpc-js connects when there is something to send.
    const clients = () =>
      Array.from(
        { length },
        () => new Client(address, isSecure ? credentials.createSsl() : credentials.createInsecure(), options),
      );
    [this.#calling, this.#streaming] = [clients(), clients()];
  }

  /** @throws ServiceError, DEADLINE_EXCEEDED when there is no answer by the deadline, epoch milliseconds */
  call<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { deadlineAt, threadId }: { readonly deadlineAt: number; readonly threadId?: string | undefined },
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#next(this.#calling).makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadataOf(threadId),
        { deadline: deadlineAt },
        (error, answer) => {
          if (error) reject(error);
          else resolve(answer as Response);
        },
      );
    });
  }

  /** What a server sends until it ends the stream, or the signal is aborted. @throws ServiceError also while it comes */
  async *stream<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { threadId, signal }: { readonly threadId: string; readonly signal: AbortSignal },
  ): AsyncIterable<Response> {
    const call = this.#next(this.#streaming).makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadataOf(threadId),
    );
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    try {
      for await (const message of call) yield message as Response;
    } catch (error) {
      if (!signal.aborted) throw error as ServiceError;
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  async close(): Promise<void> {
    for (const client of [...this.#calling, ...this.#streaming]) client.close();
  }

  #next(clients: readonly Client[]): Client {
    this.#taken += 1;
    return clients[this.#taken % clients.length] as Client;
  }
}

function metadataOf(threadId: string | undefined): Metadata {
  const metadata = new Metadata();
  if (threadId !== undefined) metadata.set('x-thread-id', threadId);
  return metadata;
}

/** What a status that is not OK is counted as. */
export function grpcFailure({ code }: ServiceError): CallFailed {
  if (code === status.DEADLINE_EXCEEDED) return new CallFailed('timeout', false);
  const isRetryable = code === status.UNAVAILABLE || code === status.RESOURCE_EXHAUSTED;
  return new CallFailed(status[code] ?? `gRPC ${code}`, isRetryable);
}
