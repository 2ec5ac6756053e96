import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  ServerInterceptingCall,
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { Fault } from '../kernel/fault.js';
import { Shares } from '../process/shares.js';
import { ClientAddresses } from './client-address.js';
import { toServiceError } from './statuses.js';

/** What one client may have at once of a server, however it came: through Envoy or directly. */
export interface CallLimits {
  /** Calls that have not ended, watches and answers that are not yet taken included. @default 2500 */
  readonly maxCallsPerClient?: number;
  /** Of these, calls whose request is not complete after a second. @default 64 */
  readonly maxUnfinishedPerClient?: number;
  /** A request must be complete after so long; of a stream of requests, each next one must come. @default 10000 */
  readonly requestTimeoutMs?: number;
  /** An answer must be taken after so long, or the stream is reset, in milliseconds. @default 30000 */
  readonly answerTimeoutMs?: number;
  /** Bytes of answers that a client has not taken; with more, its oldest streams are reset. @default 64 MiB */
  readonly maxUntakenBytes?: number;
  /** Addresses and networks whose x-forwarded-for counts. @default loopback and private networks */
  readonly trustedProxies?: string;
}

/** Under this name handlers find the client in a call's metadata; what a caller sends under it is replaced. */
export const CLIENT_HEADER = 'x-client-of-call';

/** Between looks at what is unfinished and what is not taken, in milliseconds. */
const LOOK_EVERY_MS = 500;
/** A request that is complete before is never counted as unfinished: many arrive in pieces. */
const UNFINISHED_AFTER_MS = 1_000;

interface OpenCall {
  readonly call: ServerInterceptingCallInterface;
  readonly stream: ServerHttp2Stream | undefined;
  readonly client: string;
  /** Since when what is awaited of the client is awaited, by performance.now(). */
  since: number;
  /** What takes its place among the client's unfinished calls away again. */
  leaveUnfinished?: () => void;
}

/** Holds a server's clients to their limits, as an interceptor of its calls. */
export class ClientLimits {
  readonly #limits: Required<Omit<CallLimits, 'trustedProxies'>>;
  readonly #addresses: ClientAddresses;
  readonly #calls: Shares;
  readonly #unfinished: Shares;
  // Both in the order of `since`.
  readonly #requests = new Set<OpenCall>();
  readonly #answers = new Set<OpenCall>();
  #timer: NodeJS.Timeout | undefined;

