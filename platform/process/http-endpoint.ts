import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault } from '../kernel/fault.js';

/** One thing to read by HTTP, for programs that ask from time to time. */
export interface HttpEndpointOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** All else is not found. */
  readonly path: string;
  /** Other methods are refused. */
  readonly methods: readonly string[];
  readonly maxConnections: number;
  /** What to say when the port is taken. */
  readonly taken: string;
  answer(response: ServerResponse): void;
}

export interface HttpEndpoint {
  readonly port: number;
  /** Ends it, and requests under way with it. */
  close(): Promise<void>;
}

/**
 * Serves it until it is closed.
 * @throws Fault reason PORT_IN_USE
 */
export async function serveHttp(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const { host, port, path, methods, maxConnections, taken, answer } = options;
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== path) response.writeHead(404).end();
    else if (!methods.includes(request.method ?? '')) response.writeHead(405, { allow: methods.join(', ') }).end();
    else answer(response);
  });
  server.requestTimeout = 5_000;
  server.headersTimeout = 5_000;
  server.maxConnections = maxConnections;
  try {
    await once(server.listen({ host, port, exclusive: true }), 'listening');
  } catch (error) {
    throw new Fault('unavailable', 'PORT_IN_USE', taken, { cause: error });
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
