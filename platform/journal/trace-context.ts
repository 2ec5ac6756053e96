import { randomUUID } from 'node:crypto';
import { randomHex } from '../process/random-pool.js';

/** What ties the log lines of one call together, through gRPC metadata, NATS headers and the projector. */
export interface TraceContext {
  /** The caller's or Envoy's `x-request-id`. */
  readonly requestId: string;
  /** W3C `traceparent` (https://www.w3.org/TR/trace-context/). */
  readonly traceparent: string;
}

const requestIdFormat = /^[\x21-\x7e]{1,128}$/;
const traceparentFormat = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The context that the caller sent, with a new id in place of each that is absent or malformed. */
export function traceContextFrom(requestId: string | undefined, traceparent: string | undefined): TraceContext {
  return {
    requestId: requestId !== undefined && requestIdFormat.test(requestId) ? requestId : randomUUID(),
    // Nobody has recorded what it names, so nobody says that it was: flags 00.
    traceparent: isTraceparent(traceparent) ? traceparent : `00-${randomHex(16)}-${randomHex(8)}-00`,
  };
}

export function isTraceparent(text: string | undefined): text is string {
  return text !== undefined && traceparentFormat.test(text);
}

/** The trace id within a traceparent. */
export function traceIdOf(context: TraceContext): string {
  return context.traceparent.slice(3, 35);
}
