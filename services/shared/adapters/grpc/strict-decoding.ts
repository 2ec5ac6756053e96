import { configureTextEncoding } from '@bufbuild/protobuf/wire';
import { InvalidRequest, type FieldViolation } from '../../kernel/field-violation.js';

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
let strict = true;

// protobuf requires that a parser refuses invalid UTF-8; @bufbuild/protobuf's reader replaces it silently.
configureTextEncoding({
  encodeUtf8: (text) => encoder.encode(text) as Uint8Array<ArrayBuffer>,
  encodeUtf8Into: (text, target) => encoder.encodeInto(text, target),
  decodeUtf8: (bytes) => (strict ? strictDecoder : lenientDecoder).decode(bytes),
  checkUtf8: (text) => !/\p{Surrogate}/u.test(text),
});

/** A request that could not be decoded; the handler answers with `error` in place of handling it. */
export class UndecodableRequest {
  constructor(readonly error: InvalidRequest) {}
}

/** The decoded request, or what is wrong with it: which field is not UTF-8, or that the bytes are no such message. */
export function decodeStrictly<Request>(
  decode: (bytes: Buffer) => Request,
  bytes: Buffer,
): Request | UndecodableRequest {
  try {
    return decode(bytes);
  } catch {
    return new UndecodableRequest(new InvalidRequest(whatIsWrong(decode, bytes)));
  }
}

function whatIsWrong(decode: (bytes: Buffer) => unknown, bytes: Buffer): FieldViolation[] {
  strict = false;
  try {
    const paths = replacedTexts('', decode(bytes));
    if (paths.length > 0) return paths.slice(0, 30).map((path) => ({ path, fault: { kind: 'not-utf8' } }));
  } catch {
    // Not only the texts are wrong.
  } finally {
    strict = true;
  }
  return [{ path: 'request', fault: { kind: 'malformed', expected: 'a message of the declared type' } }];
}

/** Paths of the texts in which the lenient decoder has put U+FFFD. */
function replacedTexts(path: string, value: unknown): string[] {
  if (typeof value === 'string') return value.includes('\ufffd') ? [path] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => replacedTexts(`${path}[${index}]`, item));
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([key, item]) => replacedTexts(path === '' ? key : `${path}.${key}`, item));
}
