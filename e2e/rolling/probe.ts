import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';

/*
 * Preloaded into a service by `node --import`, so that its heap can be looked at from outside. Listens on the Unix socket
 * SOAK_PROBE_SOCKET: POST /memory collects garbage and tells what is left, POST /snapshot?FILE writes a heap snapshot.
 */

/** What a process's heap holds after a garbage collection, in bytes. */
export interface HeapReading {
  readonly heapUsed: number;
  /** Buffers and the like that V8 knows of but does not hold. */
  readonly external: number;
  /** What keeps the event loop alive, by kind: sockets, timers. */
  readonly resources: Readonly<Record<string, number>>;
}

const socketPath = process.env.SOAK_PROBE_SOCKET;
if (socketPath !== undefined) serve(socketPath);

function serve(path: string): void {
  // Only functions that are made after this have it in their scope.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  rmSync(path, { force: true });
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close');
    response.end(JSON.stringify(answer(request, collect)));
  });
  server.listen(path);
  // The service decides how long the process lives.
  server.unref();
}

function answer({ url = '' }: IncomingMessage, collect: () => void): HeapReading | { readonly file: string } {
  const { pathname, search } = new URL(url, 'http://probe');
  if (pathname === '/snapshot') return { file: writeHeapSnapshot(decodeURIComponent(search.slice(1))) };
  // Once more for what finalisers have let go.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { heapUsed, external, resources };
}
