import { once } from 'node:events';
import { addAbortSignal, type Readable } from 'node:stream';
import {
  status,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type MethodDefinition,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Fault } from '../kernel/fault.js';
import { BoundCall, errorOf, type CallContext, type CallKind, type ServiceOptions } from './call-context.js';
import { toServiceError } from './statuses.js';
import { strictMethod, UndecodableRequest } from './strict-decoding.js';
import type { BoundService } from './unary-service.js';

/** The way of a stream's responses to the caller. */
export interface ResponseStream<Response> {
  /** Aborted when the caller has gone, or its deadline has passed: there is nobody to write to. */
  readonly cancelled: AbortSignal;
  /** Sends a response. False when the caller does not keep up: wait for `drained` before the next one. */
  write(response: Response): boolean;
  /** Resolves when there is room again. @throws what the signal aborts with, or that the caller is gone */
  drained(signal: AbortSignal): Promise<void>;
}

/** The handlers of a generated service's streams. A stream ends when its handler does, with a status if it throws. */
export type StreamingHandlers<Implementation> = {
  [
    Method in keyof Implementation as string extends Method
      ? never
      : HandlerOf<Implementation[Method]> extends never
        ? never
        : Method
  ]: HandlerOf<Implementation[Method]>;
};

/**
 * Requests of a stream come one by one, as they are asked for; asking throws once the caller has gone, and when a request
 * cannot be decoded. A handler may end before the last one.
 */
type HandlerOf<Method> =
  Method extends handleServerStreamingCall<infer Request, infer Response>
    ? (request: Request, context: CallContext, stream: ResponseStream<Response>) => Promise<void>
    : Method extends handleClientStreamingCall<infer Request, infer Response>
      ? (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>
      : Method extends handleBidiStreamingCall<infer Request, infer Response>
        ? (requests: AsyncIterable<Request>, context: CallContext, stream: ResponseStream<Response>) => Promise<void>
        : never;

export interface StreamingServiceOptions extends ServiceOptions {
  /** How long a call may take that sends a stream of requests for one answer, in milliseconds. @default 60000 */
  readonly maxUploadMs?: number;
  /** Largest request of a stream in bytes: some of them wait in memory. @default 64 KiB */
  readonly maxStreamedRequestBytes?: number;
}

/** With so many bytes that the caller has not taken, a stream waits before the next response. */
const MAX_UNTAKEN_BYTES = 64 * 1024;
/** Tells a stream that some were taken. */
const TAKEN = 'taken';

/** Binds the streams of a generated service definition, of all three kinds, as `bindUnaryService` does the unary methods. */
export function bindStreamingService<Implementation>(
  definition: ServiceDefinition,
  handlers: StreamingHandlers<Implementation>,
  options: StreamingServiceOptions,
): BoundService {
  const strictDefinition: Record<string, MethodDefinition<unknown, unknown>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const kind = kindOf(method);
    if (kind === 'unary') continue;
    const handler = (handlers as Record<string, AnyHandler>)[name];
    if (handler === undefined) throw new Error(`no handler for ${method.path}`);
    const strict = strictMethod(method, options.decodeBounds);
    strictDefinition[name] = {
      ...strict,
      ...(method.requestStream && { requestDeserialize: bounded(strict.requestDeserialize, options) }),
      // Encoded when they are written, so that it is known how much waits.
      ...(method.responseStream && { responseSerialize: (bytes: unknown) => bytes as Buffer }),
    };
    implementation[name] = bindHandler(method, kind, handler, options) as handleServerStreamingCall<unknown, unknown>;
  }
  return { definition: strictDefinition as ServiceDefinition, implementation };
}

function kindOf({ requestStream, responseStream }: MethodDefinition<unknown, unknown>): CallKind {
  if (requestStream) return responseStream ? 'bidi_stream' : 'client_stream';
  return responseStream ? 'server_stream' : 'unary';
}

