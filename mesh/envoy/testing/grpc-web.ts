/** What a gRPC-Web client got. */
export interface GrpcWebAnswer {
  readonly httpStatus: number;
  readonly headers: Headers;
  /** The response message's bytes; undefined when there was none. */
  readonly message: Buffer | undefined;
  /** From the trailers in the body, or from the headers when there is no body. */
  readonly grpcStatus: string | undefined;
  readonly grpcMessage: string | undefined;
}

const TRAILERS = 0x80;
const HEADER_BYTES = 5;

/** A message as gRPC-Web sends it. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, HEADER_BYTES);
  return frame;
}

/** What is in an answer's body: the message, if there is one, and the trailers behind it. */
export function readFrames(body: Buffer): { message: Buffer | undefined; trailers: ReadonlyMap<string, string> } {
  let message: Buffer | undefined;
  let trailers = new Map<string, string>();
  for (let at = 0; at + HEADER_BYTES <= body.length;) {
    const end = at + HEADER_BYTES + body.readUInt32BE(at + 1);
    const payload = body.subarray(at + HEADER_BYTES, end);
    if (((body[at] ?? 0) & TRAILERS) === 0) message = payload;
    else trailers = trailersIn(payload.toString('latin1'));
    at = end;
  }
  return { message, trailers };
}

/** A unary gRPC-Web call, binary framing, as a browser would send it. */
export async function grpcWebCall(
  url: string,
  request: Uint8Array,
  headers: Record<string, string> = {},
): Promise<GrpcWebAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    body: framed(request),
    headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', ...headers },
  });
  const { message, trailers } = readFrames(Buffer.from(await response.arrayBuffer()));
  const valueOf = (name: string): string | undefined => trailers.get(name) ?? response.headers.get(name) ?? undefined;
  return {
    httpStatus: response.status,
    headers: response.headers,
    message,
    grpcStatus: valueOf('grpc-status'),
    grpcMessage: valueOf('grpc-message'),
  };
}

function trailersIn(text: string): Map<string, string> {
  return new Map(
    text
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
  );
}
