import { connect, type Socket } from 'node:net';

export interface RawOptions {
  /** @default 127.0.0.1 */
  readonly localAddress?: string;
  /** How long to wait for more at most. @default 5_000 */
  readonly patienceMs?: number;
  /** Ends the exchange when something has come, and then nothing for so long. @default never */
  readonly idleMs?: number;
}

/** Opens a connection, whose errors are the caller's to see as its end. */
export function openSocket(port: number, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  return socket;
}

/** Writes bytes on a connection of their own. @returns what came back, as latin1; never throws */
export async function rawRequest(
  port: number,
  chunks: readonly Uint8Array[],
  options: RawOptions = {},
): Promise<string> {
  const { localAddress, patienceMs = 5_000, idleMs } = options;
  const socket = openSocket(port, localAddress);
  let answer = '';
  const ended = new Promise<void>((resolve) => {
    let timer = setTimeout(resolve, patienceMs);
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (idleMs !== undefined) timer = restarted(timer, resolve, idleMs);
    });
    socket.on('close', () => (clearTimeout(timer), resolve()));
  });
  for (const chunk of chunks) socket.write(chunk);
  await ended;
  socket.destroy();
  return answer;
}

function restarted(timer: NodeJS.Timeout, callback: () => void, ms: number): NodeJS.Timeout {
  clearTimeout(timer);
  return setTimeout(callback, ms);
}
