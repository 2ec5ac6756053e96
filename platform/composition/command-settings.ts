import { integer, port, type SettingsOf, text } from '../process/settings.js';
import { feedSettings, journalMaxStreams } from './backend-settings.js';
import { serverSettings } from './server-settings.js';

/**
 * Settings of every process that carries out commands.
 *
 * @param grpcPort default of GRPC_PORT
 * @param aggregate what people call an aggregate of this process, such as `thread`
 */
export function commandSettings(grpcPort: number, aggregate: string) {
  return {
    ...serverSettings(grpcPort),
    ...feedSettings,
    journalMaxStreams,
    adminHost: text(
      'ADMIN_HOST',
      { default: '127.0.0.1' },
      'address that serves it: who reaches it needs no permission, so it stays within the machine or pod',
    ),
    adminPort: port(
      'ADMIN_PORT',
      {
        default: 0,
        shown: '0 (50054 in Kubernetes and compose; `npm start` has `THREAD_COMMAND_ADMIN_PORT`, 50054)',
      },
      'serves what is for operators only, such as `npm run admin -- thread ownership`; 0 for nothing',
    ),
    commandTimeoutMs: integer(
      'COMMAND_TIMEOUT_MS',
      { default: 10_000, minimum: 1 },
      'how long a command may take whose caller sets no shorter deadline; rejections are remembered at least twice as long, and 30 s',
    ),
    passivateAfterMs: integer(
      'PASSIVATE_AFTER_MS',
      { default: 60_000, minimum: 1 },
      `an idle ${aggregate} leaves memory after so long`,
    ),
    maxAggregates: integer(
      'MAX_AGGREGATES',
      { default: 100_000, minimum: 1 },
      `above so many ${aggregate}s in memory, the least recently used leave it`,
    ),
    maxAggregatesMib: integer(
      'MAX_AGGREGATES_MIB',
      { default: 512, minimum: 1 },
      'likewise above so many MiB, by estimate',
    ),
    snapshotEveryCommits: integer(
      'SNAPSHOT_EVERY_COMMITS',
      { default: 500, minimum: 1 },
      `so many commits of a ${aggregate} lie between its snapshots, which only save time when it is loaded; with 50 one is saved too when the ${aggregate} gets another owner`,
    ),
    maxWaitingPerAggregate: integer(
      `MAX_WAITING_PER_${aggregate.toUpperCase()}`,
      { default: 1_000, minimum: 1 },
      `so many commands of one ${aggregate} may wait; more are RESOURCE_EXHAUSTED`,
    ),
    maxWaiting: integer('MAX_WAITING', { default: 10_000, minimum: 1 }, 'so many commands may wait in all'),
    maxRouted: integer(
      'MAX_ROUTED',
      { default: 5_000, minimum: 1 },
      `so many commands may be on their way from this instance to the owners of their ${aggregate}s; more are RESOURCE_EXHAUSTED`,
    ),
  };
}

/** Settings of every process that carries out commands. */
export type CommandSettings = SettingsOf<ReturnType<typeof commandSettings>>;
