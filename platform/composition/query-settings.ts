import { integer, LONGEST_MS, type SettingsOf } from '../process/settings.js';
import { databaseSettings, feedSettings, mysqlUrl } from './backend-settings.js';
import { serverSettings } from './server-settings.js';

/** Envoy ends a stream in which nothing moves for five minutes. */
const LONGEST_HEARTBEAT_MS = 120_000;

const readModelSettings = {
  mysqlUrl,
  ...databaseSettings,
  minVersionWaitMs: integer(
    'MIN_VERSION_WAIT_MS',
    { default: 5_000, maximum: LONGEST_MS },
    'how long a query waits for the version that it asks for, if its caller sets no deadline (gRPC through Envoy always has one, of 15 s at most)',
  ),
  maxWaitingQueries: integer(
    'MAX_WAITING_QUERIES',
    { default: 10_000, minimum: 1 },
    'so many queries may wait for a version at once; more are RESOURCE_EXHAUSTED',
  ),
};

const watchSettings = {
  maxWatchers: integer(
    'MAX_WATCHERS',
    { default: 5_000, minimum: 1 },
    'so many may watch at once; more are RESOURCE_EXHAUSTED',
  ),
  maxWatchersPerClient: integer(
    'MAX_WATCHERS_PER_CLIENT',
    { default: 2_000, minimum: 1 },
    'of them, so many of one client',
  ),
  maxWatchersPerAccount: integer(
    'MAX_WATCHERS_PER_ACCOUNT',
    { default: 1_000, minimum: 1 },
    'of them, so many of one account',
  ),
  watchHeartbeatMs: integer(
    'WATCH_HEARTBEAT_MS',
    { default: 15_000, minimum: 100, maximum: LONGEST_HEARTBEAT_MS },
    'how often a watcher hears something, and the journal is compared with what it was told, when nothing happens; at most 120000',
  ),
  watchBufferCommits: integer(
    'WATCH_BUFFER_COMMITS',
    { default: 1_000, minimum: 1 },
    'a watcher that falls so many commits behind, after it had caught up, is cut off (SLOW_READER)',
  ),
  watchBufferKib: integer('WATCH_BUFFER_KIB', { default: 4_096, minimum: 1 }, 'likewise in KiB of events'),
  watchStallMs: integer(
    'WATCH_STALL_MS',
    { default: 30_000, minimum: 100, maximum: LONGEST_MS },
    'a watcher that takes nothing for so long, though there is something, is cut off',
  ),
  watchMaxReads: integer(
    'WATCH_MAX_READS',
    { default: 16, minimum: 1 },
    'so many reads of the journal may go on at once for watchers',
  ),
};

/**
 * Settings of every process that answers queries.
 *
 * @param grpcPort default of GRPC_PORT
 */
export function querySettings(grpcPort: number) {
  return { ...serverSettings(grpcPort), ...readModelSettings, ...feedSettings, ...watchSettings };
}

/** Settings of every process that answers queries. */
export type QuerySettings = SettingsOf<ReturnType<typeof querySettings>>;
