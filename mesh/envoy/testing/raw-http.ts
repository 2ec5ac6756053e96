import { connect } from 'node:net';

/** What came back, as it came. */
export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Chunked bodies with their chunks' heads. */
  readonly body: string;
}

/**
 * Sends bytes that no HTTP client would send, on a connection of their own.
 * @param isEnough of what has come so far. @default one whole answer
 */
export async function rawHttp(
  port: number,
  request: string | Uint8Array,
  isEnough: (text: string) => boolean = isWhole,
): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      // Envoy leaves it to the client to close first, for a second.
      if (isEnough(text)) socket.destroy();
    });
    // A reset is an end, too: Envoy may close before it has read all.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.write(typeof request === 'string' ? Buffer.from(request, 'latin1') : request);
  });
  return parsed(text);
}

function isWhole(text: string): boolean {
  if (!text.includes('\r\n\r\n')) return false;
  const { headers, body } = parsed(text);
  if (headers['transfer-encoding'] === 'chunked') return body.endsWith('0\r\n\r\n');
  return body.length >= Number(headers['content-length'] ?? Infinity);
}

function parsed(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const body = end < 0 ? '' : text.slice(end + 4);
  return { status: Number(first.split(' ')[1] ?? 0), headers: Object.fromEntries(headers), body };
}
