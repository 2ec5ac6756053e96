import { status, type Metadata } from '@grpc/grpc-js';
import { toError } from '../../kernel/fault.js';
import { InvalidRequest } from '../../kernel/field-violation.js';
import { traceContextFrom, traceIdOf, type TraceContext } from '../../runtime/trace-context.js';
import type { Logger } from '../telemetry/logger.js';
import { isOurFault } from './statuses.js';

/** What a handler knows of the call besides the request. */
export interface CallContext {
  readonly trace: TraceContext;
  /** When the caller stops waiting, or its time is up here, epoch milliseconds. */
  readonly deadline: number;
  /** True when the caller has set a deadline of its own. */
  readonly hasCallerDeadline: boolean;
  readonly logger: Logger;
  /** A header (metadata) of the request; undefined when it is absent, joined by commas when it comes more than once. */
  header(name: string): string | undefined;
  /** Adds a header (initial metadata) to the answer. Errors go without. */
  answerHeader(name: string, value: string): void;
  /** Calls `listener` when the caller has gone, or its deadline has passed. */
  onCancelled(listener: () => void): void;
  /** Adds fields to the call's log line. */
  annotate(fields: Readonly<Record<string, unknown>>): void;
}

/** Is told of each call to one method when it has ended. */
export type CallObserver = (code: status, seconds: number) => void;

/** Makes the observer of a method, once, when that is bound. @param path such as `/package.Service/Method` */
export type ObserveCalls = (path: string, kind: 'unary' | 'server_stream') => CallObserver;

/** What is bound the same way for unary and for streaming methods. */
export interface ServiceOptions {
  readonly logger: Logger;
  /** Measures calls. @default nobody */
  readonly observe?: ObserveCalls | undefined;
  /** What is wrong with a request, in the words of this API. @default as it is */
  readonly rephrase?: (error: InvalidRequest) => Error;
}

/** A call as grpc-js has it, as far as both kinds are the same. */
interface ServerCall {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
}

/** A call's context, and what is only for the adapter that bound it. */
export interface BoundCall {
  readonly context: CallContext;
  /** Headers for the answer. */
  readonly answerHeaders: ReadonlyMap<string, string>;
  /** Writes the call's one log line, and tells the observer. */
  log(code: status, error?: Error): void;
}

/** A method, as its calls are bound. */
export interface BoundMethod {
  readonly path: string;
  readonly logger: Logger;
  /** How long a call may take at most. */
  readonly maxCallMs: number;
  readonly observer: CallObserver | undefined;
}

export function bindCall({ path, logger, maxCallMs, observer }: BoundMethod, call: ServerCall): BoundCall {
  const startedAt = performance.now();
  const annotations: Record<string, unknown> = {};
  const answerHeaders = new Map<string, string>();
  const header = (name: string): string | undefined => {
    const values = call.metadata.get(name);
    return values.length === 0 ? undefined : values.join(', ');
  };
  const trace = traceContextFrom(header('x-request-id'), header('traceparent'));
  const deadline = Number(call.getDeadline());
  return {
    answerHeaders,
    context: {
      trace,
      deadline: Math.min(Date.now() + maxCallMs, deadline),
      hasCallerDeadline: deadline !== Infinity,
      logger,
      header,
      answerHeader: (name, value) => void answerHeaders.set(name, value),
      onCancelled: (listener) => void call.on('cancelled', listener),
      annotate: (fields) => void Object.assign(annotations, fields),
    },
    log(code, error) {
      const durationMs = performance.now() - startedAt;
      observer?.(code, durationMs / 1_000);
      const line = {
        method: path,
        code: status[code],
        duration_ms: Math.round(durationMs * 100) / 100,
        request_id: trace.requestId,
        trace_id: traceIdOf(trace),
        ...annotations,
      };
      if (error === undefined) logger.info(line, 'call');
      else if (isOurFault(code)) logger.error({ ...line, error }, 'call failed');
      else logger.info({ ...line, reason: error.message }, 'call refused');
    },
  };
}

/** What was thrown, in the words of the API. */
export function errorOf(thrown: unknown, { rephrase }: ServiceOptions): Error {
  return rephrase && thrown instanceof InvalidRequest ? rephrase(thrown) : toError(thrown);
}
