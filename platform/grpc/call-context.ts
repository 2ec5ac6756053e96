import { Metadata, status } from '@grpc/grpc-js';
import { toError } from '../kernel/fault.js';
import { InvalidRequest } from '../kernel/field-violation.js';
import { anonymous, type Principal } from '../kernel/principal.js';
import { isTraceparent, traceContextFrom, traceIdOf, type TraceContext } from '../journal/trace-context.js';
import type { Logger } from '../telemetry/logger.js';
import { isTracing, startSpan, type Span } from '../telemetry/tracing.js';
import { CLIENT_HEADER } from './call-limits.js';
import { isOurFault } from './statuses.js';
import type { DecodeBounds } from './wire-scan.js';
import { steadyNow } from '../kernel/steady-clock.js';

/** What a handler knows of the call besides the request. */
export interface CallContext {
  /** Who calls, and for whom. */
  readonly principal: Principal;
  readonly trace: TraceContext;
  /** Whom the call is from, as counts of clients have it: an address, or an IPv6 network. */
  readonly client: string;
  /** When the caller stops waiting, or its time is up here, a time of steadyNow(). */
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

/** As go-grpc-middleware names them. */
export type CallKind = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/** Is told of each call to one method when it has ended. */
export type CallObserver = (code: status, seconds: number) => void;

/** Makes the observer of a method, once, when that is bound. @param path such as `/package.Service/Method` */
export type ObserveCalls = (path: string, kind: CallKind) => CallObserver;

/** What is bound the same way for unary and for streaming methods. */
export interface ServiceOptions {
  readonly logger: Logger;
  /** Measures calls. @default nobody */
  readonly observe?: ObserveCalls | undefined;
  /** What is wrong with a request, in the words of this API. @default as it is */
  readonly rephrase?: (error: InvalidRequest) => Error;
  /** How much of a request is decoded at all. @default WireScan's */
  readonly decodeBounds?: DecodeBounds;
}

const callers = new WeakMap<Metadata, Principal>();

/** Says who a call is from, for whoever handles it. No header proves anything by itself. */
export function identifyCaller(metadata: Metadata, principal: Principal): void {
  callers.set(metadata, principal);
}

/** A call as grpc-js has it, as far as all kinds are the same. */
interface ServerCall {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
}

/** A method, as its calls are bound. */
export interface BoundMethod {
  readonly path: string;
  readonly logger: Logger;
  /** How long a call may take at most. */
  readonly maxCallMs: number;
  readonly observer: CallObserver | undefined;
}

/**
 * A call's context, and what is only for the adapter that bound it. A class, because it is made for each call: its
 * methods are shared, and what a handler does not ask for is not made.
 */
export class BoundCall implements CallContext {
  readonly trace: TraceContext;
  readonly deadline: number;
  readonly hasCallerDeadline: boolean;
  readonly #startedAt = performance.now();
  readonly #span: Span | undefined;
  readonly #method: BoundMethod;
  readonly #call: ServerCall;
  #annotations: Record<string, unknown> | undefined;
  #answerHeaders: Metadata | undefined;

  constructor(method: BoundMethod, call: ServerCall) {
    this.#method = method;
    this.#call = call;
    const traceparent = this.header('traceparent');
    const trace = traceContextFrom(this.header('x-request-id'), traceparent);
    this.#span = isTracing() ? beginCall(method.path, trace, traceparent) : undefined;
    this.trace = this.#span === undefined ? trace : { requestId: trace.requestId, traceparent: this.#span.traceparent };
    const deadline = Number(call.getDeadline());
    this.deadline = steadyNow() + Math.min(method.maxCallMs, deadline - Date.now());
    this.hasCallerDeadline = deadline !== Infinity;
  }

  get logger(): Logger {
    return this.#method.logger;
  }

  get principal(): Principal {
    return callers.get(this.#call.metadata) ?? anonymous;
  }

  get client(): string {
    return this.header(CLIENT_HEADER) ?? 'unknown';
  }

  /** Headers for the answer; undefined when there are none. */
  get answerHeaders(): Metadata | undefined {
    return this.#answerHeaders;
  }

  header(name: string): string | undefined {
    const values = this.#call.metadata.get(name);
    if (values.length > 1) return values.join(', ');
    const [value] = values;
    return value === undefined ? undefined : String(value);
  }

  answerHeader(name: string, value: string): void {
    (this.#answerHeaders ??= new Metadata()).set(name, value);
  }

  onCancelled(listener: () => void): void {
    this.#call.on('cancelled', listener);
  }

  annotate(fields: Readonly<Record<string, unknown>>): void {
    this.#annotations = this.#annotations === undefined ? fields : { ...this.#annotations, ...fields };
  }

  /** Writes the call's one log line, and tells the observer. */
  log(code: status, error?: Error): void {
    const { path, logger, observer } = this.#method;
    const durationMs = performance.now() - this.#startedAt;
    observer?.(code, durationMs / 1_000);
    this.#span?.end({ 'rpc.grpc.status_code': code }, serverErrors.has(code) ? status[code] : undefined);
    const isFailure = error !== undefined && isOurFault(code);
    if (!logger.isLevelEnabled(isFailure ? 'error' : 'info')) return;
    const line = {
      method: path,
      code: status[code],
      duration_ms: Math.round(durationMs * 100) / 100,
      request_id: this.trace.requestId,
      trace_id: traceIdOf(this.trace),
      ...this.#annotations,
    };
    if (error === undefined) logger.info(line, 'call');
    else if (isFailure) logger.error({ ...line, error }, 'call failed');
    else logger.info({ ...line, reason: error.message }, 'call refused');
  }
}

/** Statuses that OpenTelemetry counts as a server's error. */
const serverErrors: ReadonlySet<status> = new Set([
  ...[status.UNKNOWN, status.DEADLINE_EXCEEDED, status.UNIMPLEMENTED],
  ...[status.INTERNAL, status.UNAVAILABLE, status.DATA_LOSS],
]);

/** @param traceparent as the caller has sent it */
function beginCall(path: string, trace: TraceContext, traceparent: string | undefined): Span | undefined {
  const [, service = '', method = ''] = path.split('/');
  return startSpan(path.slice(1), 'server', isTraceparent(traceparent) ? traceparent : undefined, {
    ...{ 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method },
    'threadweaver.request_id': trace.requestId,
  });
}

/** What was thrown, in the words of the API. */
export function errorOf(thrown: unknown, { rephrase }: ServiceOptions): Error {
  return rephrase && thrown instanceof InvalidRequest ? rephrase(thrown) : toError(thrown);
}
