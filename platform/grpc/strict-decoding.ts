import { configureTextEncoding } from '@bufbuild/protobuf/wire';
import type { MethodDefinition } from '@grpc/grpc-js';
import { InvalidRequest } from '../kernel/field-violation.js';
import { requestShapeOf } from './request-shape.js';
import { WireScan, type DecodeBounds } from './wire-scan.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

// protobuf requires that a parser refuses invalid UTF-8; @bufbuild/protobuf's reader replaces it silently.
configureTextEncoding({
  encodeUtf8: (text) => encoder.encode(text) as Uint8Array<ArrayBuffer>,
  encodeUtf8Into: (text, target) => encoder.encodeInto(text, target),
  decodeUtf8: (bytes) => decoder.decode(bytes),
  checkUtf8: (text) => !/\p{Surrogate}/u.test(text),
});

/** A request that was not decoded; the handler answers with `error` in place of handling it. */
export class UndecodableRequest {
  constructor(readonly error: Error) {}
}

/**
 * The decoded request, or what is wrong with it: which list is too long, which fields are not UTF-8, or that the bytes
 * are no such message.
 */
export function decodeStrictly<Request>(
  decode: (bytes: Buffer) => Request,
  bytes: Buffer,
  scan: WireScan,
): Request | UndecodableRequest {
  const refusal = scan.refusal(bytes);
  if (refusal !== undefined) return new UndecodableRequest(new InvalidRequest([refusal]));
  try {
    return decode(bytes);
  } catch {
    const invalid = scan.invalidTexts(bytes);
    if (invalid.length > 0) return new UndecodableRequest(new InvalidRequest(invalid));
    const fault = { kind: 'malformed', expected: 'a message of the declared type' } as const;
    return new UndecodableRequest(new InvalidRequest([{ path: 'request', fault }]));
  }
}

const LARGE_BYTES = 256 * 1024;
const largeRequests = new WeakSet<object>();

/** The same method, whose requests are decoded strictly and within bounds. */
export function strictMethod<Request, Response>(
  method: MethodDefinition<Request, Response>,
  bounds?: DecodeBounds,
): MethodDefinition<Request | UndecodableRequest, Response> {
  const scan = new WireScan(requestShapeOf(method.path), bounds);
  const { requestDeserialize } = method;
  return {
    ...(method as MethodDefinition<Request | UndecodableRequest, Response>),
    requestDeserialize: (bytes) => {
      const request = decodeStrictly(requestDeserialize, bytes, scan);
      if (bytes.length > LARGE_BYTES) largeRequests.add(request as object);
      return request;
    },
  };
}

/** True for a request whose handling, after its decoding, would hold the event loop for too long in one go. */
export function isLargeRequest(request: unknown): boolean {
  return largeRequests.has(request as object);
}
