import type {
  handleUnaryCall,
  MethodDefinition,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { toError } from '../../kernel/fault.js';
import { InvalidRequest } from '../../kernel/field-violation.js';
import { traceContextFrom, traceIdOf, type TraceContext } from '../../runtime/trace-context.js';
import type { Logger } from '../telemetry/logger.js';
import { isOurFault, toServiceError } from './statuses.js';
import { decodeStrictly, UndecodableRequest } from './strict-decoding.js';

/** What a handler knows of the call besides the request. */
export interface CallContext {
  readonly trace: TraceContext;
  /** When the caller stops waiting, epoch milliseconds. */
  readonly deadline: number;
  readonly logger: Logger;
  /** Adds fields to the call's log line. */
  annotate(fields: Readonly<Record<string, unknown>>): void;
}

export interface UnaryServiceOptions {
  readonly logger: Logger;
  /** How long a call may take whose caller sets no deadline, and at most. @default 15000 */
  readonly maxCallMs?: number;
  /** What is wrong with a request, in the words of this API. @default as it is */
  readonly rephrase?: (error: InvalidRequest) => Error;
}

/** The handlers of a generated service: request and context in, response out; what they throw becomes a status. */
export type UnaryHandlers<Implementation> = {
  [
    Method in keyof Implementation as string extends Method ? never : Method
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
 * Binds handlers to a generated service definition: strict decoding, deadline, trace context,
 * one log line a call, and statuses for what is thrown.
 */
export function bindUnaryService<Implementation>(
  definition: ServiceDefinition,
  handlers: UnaryHandlers<Implementation>,
  options: UnaryServiceOptions,
): BoundService {
  const strictDefinition: Record<string, MethodDefinition<unknown, unknown>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const handler = (handlers as Record<string, AnyHandler>)[name];
    if (handler === undefined) throw new Error(`no handler for ${method.path}`);
    const requestDeserialize: (bytes: Buffer) => unknown = method.requestDeserialize;
    strictDefinition[name] = { ...method, requestDeserialize: (bytes) => decodeStrictly(requestDeserialize, bytes) };
    implementation[name] = bindHandler(method.path, handler, options);
  }
  return { definition: strictDefinition as ServiceDefinition, implementation };
}

type AnyHandler = (request: unknown, context: CallContext) => Promise<unknown>;

function bindHandler(
  path: string,
  handler: AnyHandler,
  { logger, maxCallMs = 15_000, rephrase }: UnaryServiceOptions,
): handleUnaryCall<unknown, unknown> {
  return (call, respond) => {
    const startedAt = performance.now();
    const annotations: Record<string, unknown> = {};
    const context = contextOf(call, logger, maxCallMs, annotations);
    const logLine = (code: status, error?: Error): void => {
      const line = {
        method: path,
        code: status[code],
        duration_ms: Math.round((performance.now() - startedAt) * 100) / 100,
        request_id: context.trace.requestId,
        trace_id: traceIdOf(context.trace),
        ...annotations,
      };
      if (error === undefined) logger.info(line, 'call');
      else if (isOurFault(code)) logger.error({ ...line, error }, 'call failed');
      else logger.info({ ...line, reason: error.message }, 'call refused');
    };
    const handle = async (): Promise<unknown> => {
      if (call.request instanceof UndecodableRequest) throw call.request.error;
      return handler(call.request, context);
    };
    handle().then(
      (response) => {
        respond(null, response);
        logLine(status.OK);
      },
      (thrown: unknown) => {
        const error = rephrase && thrown instanceof InvalidRequest ? rephrase(thrown) : toError(thrown);
        const serviceError = toServiceError(error);
        respond(serviceError);
        logLine(serviceError.code, error);
      },
    );
  };
}

function contextOf(
  call: ServerUnaryCall<unknown, unknown>,
  logger: Logger,
  maxCallMs: number,
  annotations: Record<string, unknown>,
): CallContext {
  const headers = call.metadata;
  const text = (name: string): string | undefined => headers.get(name)[0]?.toString();
  const trace = traceContextFrom(text('x-request-id'), text('traceparent'));
  const deadline = call.getDeadline();
  const latest = Date.now() + maxCallMs;
  return {
    trace,
    deadline: Math.min(latest, deadline instanceof Date ? deadline.getTime() : deadline),
    logger,
    annotate: (fields) => void Object.assign(annotations, fields),
  };
}
