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

/** A unary gRPC-Web call, binary framing, as a browser would send it. */
export async function grpcWebCall(
  url: string,
  request: Uint8Array,
  headers: Record<string, string> = {},
): Promise<GrpcWebAnswer> {
  const frame = Buffer.alloc(5 + request.length);
  frame.writeUInt32BE(request.length, 1);
  frame.set(request, 5);
  const response = await fetch(url, {
    method: 'POST',
    body: frame,
    headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', ...headers },
  });
  const body = Buffer.from(await response.arrayBuffer());
  let message: Buffer | undefined;
  let trailers = new Map<string, string>();
  for (let at = 0; at + 5 <= body.length;) {
    const length = body.readUInt32BE(at + 1);
    const payload = body.subarray(at + 5, at + 5 + length);
    if (((body[at] ?? 0) & TRAILERS) === 0) message = payload;
    else trailers = trailersIn(payload.toString('latin1'));
    at += 5 + length;
  }
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
