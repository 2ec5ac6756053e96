import { hostname } from 'node:os';
import { GrpcServer } from '../grpc/grpc-server.js';
import type { Context } from '../journal/context.js';
import type { ProjectionDeclaration } from '../mysql/projection-declaration.js';
import type { NatsLink } from '../nats/nats-link.js';
import type { Logger } from '../telemetry/logger.js';
import { openAccessControl } from './open-access-control.js';
import { ProjectionNode, type BeforeRows } from './projection-node.js';
import type { ProjectionSettings } from './projection-settings.js';
import { runProcess } from './run-process.js';

/** Runs the process that brings a context's feed into one projection's tables, one instance of perhaps several. */
export function runProjection(context: Context, projection: ProjectionDeclaration, settings: ProjectionSettings): void {
  runProjectionNode(`${context.name}-projector`, context, projection, settings);
}

/** Runs a process that reads a context's feed. @param before makes what goes before a batch's rows. @default nothing does */
export function runProjectionNode(
  name: string,
  context: Context,
  projection: ProjectionDeclaration,
  settings: ProjectionSettings,
  before?: (link: NatsLink, logger: Logger) => Promise<BeforeRows>,
): void {
  const { grpcHost: host, grpcPort: port, limits, auth, drainTimeoutMs, drainNoticeMs } = settings;
  runProcess({ name, settings, drainTimeoutMs: drainTimeoutMs + drainNoticeMs }, async (logger, metrics) => {
    const access = openAccessControl(auth, { logger });
    const server = new GrpcServer({ host, port, services: [], limits, access });
    const node = await ProjectionNode.open({
      ...{ context, projection, settings, logger, metrics },
      ...(before && { before: (link: NatsLink) => before(link, logger) }),
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
        await server.drain({ noticeMs: drainNoticeMs, timeoutMs: 1_000 });
        await node.close();
      },
    };
  });
}
