import { setTimeout as delay } from 'node:timers/promises';
import { GrpcServer } from '../grpc/grpc-server.js';
import type { BoundService } from '../grpc/unary-service.js';
import type { Context } from '../journal/context.js';
import { DatabaseHealth } from '../mysql/database-health.js';
import type { Database } from '../mysql/database.js';
import type { AggregateVersions } from '../queries/read-model-versions.js';
import { openAccessControl } from './open-access-control.js';
import { QueryNode } from './query-node.js';
import type { QuerySettings } from './query-settings.js';
import { runProcess } from './run-process.js';

/** What a context's queries are made of. */
export interface Queries {
  /** Asks its read model how far that is. */
  versions(database: Database): AggregateVersions;
  /** Binds the services that queries and watches come by. */
  services(node: QueryNode): readonly BoundService[];
}

/** A query holds some ids, a page token and at most 255 characters to search for. */
const MAX_REQUEST_BYTES = 64 * 1024;

/** Runs the process that answers a context's queries and lets its aggregates be watched, one instance of perhaps several. */
export function runQueries(context: Context, settings: QuerySettings, { versions, services }: Queries): void {
  const drainTimeoutMs = settings.drainTimeoutMs + settings.drainNoticeMs + 2_000;
  runProcess({ name: `${context.name}-query`, settings, drainTimeoutMs }, async (logger, metrics) => {
    const health = new DatabaseHealth({
      url: settings.mysqlUrl,
      everyMs: settings.healthCheckEveryMs,
      onChange: (isHealthy, error) => {
        server.setServing(isHealthy);
        if (isHealthy) logger.info('the database answers');
        else logger.error({ error }, 'the database does not answer');
      },
    });
    const node = new QueryNode({ context, settings, logger, metrics, health, versions });
    const server = new GrpcServer({
      host: settings.grpcHost,
      port: settings.grpcPort,
      services: services(node),
      maxRequestBytes: MAX_REQUEST_BYTES,
      // A watch may go on for longer than a connection.
      connectionGraceMs: Infinity,
      limits: settings.limits,
      access: openAccessControl(settings.auth, { rules: context.access, logger, observe: node.observe }),
    });
    await server.start();
    await health.start();
    node.connected.start();
    logger.info({ port: server.port }, 'listening');

    return {
      async drain() {
        await health.stop();
        server.setServing(false);
        await delay(settings.drainNoticeMs);
        // Balancers send watchers elsewhere by now.
        await node.connected.stop();
        await server.drain({ noticeMs: 0, timeoutMs: settings.drainTimeoutMs });
        await node.database.close();
      },
    };
  });
}
