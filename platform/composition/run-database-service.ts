import { setTimeout as delay } from 'node:timers/promises';
import { callMetrics } from '../grpc/call-metrics.js';
import type { ObserveCalls } from '../grpc/call-context.js';
import { GrpcServer } from '../grpc/grpc-server.js';
import type { BoundService } from '../grpc/unary-service.js';
import type { AccessRules } from '../kernel/access-rules.js';
import { DatabaseHealth } from '../mysql/database-health.js';
import { Database } from '../mysql/database.js';
import { FairQueue } from '../process/fair-queue.js';
import type { SettingsOf } from '../process/settings.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { databaseMetrics } from './backend-metrics.js';
import type { databaseSettings } from './backend-settings.js';
import { openAccessControl } from './open-access-control.js';
import { runProcess } from './run-process.js';
import type { ServerSettings } from './server-settings.js';

/** Settings of a service that answers from a database. */
export type DatabaseServiceSettings = ServerSettings & SettingsOf<typeof databaseSettings>;

/** What such a service stands on. */
export interface DatabaseNode {
  readonly database: Database;
  /** Has clients take turns at it. */
  readonly turns: FairQueue;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Measures calls. */
  readonly observe: ObserveCalls;
}

/** What it is made of. */
export interface DatabaseService {
  readonly services: readonly BoundService[];
  /** Who may call what of them, where calls need tokens. */
  readonly access?: AccessRules | undefined;
  /** Largest request in bytes. */
  readonly maxRequestBytes: number;
  /** Begins what goes on beside calls, once those are taken. @default nothing */
  start?(): void;
  /** Ends streams that would go on for ever. @default nothing */
  endStreams?(): Promise<void> | void;
  /** Ends what else there is, once all calls have ended. @default nothing */
  stop?(): Promise<void> | void;
}

/** Runs a process that answers from a database, one instance of perhaps several. @param url where that is */
export function runDatabaseService(
  name: string,
  settings: DatabaseServiceSettings,
  url: string,
  compose: (node: DatabaseNode) => DatabaseService | Promise<DatabaseService>,
): void {
  const drainTimeoutMs = settings.drainTimeoutMs + settings.drainNoticeMs + 2_000;
  runProcess({ name, settings, drainTimeoutMs }, async (logger, metrics) => {
    const health = new DatabaseHealth({
      url,
      everyMs: settings.healthCheckEveryMs,
      onChange: (isHealthy, error) => {
        server.setServing(isHealthy);
        if (isHealthy) logger.info('the database answers');
        else logger.error({ error }, 'the database does not answer');
      },
    });
    const database = new Database({
      url,
      maxConnections: settings.mysqlMaxConnections,
      connectTimeoutMs: settings.mysqlConnectTimeoutMs,
      acquireTimeoutMs: settings.mysqlAcquireTimeoutMs,
      statementTimeoutMs: settings.mysqlStatementTimeoutMs,
      // Callers need not wait for what the last check has waited for.
      whyAway: () => health.trouble,
    });
    databaseMetrics(metrics, database);
    metrics.gauge('threadweaver_database_up', '1 while the database answers the check, else 0.', () =>
      health.isHealthy === undefined ? undefined : Number(health.isHealthy),
    );
    const turns = new FairQueue({
      maxRunning: settings.mysqlMaxConnections,
      maxWaitingPerClient: settings.maxQueuedPerClient,
      maxWaitMs: settings.mysqlAcquireTimeoutMs,
    });
    const observe = callMetrics(metrics);
    const service = await compose({ database, turns, logger, metrics, observe });
    const server = new GrpcServer({
      host: settings.grpcHost,
      port: settings.grpcPort,
      services: service.services,
      maxRequestBytes: service.maxRequestBytes,
      // A stream may go on for longer than a connection.
      connectionGraceMs: Infinity,
      limits: settings.limits,
      access: openAccessControl(settings.auth, { rules: service.access, logger, observe }),
    });
    await server.start();
    await health.start();
    service.start?.();
    logger.info({ port: server.port }, 'listening');

    return {
      async drain() {
        await health.stop();
        server.setServing(false);
        await delay(settings.drainNoticeMs);
        // Balancers send everybody elsewhere by now.
        await service.endStreams?.();
        await server.drain({ noticeMs: 0, timeoutMs: settings.drainTimeoutMs });
        await service.stop?.();
        await database.close();
      },
    };
  });
}