/** Some requests are read ahead, so each has to be small. */
function bounded(
  deserialize: (bytes: Buffer) => unknown,
  { maxStreamedRequestBytes: most = 64 * 1024 }: StreamingServiceOptions,
): (bytes: Buffer) => unknown {
  return (bytes) => {
    if (bytes.length <= most) return deserialize(bytes);
    const message = `a request of a stream may have ${most} bytes, this one has ${bytes.length}`;
    return new UndecodableRequest(new Fault('exhausted', 'REQUEST_TOO_LARGE', message));
  };
}

type AnyHandler = (input: unknown, context: CallContext, stream: ResponseStream<unknown>) => Promise<unknown>;
type AnyCall = ServerWritableStream<unknown, unknown> &
  ServerReadableStream<unknown, unknown> &
  ServerDuplexStream<unknown, unknown>;

function bindHandler(
  { path, responseSerialize }: MethodDefinition<unknown, unknown>,
  kind: CallKind,
  handler: AnyHandler,
  options: StreamingServiceOptions,
): (call: AnyCall, respond?: sendUnaryData<unknown>) => void {
  const { logger, observe, maxUploadMs = 60_000 } = options;
  const maxCallMs = kind === 'client_stream' ? maxUploadMs : Infinity;
  const method = { path, logger, maxCallMs, observer: observe?.(path, kind) };
  return (call, respond) => {
    const bound = new BoundCall(method, call);
    const cancellation = new AbortController();
    call.on('cancelled', () => cancellation.abort());
    const hurry =
      maxCallMs === Infinity ? undefined : setTimeout(() => cancellation.abort(tookTooLong(maxCallMs)), maxCallMs);
    const inputOf = (): unknown => {
      if (kind !== 'server_stream') return requestsOf(call, cancellation.signal);
      if (call.request instanceof UndecodableRequest) throw call.request.error;
      return call.request;
    };
    const handle = async (): Promise<unknown> =>
      handler(inputOf(), bound, responseStream(call, responseSerialize, cancellation.signal));
    void handle()
      .then(
        (response) => {
          if (respond === undefined) call.end();
          else {
            if (bound.answerHeaders !== undefined) call.sendMetadata(bound.answerHeaders);
            respond(null, response);
          }
          bound.log(status.OK);
        },
        (thrown: unknown) => {
          if (call.cancelled) return bound.log(status.CANCELLED);
          const { signal } = cancellation;
          const error = errorOf(signal.aborted ? signal.reason : thrown, options);
          const serviceError = toServiceError(error);
          if (respond !== undefined) respond(serviceError);
          // How grpc-js takes a stream's status.
          else call.emit('error', serviceError);
          bound.log(serviceError.code, error);
        },
      )
      .finally(() => clearTimeout(hurry));
  };
}

async function* requestsOf(call: Readable, signal: AbortSignal): AsyncIterable<unknown> {
  // It is told to who reads; when nobody does, nobody minds.
  call.on('error', () => undefined);
  addAbortSignal(signal, call);
  // The end of reading is not that of the call, whose answers go the other way.
  for await (const request of call.iterator({ destroyOnReturn: false })) {
    if (request instanceof UndecodableRequest) throw request.error;
    yield request;
  }
  // Some clients end what they cancel. That follows at once, and is no end.
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}

function tookTooLong(ms: number): Fault {
  return new Fault('deadline-exceeded', 'REQUEST_TIMEOUT', `the requests were not complete after ${ms} ms`);
}

function responseStream(
  call: AnyCall,
  encode: (response: unknown) => Buffer,
  cancelled: AbortSignal,
): ResponseStream<unknown> {
  let untaken = 0;
  const hasRoom = (): boolean => untaken <= MAX_UNTAKEN_BYTES && !call.writableNeedDrain;
  return {
    cancelled,
    write(response) {
      const bytes = encode(response);
      untaken += bytes.length;
      call.write(bytes, () => {
        untaken -= bytes.length;
        if (hasRoom()) call.emit(TAKEN);
      });
      return hasRoom();
    },
    async drained(signal) {
      if (hasRoom()) return;
      const interrupt = AbortSignal.any([signal, cancelled]);
      try {
        await once(call, TAKEN, { signal: interrupt });
      } catch (error) {
        throw interrupt.aborted ? interrupt.reason : error;
      }
    },
  };
}
