import { hostname } from 'node:os';
import { GrpcServer } from '../grpc/grpc-server.js';
import { logGrpcLibrary } from '../grpc/library-log.js';
import type { Context } from '../journal/context.js';
import { reactionProjection } from '../mysql/reaction-projection.js';
import { runService, type RunningService } from '../process/service-process.js';
import { ReactingStore } from '../reactions/reacting-store.js';
import type { Reaction } from '../reactions/reaction.js';
import { createLogger } from '../telemetry/logger.js';
import { Metrics } from '../telemetry/metrics.js';
import { serveMetrics } from '../telemetry/metrics-server.js';
import { ProjectionNode } from './projection-node.js';
import type { ProjectionSettings } from './projection-settings.js';
import { ReactionNode } from './reaction-node.js';

/**
 * Runs the process that carries out one reaction to a context's feed, one instance of perhaps several. A reaction has a
 * process of its own, so that one that waits holds up no other.
 *
 * @param name the reaction's
 * @param settings a projection's: MYSQL_URL is where its position and its dead letters are kept
 */
export function runReaction(
  context: Context,
  name: string,
  settings: ProjectionSettings,
  compose: (node: ReactionNode) => Promise<Reaction>,
): void {
  const logger = createLogger(`${context.name}-${name}`, settings.logLevel);
  logGrpcLibrary(logger);

  const start = async (): Promise<RunningService> => {
    const metrics = new Metrics();
    const metricsServer = await serveMetrics({
      ...{ host: settings.metricsHost, port: settings.metricsPort, metrics, logger },
    });
    const { grpcHost: host, grpcPort: port, limits, drainTimeoutMs, drainNoticeMs } = settings;
    const server = new GrpcServer({ host, port, services: [], limits });
    let node: ReactionNode | undefined;
    const projection = await ProjectionNode.open({
      ...{ context, settings, logger, metrics },
      projection: reactionProjection(name),
      async before(link) {
        node = new ReactionNode(context, settings, logger, link);
        const reaction = await compose(node);
        if (reaction.name !== name) throw new Error(`the reaction ${name} calls itself ${reaction.name}`);
        await node.announceTakeover();
        return (store) => new ReactingStore(store, reaction);
      },
      onHealth: (isHealthy) => server.setServing(isHealthy),
    });
    await server.start();
    // Until the first success.
    server.setServing(false);
    await projection.start(`${hostname()}:${server.port}`);
    logger.info({ port: server.port }, 'listening');

    return {
      async drain() {
        server.setServing(false);
        await projection.drain();
        await node?.finish(drainTimeoutMs / 4);
        await server.drain({ noticeMs: drainNoticeMs, timeoutMs: 1_000 });
        await projection.close();
        await metricsServer.close();
      },
    };
  };

  runService(logger, start, { drainTimeoutMs: settings.drainTimeoutMs + settings.drainNoticeMs });
}
