import { once } from 'node:events';
import {
  status,
  type handleServerStreamingCall,
  type MethodDefinition,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { BoundCall, errorOf, type CallContext, type ServiceOptions } from './call-context.js';
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

/** The server-streaming handlers of a generated service. A stream ends when its handler does, with a status if it throws. */
export type StreamingHandlers<Implementation> = {
  [
    Method in keyof Implementation as string extends Method
      ? never
      : Implementation[Method] extends handleServerStreamingCall<infer _Request, infer _Response>
        ? Method
        : never
  ]: Implementation[Method] extends handleServerStreamingCall<infer Request, infer Response>
    ? (request: Request, context: CallContext, stream: ResponseStream<Response>) => Promise<void>
    : never;
};

/** With so many bytes that the caller has not taken, a stream waits before the next response. */
const MAX_UNTAKEN_BYTES = 64 * 1024;
/** Tells a stream that some were taken. */
const TAKEN = 'taken';

/** Binds the server-streaming methods of a generated service definition, as `bindUnaryService` does the unary ones. */
export function bindStreamingService<Implementation>(
  definition: ServiceDefinition,
  handlers: StreamingHandlers<Implementation>,
  options: ServiceOptions,
): BoundService {
  const strictDefinition: Record<string, MethodDefinition<unknown, unknown>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    if (method.requestStream || !method.responseStream) continue;
    const handler = (handlers as Record<string, AnyHandler>)[name];
    if (handler === undefined) throw new Error(`no handler for ${method.path}`);
    strictDefinition[name] = {
      ...strictMethod(method, options.decodeBounds),
      // Encoded when they are written, so that it is known how much waits.
      responseSerialize: (bytes) => bytes as Buffer,
    };
    implementation[name] = bindHandler(method.path, handler, method.responseSerialize, options);
  }
  return { definition: strictDefinition as ServiceDefinition, implementation };
}

type AnyHandler = (request: unknown, context: CallContext, stream: ResponseStream<unknown>) => Promise<void>;

function bindHandler(
  path: string,
  handler: AnyHandler,
  encode: (response: unknown) => Buffer,
  options: ServiceOptions,
): handleServerStreamingCall<unknown, unknown> {
  const { logger, observe } = options;
  const method = { path, logger, maxCallMs: Infinity, observer: observe?.(path, 'server_stream') };
  return (call) => {
    const bound = new BoundCall(method, call);
    const cancellation = new AbortController();
    call.on('cancelled', () => cancellation.abort());
    const handle = async (): Promise<void> => {
      if (call.request instanceof UndecodableRequest) throw call.request.error;
      await handler(call.request, bound, responseStream(call, encode, cancellation.signal));
    };
    handle().then(
      () => {
        call.end();
        bound.log(status.OK);
      },
      (thrown: unknown) => {
        if (cancellation.signal.aborted) return bound.log(status.CANCELLED);
        const error = errorOf(thrown, options);
        const serviceError = toServiceError(error);
        // How grpc-js takes a stream's status.
        call.emit('error', serviceError);
        bound.log(serviceError.code, error);
      },
    );
  };
}

function responseStream(
  call: ServerWritableStream<unknown, unknown>,
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
      // Not AbortSignal.any: Node 20 keeps what it makes for as long as its sources live.
      const interrupt = new AbortController();
      const stop = (event: Event): void => interrupt.abort((event.target as AbortSignal).reason);
      for (const source of [signal, cancelled]) {
        if (source.aborted) interrupt.abort(source.reason);
        source.addEventListener('abort', stop);
      }
      try {
        await once(call, TAKEN, { signal: interrupt.signal });
      } catch (error) {
        throw interrupt.signal.aborted ? interrupt.signal.reason : error;
      } finally {
        for (const source of [signal, cancelled]) source.removeEventListener('abort', stop);
      }
    },
  };
}
