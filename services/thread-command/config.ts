import { Environment } from '../shared/adapters/environment.js';

/** Settings of thread-command; docs/settings.md lists them. */
export interface ThreadCommandConfig {
  /** Address to listen on. @default 0.0.0.0 */
  readonly grpcHost: string;
  /** @default 50051 */
  readonly grpcPort: number;
  /** One server or several, separated by commas. @default nats://127.0.0.1:4222 */
  readonly natsUrl: string;
  /** trace, debug, info, warn, error, fatal or silent. @default info */
  readonly logLevel: string;
  /** Above so many streams no new thread is created. @default 10000 */
  readonly journalMaxStreams: number;
  /** Copies of each stream in a NATS cluster. @default 1 */
  readonly natsReplicas: number;
  /** Where the feed is kept. @default memory */
  readonly feedStorage: 'memory' | 'file';
  /** An idle thread leaves memory after so long. @default 60000 */
  readonly passivateAfterMs: number;
  /** Above so many threads in memory, the least recently used leave it. @default 100000 */
  readonly maxAggregates: number;
  /** Likewise above so many MiB, by estimate. @default 512 */
  readonly maxAggregatesMib: number;
  /** So many commands of one thread may wait. @default 1000 */
  readonly maxWaitingPerThread: number;
  /** So many commands may wait in all. @default 10000 */
  readonly maxWaiting: number;
  /** How long a command may take at most. @default 10000 */
  readonly commandTimeoutMs: number;
  /** How long balancers get to see that this instance drains. @default 0 */
  readonly drainNoticeMs: number;
  /** How long draining may take. @default 15000 */
  readonly drainTimeoutMs: number;
}

export function readConfig(variables = process.env): ThreadCommandConfig {
  const environment = new Environment(variables);
  return {
    grpcHost: environment.text('GRPC_HOST', '0.0.0.0'),
    grpcPort: environment.port('GRPC_PORT', 50_051),
    natsUrl: environment.text('NATS_URL', 'nats://127.0.0.1:4222'),
    logLevel: environment.choice('LOG_LEVEL', ['info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent'], 'info'),
    journalMaxStreams: environment.integer('JOURNAL_MAX_STREAMS', 10_000, { minimum: 1 }),
    natsReplicas: environment.integer('NATS_REPLICAS', 1, { minimum: 1, maximum: 5 }),
    feedStorage: environment.choice('FEED_STORAGE', ['memory', 'file'], 'memory'),
    passivateAfterMs: environment.integer('PASSIVATE_AFTER_MS', 60_000, { minimum: 1 }),
    maxAggregates: environment.integer('MAX_AGGREGATES', 100_000, { minimum: 1 }),
    maxAggregatesMib: environment.integer('MAX_AGGREGATES_MIB', 512, { minimum: 1 }),
    maxWaitingPerThread: environment.integer('MAX_WAITING_PER_THREAD', 1_000, { minimum: 1 }),
    maxWaiting: environment.integer('MAX_WAITING', 10_000, { minimum: 1 }),
    commandTimeoutMs: environment.integer('COMMAND_TIMEOUT_MS', 10_000, { minimum: 1 }),
    drainNoticeMs: environment.integer('DRAIN_NOTICE_MS', 0),
    drainTimeoutMs: environment.integer('DRAIN_TIMEOUT_MS', 15_000, { minimum: 1 }),
  };
}
