import { Client, credentials, Metadata, status, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import {
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  isBrokenCircuitError,
  retry,
  wrap,
} from 'cockatiel';
import type { TraceContext } from '../journal/trace-context.js';
import { Fault, toError } from '../kernel/fault.js';
import { startSpan } from '../telemetry/tracing.js';
import { ACTING_FOR_HEADER } from './access-control.js';
import { faultOf } from './statuses.js';

/** As much of a generated method as a call takes. */
interface Unary {
  readonly path: string;
  readonly requestSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}
type RequestOf<Method> = Method extends { requestSerialize: (value: infer Request) => Buffer } ? Request : never;
type ResponseOf<Method> = Method extends { responseDeserialize: (bytes: Buffer) => infer Response } ? Response : never;

export interface GrpcClientOptions<Definition> {
  /** Such as `127.0.0.1:50051`; a name that resolves to several addresses is balanced over. */
  readonly address: string;
  /** Methods that change nothing, and so may be repeated. Others are only with a request id. @default none */
  readonly readOnly?: readonly (keyof Definition & string)[];
  /** How long a call may take with all its tries, in milliseconds. @default 5000 */
  readonly deadlineMs?: number;
  /** After so many tries without an answer in between nothing is asked for a while. @default 10 */
  readonly breakAfter?: number;
  /** So long, in milliseconds; then one call is let through. @default 2000 */
  readonly breakForMs?: number;
  /** What proves who calls, as it is at the moment (`followServiceToken`). @default nothing */
  readonly token?: (() => string | undefined) | undefined;
}

export interface ClientCall {
  /** Of what this call is a part; its ids go along. */
  readonly trace?: TraceContext;
  /** @default the client's */
  readonly deadlineMs?: number;
  /** Id of the account for which a service calls. @default the one that the request names */
  readonly actingFor?: string;
}

/** Tries of one call at most; the deadline usually comes first. */
const MAX_RETRIES = 10;

/**
 * Calls a service of another process. Each call has a deadline. What is UNAVAILABLE is tried again within it, after a random,
 * growing while, if a repeat cannot do harm; and while nothing answers at all, calls fail at once, so that they do not pile up.
 */
export class GrpcClient<Definition extends Readonly<Record<string, Unary>>> {
  readonly #client: Client;
  readonly #breaker;

  constructor(
    private readonly definition: Definition,
    private readonly options: GrpcClientOptions<Definition>,
  ) {
    // One that was away is asked again soon: grpc-js would wait for up to two minutes.
    const channel = { 'grpc.max_reconnect_backoff_ms': 1_000, 'grpc.initial_reconnect_backoff_ms': 50 };
    this.#client = new Client(options.address, credentials.createInsecure(), channel);
    this.#breaker = circuitBreaker(handleWhen(isSilence), {
      halfOpenAfter: options.breakForMs ?? 2_000,
      breaker: new ConsecutiveBreaker(options.breakAfter ?? 10),
    });
  }

  /**
   * @throws Fault with the kind and reason that the service gave; kind `unavailable`, reason CIRCUIT_OPEN, when it was not
   * even asked
   */
  async call<Name extends keyof Definition & string>(
    name: Name,
    request: RequestOf<Definition[Name]>,
    call: ClientCall = {},
  ): Promise<ResponseOf<Definition[Name]>> {
    const deadline = Date.now() + (call.deadlineMs ?? this.options.deadlineMs ?? 5_000);
    const isSafe = this.options.readOnly?.includes(name) === true || hasRequestId(request);
    const again = handleWhen((error) => isSafe && isUnavailable(error) && Date.now() < deadline);
    const retries = retry(again, {
      maxAttempts: MAX_RETRIES,
      backoff: new ExponentialBackoff({ initialDelay: 20, maxDelay: 500 }),
    });
    try {
      const answer = await wrap(retries, this.#breaker).execute(() => this.#try(name, request, deadline, call));
      return answer as ResponseOf<Definition[Name]>;
    } catch (thrown) {
      if (!isBrokenCircuitError(thrown)) throw toError(thrown);
      const message = `${this.options.address} does not answer, and is not asked for a while`;
      throw new Fault('unavailable', 'CIRCUIT_OPEN', message, { cause: thrown });
    }
  }

  /** Calls under way fail as cancelled. */
  close(): void {
    this.#client.close();
  }

  #try(name: string, request: unknown, deadline: number, { trace, actingFor }: ClientCall): Promise<unknown> {
    const method = this.definition[name] as MethodDefinition<unknown, unknown> | undefined;
    if (method === undefined) throw new Error(`no method ${name}`);
    const { path, requestSerialize, responseDeserialize } = method;
    const metadata = new Metadata();
    const span = startSpan(path.slice(1), 'client', trace?.traceparent, { 'rpc.system': 'grpc' });
    if (trace !== undefined) metadata.set('x-request-id', trace.requestId);
    const traceparent = span?.traceparent ?? trace?.traceparent;
    if (traceparent !== undefined) metadata.set('traceparent', traceparent);
    const token = this.options.token?.();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    if (actingFor !== undefined) metadata.set(ACTING_FOR_HEADER, actingFor);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        ...([path, requestSerialize, responseDeserialize, request, metadata, { deadline }] as const),
        (error: ServiceError | null, response) => {
          span?.end(
            { 'rpc.grpc.status_code': error?.code ?? status.OK },
            error === null ? undefined : status[error.code],
          );
          if (error === null) resolve(response);
          else reject(faultOf(error));
        },
      );
    });
  }
}

function hasRequestId(request: unknown): boolean {
  const { requestId } = request as { requestId?: unknown };
  return typeof requestId === 'string' && requestId !== '';
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Fault && error.kind === 'unavailable';
}

/** Nobody has answered, rather than that somebody has refused. */
function isSilence(error: unknown): boolean {
  return isUnavailable(error) || (error instanceof Fault && error.kind === 'deadline-exceeded');
}
