import { hostname } from 'node:os';
import { GrpcServer } from '../grpc/grpc-server.js';
import { logGrpcLibrary } from '../grpc/library-log.js';
import type { Context } from '../journal/context.js';
import type { ProjectionDeclaration } from '../mysql/projection-declaration.js';
import { runService, type RunningService } from '../process/service-process.js';
import { createLogger } from '../telemetry/logger.js';
import { Metrics } from '../telemetry/metrics.js';
import { serveMetrics } from '../telemetry/metrics-server.js';
import { ProjectionNode } from './projection-node.js';
import type { ProjectionSettings } from './projection-settings.js';

/** Runs the process that brings a context's feed into one projection's tables, one instance of perhaps several. */
export function runProjection(context: Context, projection: ProjectionDeclaration, settings: ProjectionSettings): void {
  const logger = createLogger(`${context.name}-projector`, settings.logLevel);
  logGrpcLibrary(logger);

  const start = async (): Promise<RunningService> => {
    const metrics = new Metrics();
    const metricsServer = await serveMetrics({
      ...{ host: settings.metricsHost, port: settings.metricsPort, metrics, logger },
    });
    const { grpcHost: host, grpcPort: port, limits } = settings;
    const server = new GrpcServer({ host, port, services: [], limits });
    const node = await ProjectionNode.open({
      ...{ context, projection, settings, logger, metrics },
      onHealth: (isHealthy) => server.setServing(isHealthy),
    });
    await server.start();
    // Until the first success.
    server.setServing(false);
    await node.start(`${hostname()}:${server.port}`);
    logger.info({ port: server.port }, 'listening');

    return {
      async drain() {
        server.setServing(false);
        await node.drain();
        await server.drain({ noticeMs: settings.drainNoticeMs, timeoutMs: 1_000 });
        await node.close();
        await metricsServer.close();
      },
    };
  };

  runService(logger, start, { drainTimeoutMs: settings.drainTimeoutMs + settings.drainNoticeMs });
}