  /** @throws Error when `trustedProxies` are none */
  constructor({ trustedProxies, ...limits }: CallLimits = {}) {
    this.#limits = {
      maxCallsPerClient: 2_500,
      maxUnfinishedPerClient: 64,
      requestTimeoutMs: 10_000,
      answerTimeoutMs: 30_000,
      maxUntakenBytes: 64 * 1024 * 1024,
      ...limits,
    };
    this.#addresses = new ClientAddresses(trustedProxies);
    this.#calls = new Shares(this.#limits.maxCallsPerClient);
    this.#unfinished = new Shares(this.#limits.maxUnfinishedPerClient);
  }

  /** Ends what it does in the background. */
  stop(): void {
    clearInterval(this.#timer);
  }

  readonly interceptor: ServerInterceptor = (method, call) => {
    let open: OpenCall | undefined;
    let leave: (() => void) | undefined;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const client = this.#addresses.clientOf(remoteAddress(call), forwardedFor(metadata));
            leave = this.#calls.take(client);
            if (leave === undefined) return this.#refuse(call, tooManyCalls(this.#limits.maxCallsPerClient));
            metadata.set(CLIENT_HEADER, client);
            open = { call, stream: http2StreamOf(call), client, since: performance.now() };
            this.#await(this.#requests, open);
            pass(metadata);
          },
          onReceiveMessage: (message, pass) => {
            if (method.requestStream && open && this.#requests.delete(open)) {
              open.since = performance.now();
              this.#requests.add(open);
            }
            pass(message);
          },
          onReceiveHalfClose: (pass) => {
            // A caller that goes away has not come to the end, as grpc-js would have it of a stream of requests.
            if (method.requestStream && open?.stream?.aborted) return;
            if (open) this.#finished(open);
            pass();
          },
          onCancel: () => {
            if (open) this.#forget(open);
            leave?.();
          },
        }),
      // The status of a unary call waits until its answer is taken, so the answer has to be looked at.
      sendMessage: (message, pass) => {
        if (open && !method.responseStream) this.#answered(open);
        pass(message);
      },
      sendStatus: (status, pass) => {
        if (open) this.#answered(open);
        pass(status);
      },
    });
  };

  #await(calls: Set<OpenCall>, open: OpenCall): void {
    calls.add(open);
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  #answered(open: OpenCall): void {
    this.#finished(open);
    if (this.#answers.has(open)) return;
    open.since = performance.now();
    this.#await(this.#answers, open);
  }

  #finished(open: OpenCall): void {
    this.#requests.delete(open);
    open.leaveUnfinished?.();
  }

  #forget(open: OpenCall): void {
    // Its deadline has passed, and the caller may still be sending.
    if (this.#requests.has(open)) open.stream?.close(constants.NGHTTP2_NO_ERROR);
    this.#finished(open);
    this.#answers.delete(open);
  }

  #refuse(call: ServerInterceptingCallInterface, fault: Fault): void {
    const { code, details, metadata } = toServiceError(fault);
    call.sendStatus({ code, details, metadata });
    // Whoever refuses need not hear the rest of the request.
    http2StreamOf(call)?.close(constants.NGHTTP2_NO_ERROR);
  }

  #look(): void {
    if (this.#requests.size === 0 && this.#answers.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#lookAtRequests();
    this.#lookAtAnswers();
  }

  #lookAtRequests(): void {
    const { requestTimeoutMs, maxUnfinishedPerClient } = this.#limits;
    const now = performance.now();
    for (const open of this.#requests) {
      const age = now - open.since;
      if (age < Math.min(UNFINISHED_AFTER_MS, requestTimeoutMs)) return;
      open.leaveUnfinished ??= this.#unfinished.take(open.client);
      const fault =
        age >= requestTimeoutMs
          ? new Fault(
              'deadline-exceeded',
              'REQUEST_TIMEOUT',
              `the request was not complete after ${requestTimeoutMs} ms`,
            )
          : open.leaveUnfinished === undefined && tooManyUnfinished(maxUnfinishedPerClient);
      if (!fault) continue;
      this.#finished(open);
      this.#refuse(open.call, fault);
    }
  }

  /** Answers, once they are given, must also be taken. */
  #lookAtAnswers(): void {
    const { answerTimeoutMs, maxUntakenBytes } = this.#limits;
    const oldest = performance.now() - answerTimeoutMs;
    const untaken = new Map<string, number>();
    // From the newest on, so that the oldest are those that are too many.
    for (const open of [...this.#answers].reverse()) {
      const bytes = (untaken.get(open.client) ?? 0) + (open.stream?.writableLength ?? 0);
      untaken.set(open.client, bytes);
      if (open.since > oldest && bytes <= maxUntakenBytes) continue;
      this.#answers.delete(open);
      open.stream?.close(constants.NGHTTP2_CANCEL);
    }
  }
}

function tooManyCalls(most: number): Fault {
  return new Fault('exhausted', 'TOO_MANY_CALLS', `a client may have ${most} calls here at once, try again later`);
}

function tooManyUnfinished(most: number): Fault {
  const message = `a client may have ${most} unfinished requests here at once`;
  return new Fault('exhausted', 'TOO_MANY_UNFINISHED_CALLS', message);
}

function forwardedFor(metadata: Metadata): string | undefined {
  const values = metadata.get('x-forwarded-for');
  return values.length === 0 ? undefined : values.join(',');
}

function remoteAddress(call: ServerInterceptingCallInterface): string | undefined {
  return call.getConnectionInfo().remoteAddress;
}

/**
 * The call's HTTP/2 stream. grpc-js has no way to reset a stream whose caller takes nothing (its status waits behind
 * what is not taken), nor to end one whose caller goes on sending, so this reaches into it; without it, a connection's
 * limits and age still hold.
 */
function http2StreamOf(call: ServerInterceptingCallInterface): ServerHttp2Stream | undefined {
  return (call as { stream?: ServerHttp2Stream }).stream;
}
