import type { MethodDefinition } from '@grpc/grpc-js';
import { grpcFailure } from './grpc-channel.js';
import { type HttpAnswer, type HttpClient, httpFailure } from './http-client.js';
import type { RpcChannel } from './rpc-channel.js';
import { CallFailed } from './thread-api.js';

/** Flag of the frame that holds the trailers. */
const TRAILERS = 0x80;
const FRAME_HEAD = 5;

/**
 * gRPC-Web in its binary form over HTTP/1.1: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md. The libraries
 * for it are for browsers, or want a newer Node; what they would add to HTTP is a frame's five bytes.
 */
export class GrpcWebChannel implements RpcChannel {
  constructor(private readonly http: HttpClient) {}

  async call<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { deadlineAt, threadId }: { readonly deadlineAt: number; readonly threadId?: string },
  ): Promise<Response> {
    const headers = headersOf(threadId);
    headers['grpc-timeout'] = `${Math.max(deadlineAt - Date.now(), 1)}m`;
    const answer = await this.http.send('POST', path, headers, framed(requestSerialize(request)), deadlineAt);
    if (answer.status !== 200) throw httpFailure(answer.status);
    const message = messageOf(answer);
    try {
      return responseDeserialize(message);
    } catch {
      throw new CallFailed('check: not decodable', false);
    }
  }

  async *stream<Request, Response>(
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
    { threadId, signal }: { readonly threadId: string; readonly signal: AbortSignal },
  ): AsyncIterable<Response> {
    const body = framed(requestSerialize(request));
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of this.http.stream('POST', path, headersOf(threadId), body, signal)) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const { frames, used } = framesIn(rest);
      rest = rest.subarray(used);
      for (const { isTrailers, payload } of frames) {
        if (!isTrailers) yield responseDeserialize(payload);
        else checkStatus(trailerIn(payload, 'grpc-status'));
      }
    }
  }

  close(): Promise<void> {
    return this.http.close();
  }
}

function headersOf(threadId: string | undefined): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' };
  if (threadId !== undefined) headers['x-thread-id'] = threadId;
  return headers;
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEAD);
  return frame;
}

interface Frame {
  readonly isTrailers: boolean;
  readonly payload: Buffer;
}

/** The whole frames at the beginning, and their bytes. */
function framesIn(bytes: Buffer): { readonly frames: Frame[]; readonly used: number } {
  const frames: Frame[] = [];
  let used = 0;
  while (used + FRAME_HEAD <= bytes.length) {
    const end = used + FRAME_HEAD + bytes.readUInt32BE(used + 1);
    if (end > bytes.length) break;
    const payload = bytes.subarray(used + FRAME_HEAD, end);
    frames.push({ isTrailers: ((bytes[used] ?? 0) & TRAILERS) !== 0, payload });
    used = end;
  }
  return { frames, used };
}

/** @throws CallFailed unless the status is OK and there is a message */
function messageOf({ headers, body }: HttpAnswer): Buffer {
  const { frames } = framesIn(body);
  const trailers = frames.find(({ isTrailers }) => isTrailers);
  const inHeaders = headers['grpc-status'];
  checkStatus(trailers === undefined ? String(inHeaders ?? '') : trailerIn(trailers.payload, 'grpc-status'));
  const message = frames.find(({ isTrailers }) => !isTrailers);
  if (message === undefined) throw new CallFailed('check: no message', false);
  return message.payload;
}

function checkStatus(grpcStatus: string | undefined): void {
  if (grpcStatus === '0') return;
  if (grpcStatus === undefined || !/^\d+$/.test(grpcStatus)) throw new CallFailed('check: no grpc-status', false);
  throw grpcFailure(Number(grpcStatus));
}

function trailerIn(payload: Buffer, name: string): string | undefined {
  const prefix = `${name}:`;
  const line = payload
    .toString('latin1')
    .split('\r\n')
    .find((each) => each.toLowerCase().startsWith(prefix));
  return line?.slice(prefix.length).trim();
}
