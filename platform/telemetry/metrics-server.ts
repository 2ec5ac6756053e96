import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Fault, toError } from '../kernel/fault.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

export interface MetricsServerOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0: metrics are not served. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Serves a process's metrics at `GET /metrics`. */
export interface MetricsServer {
  /** Ends it, and scrapes under way with it. */
  close(): Promise<void>;
}

/**
 * Serves metrics, unless the port is 0.
 * @throws Fault reason PORT_IN_USE it cannot listen there; names the setting
 */
export async function serveMetrics({ host, port, metrics, logger }: MetricsServerOptions): Promise<MetricsServer> {
  if (port === 0) return { close: () => Promise.resolve() };
  metrics.addProcess();
  // Scrapes at the same time share their work.
  let scrape: Promise<string> | undefined;
  const answer = async (response: ServerResponse): Promise<void> => {
    try {
      scrape ??= metrics.text().finally(() => (scrape = undefined));
      const text = await scrape;
      response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
    } catch (error) {
      logger.error({ error: toError(error) }, 'metrics cannot be read');
      response.writeHead(500).end();
    }
  };
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== '/metrics') response.writeHead(404).end();
    else if (request.method !== 'GET') response.writeHead(405, { allow: 'GET' }).end();
    else void answer(response);
  });
  server.requestTimeout = 5_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 64;
  await listen(server, host, port);
  logger.info({ port: (server.address() as AddressInfo).port }, 'serving metrics');
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await once(server.listen({ host, port, exclusive: true }), 'listening');
  } catch (error) {
    const message = `cannot serve metrics on ${host}:${port}; set METRICS_PORT to a free port, or to 0 for none`;
    throw new Fault('unavailable', 'PORT_IN_USE', message, { cause: error });
  }
}
