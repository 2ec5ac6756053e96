import { integer, LONGEST_MS, type SettingsOf } from '../process/settings.js';
import { feedSettings, installation, mysqlUrl } from './backend-settings.js';
import { serverSettings } from './server-settings.js';

/** PROJECTION_PARTITIONS: no more than the installation has. */
export const projectionPartitions = integer(
  'PROJECTION_PARTITIONS',
  (variables) => {
    const maximum = Math.min(256, installation.read(variables).partitions);
    return { default: Math.min(8, maximum), minimum: 1, maximum };
  },
  'parts that projectors share ([projector.md](projector.md)); the same in every projector, at most `PARTITIONS`; never changes',
);

/**
 * Settings of every process that projects.
 *
 * @param grpcPort default of GRPC_PORT
 * @param aggregate what people call an aggregate of what is projected, such as `thread`
 */
export function projectionSettings(grpcPort: number, aggregate: string) {
  return {
    ...serverSettings(grpcPort),
    mysqlUrl,
    ...feedSettings,
    projectionPartitions,
    mysqlMaxConnections: integer('MYSQL_MAX_CONNECTIONS', { default: 4, minimum: 1 }, 'connections to MySQL'),
    batchCommits: integer(
      'PROJECTION_BATCH_COMMITS',
      { default: 500, minimum: 1, maximum: 10_000 },
      'commits in one transaction at most',
    ),
    lingerMs: integer(
      'PROJECTION_LINGER_MS',
      { default: 10, maximum: 1_000 },
      'how long a batch may wait to fill, while many commits come',
    ),
    reconcileEveryMs: integer(
      'RECONCILE_EVERY_MS',
      { default: 300_000, minimum: 100, maximum: LONGEST_MS },
      "how often the journal's versions are compared with the read model's",
    ),
    reconcileThreadsPerSecond: integer(
      `RECONCILE_${aggregate.toUpperCase()}S_PER_SECOND`,
      { default: 5_000, minimum: 1 },
      `so many ${aggregate}s are compared in a second at most`,
    ),
    mysqlAbandonAfterSeconds: integer(
      'MYSQL_ABANDON_AFTER_SECONDS',
      { default: 5, minimum: 1, maximum: 3_600 },
      'the server ends a session, and its transaction, of which it hears nothing for so long; a lock is waited for no longer either',
    ),
    checkEveryMs: integer(
      'PROJECTION_CHECK_EVERY_MS',
      { default: 1_000, minimum: 10, maximum: LONGEST_MS },
      'how often it is checked that projecting is possible and not paused',
    ),
    unhealthyAfterMs: integer(
      'UNHEALTHY_AFTER_MS',
      { default: 5_000, maximum: LONGEST_MS },
      'how long projecting may fail before health says NOT_SERVING',
    ),
  };
}

/** Settings of every process that projects. */
export type ProjectionSettings = SettingsOf<ReturnType<typeof projectionSettings>>;
