import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { BadRequest } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';

/** What came of a request. */
export interface Answer {
  /** The gRPC status; `none` when the stream or the connection ended without one, or nothing came in time. */
  readonly code: keyof typeof status | 'none';
  readonly message: string;
  /** Fields that a google.rpc.BadRequest names. */
  readonly fields: readonly string[];
  readonly httpStatus: number;
  readonly headers: IncomingHttpHeaders;
  /** The messages of the answer, without their frames' headers. */
  readonly messages: readonly Buffer[];
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** @default application/grpc */
  readonly web?: boolean;
  /** Ends the call with its first message, as one that has seen enough of a stream. @default false */
  readonly isStream?: boolean;
  /** @default 60_000 */
  readonly patienceMs?: number;
}

/** The headers that say who calls, at present. */
export type Identity = () => Readonly<Record<string, string>>;
export const nobody: Identity = () => ({});

const TRAILERS = 0x80;
const FRAME_HEADER_BYTES = 5;

/** A message in its frame. `length` is what the frame claims. @default the truth */
export function frame(message: Uint8Array, length = message.length, flags = 0): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt8(flags);
  header.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([header, message]);
}

/** A connection that speaks gRPC and gRPC-Web without a library between, so that anything can be sent. */
export class Http2Client {
  #session: ClientHttp2Session | undefined;

  /**
   * @param localAddress where the connection comes from, such as 127.0.0.2
   * @param identity the headers by which each call says who it is from
   */
  constructor(
    readonly port: number,
    readonly localAddress = '127.0.0.1',
    readonly identity: Identity = nobody,
  ) {}

  /** The connection; a new one when the last has ended. */
  get session(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.destroyed || this.#session.closed) {
      this.#session = connect(`http://127.0.0.1:${this.port}`, {
        // In MB; with less, large requests end the connection on this side.
        maxSessionMemory: 1_000,
        createConnection: () => connectSocket({ port: this.port, host: '127.0.0.1', localAddress: this.localAddress }),
      });
      // Its streams tell.
      this.#session.on('error', () => undefined);
    }
    return this.#session;
  }

  close(): void {
    this.#session?.destroy();
  }

  /** Sends `body`, framed already, to a method. Never throws. */
  call(path: string, body: Uint8Array, options: RequestOptions = {}): Promise<Answer> {
    const { web = false, isStream = false, patienceMs = 60_000 } = options;
    const type = web ? 'application/grpc-web+proto' : 'application/grpc';
    return new Promise((resolve) => {
      let headers: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      let trouble = '';
      const finish = (): void => {
        clearTimeout(timer);
        resolve(answerOf(headers, trailers, Buffer.concat(chunks), trouble, isStream));
      };
      const timer = setTimeout(
        () => ((trouble = `nothing in ${patienceMs} ms`), stream?.close(), finish()),
        patienceMs,
      );
      let stream: ReturnType<ClientHttp2Session['request']> | undefined;
      try {
        stream = this.session.request({
          ':method': 'POST',
          ':path': path,
          te: 'trailers',
          'content-type': type,
          ...this.identity(),
          ...options.headers,
        });
      } catch (error) {
        trouble = String(error);
        return finish();
      }
      const opened = stream;
      opened.on('response', (received: IncomingHttpHeaders) => (headers = received));
      opened.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
      opened.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (isStream) opened.close(constants.NGHTTP2_CANCEL);
      });
      opened.on('error', (error: Error) => (trouble = error.message));
      opened.on('close', () => {
        if (opened.rstCode !== 0 && !isStream) trouble ||= `reset with ${opened.rstCode}`;
        finish();
      });
      opened.end(body);
    });
  }
}

function answerOf(
  headers: IncomingHttpHeaders,
  trailers: IncomingHttpHeaders,
  body: Buffer,
  trouble: string,
  isStream: boolean,
): Answer {
  const messages: Buffer[] = [];
  let last: IncomingHttpHeaders = { ...headers, ...trailers };
  for (let at = 0; at + FRAME_HEADER_BYTES <= body.length;) {
    const payload = body.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + body.readUInt32BE(at + 1));
    if (((body[at] ?? 0) & TRAILERS) === 0) messages.push(payload);
    else last = { ...last, ...trailersOf(payload.toString('latin1')) };
    at += FRAME_HEADER_BYTES + payload.length;
  }
  const number = last['grpc-status'];
  const known = number === undefined ? undefined : status[Number(number)];
  const isCutShort = isStream && number === undefined && messages.length > 0;
  const details = last['grpc-status-details-bin'];
  return {
    code: isCutShort ? 'OK' : ((known as keyof typeof status | undefined) ?? 'none'),
    message: decoded(String(last['grpc-message'] ?? trouble)),
    fields: details === undefined ? [] : fieldsOf(String(details)),
    httpStatus: Number(headers[':status'] ?? 0),
    headers: last,
    messages,
  };
}

function trailersOf(text: string): IncomingHttpHeaders {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(lines.map((line) => /^([^:]*): ?(.*)$/s.exec(line)?.slice(1) ?? []) as [string, string][]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fieldsOf(details: string): string[] {
  const { details: all } = Status.decode(Buffer.from(details, 'base64'));
  const badRequests = all.filter(({ typeUrl }) => typeUrl.endsWith('google.rpc.BadRequest'));
  return badRequests.flatMap(({ value }) => BadRequest.decode(value).fieldViolations.map(({ field }) => field));
}
