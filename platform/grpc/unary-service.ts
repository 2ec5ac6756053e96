import {
  status,
  type handleUnaryCall,
  type MethodDefinition,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { BoundCall, errorOf, type CallContext, type ServiceOptions } from './call-context.js';
import { toServiceError } from './statuses.js';
import { isLargeRequest, strictMethod, UndecodableRequest } from './strict-decoding.js';

export type { CallContext } from './call-context.js';

export interface UnaryServiceOptions extends ServiceOptions {
  /** How long a call may take whose caller sets no deadline, and at most. @default 15000 */
  readonly maxCallMs?: number;
}

/** The unary handlers of a generated service: request and context in, response out; what they throw becomes a status. */
export type UnaryHandlers<Implementation> = {
  [
    Method in keyof Implementation as string extends Method
      ? never
      : Implementation[Method] extends handleUnaryCall<infer _Request, infer _Response>
        ? Method
        : never
  ]: Implementation[Method] extends handleUnaryCall<infer Request, infer Response>
    ? (request: Request, context: CallContext) => Promise<Response>
    : never;
};

/** A service's definition and implementation, ready for `GrpcServer`. */
export interface BoundService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/**
 * Binds handlers to the unary methods of a generated service definition: strict decoding, deadline, trace context,
 * one log line a call, and statuses for what is thrown. (For its streams, see `bindStreamingService`.)
 */
export function bindUnaryService<Implementation>(
  definition: ServiceDefinition,
  handlers: UnaryHandlers<Implementation>,
  options: UnaryServiceOptions,
): BoundService {
  const strictDefinition: Record<string, MethodDefinition<unknown, unknown>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    if (method.requestStream || method.responseStream) continue;
    const handler = (handlers as Record<string, AnyHandler>)[name];
    if (handler === undefined) throw new Error(`no handler for ${method.path}`);
    strictDefinition[name] = strictMethod(method, options.decodeBounds);
    implementation[name] = bindHandler(method.path, handler, options);
  }
  return { definition: strictDefinition as ServiceDefinition, implementation };
}

type AnyHandler = (request: unknown, context: CallContext) => Promise<unknown>;

function bindHandler(
  path: string,
  handler: AnyHandler,
  options: UnaryServiceOptions,
): handleUnaryCall<unknown, unknown> {
  const { logger, maxCallMs = 15_000, observe } = options;
  const method = { path, logger, maxCallMs, observer: observe?.(path, 'unary') };
  return (call, respond) => {
    const bound = new BoundCall(method, call);
    const fail = (thrown: unknown): void => {
      const error = errorOf(thrown, options);
      const serviceError = toServiceError(error);
      respond(serviceError);
      bound.log(serviceError.code, error);
    };
    if (call.request instanceof UndecodableRequest) return fail(call.request.error);
    const succeed = (response: unknown): void => {
      if (bound.answerHeaders !== undefined) call.sendMetadata(bound.answerHeaders);
      respond(null, response);
      bound.log(status.OK);
    };
    const handle = (): void => {
      try {
        handler(call.request, bound).then(succeed, fail);
      } catch (thrown) {
        // A handler that is not an async function.
        fail(thrown);
      }
    };
    // Decoding has taken its time already: first whoever has waited for it.
    if (isLargeRequest(call.request)) setImmediate(handle);
    else handle();
  };
}
