import type { ServerResponse } from 'node:http';
import { toError } from '../kernel/fault.js';
import { serveHttp } from '../process/http-endpoint.js';
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
  const endpoint = await serveHttp({
    ...{ host, port, path: '/metrics', methods: ['GET'], maxConnections: 64 },
    taken: `cannot serve metrics on ${host}:${port}; set METRICS_PORT to a free port, or to 0 for none`,
    answer: (response) => void answer(response),
  });
  logger.info({ port: endpoint.port }, 'serving metrics');
  return endpoint;
}
