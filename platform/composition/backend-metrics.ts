import type { Database } from '../mysql/database.js';
import type { NatsLink } from '../nats/nats-link.js';
import type { WriteProbe } from '../nats/write-probe.js';
import type { Metrics } from '../telemetry/metrics.js';

/** @param linkOf undefined until there is one */
export function natsMetrics(metrics: Metrics, linkOf: () => NatsLink | undefined): void {
  metrics.gauge('threadweaver_nats_connected', '1 while connected to NATS, else 0.', () =>
    linkOf()?.isConnected === true ? 1 : 0,
  );
  metrics.counterOf(
    'threadweaver_nats_reconnects_total',
    'Times that a lost connection to NATS has come back.',
    () => linkOf()?.reconnects ?? 0,
  );
}

export function natsWritableMetric(metrics: Metrics, probe: WriteProbe): void {
  metrics.gauge(
    'threadweaver_nats_writable',
    '0 when nothing could be written to the disk of NATS for 15 s, else 1.',
    () => Number(probe.isWritable),
  );
}

export function databaseMetrics(metrics: Metrics, database: Database): void {
  metrics.gauge(
    'threadweaver_database_connections_in_use',
    'Database connections that a statement or transaction has.',
    () => database.inUse,
  );
  metrics.gauge(
    'threadweaver_database_connections_limit',
    'MYSQL_MAX_CONNECTIONS: database connections at most.',
    () => database.maxConnections,
  );
  metrics.gauge(
    'threadweaver_database_waiting',
    'Statements and transactions that wait for a database connection.',
    () => database.waiting,
  );
}
