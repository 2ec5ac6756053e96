import { Option, type Command } from 'commander';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import type { Context } from '../../journal/context.js';
import { Fault } from '../../kernel/fault.js';
import { Database } from '../../mysql/database.js';
import type { ProjectionDeclaration } from '../../mysql/projection-declaration.js';
import { migrationsOf } from '../../mysql/projection-tables.js';
import type { NatsLink } from '../../nats/nats-link.js';
import { placeAfter, PLACES } from '../command-line/arguments.js';
import { readMigrationSettings, readOperatorSettings } from '../command-line/config.js';
import { commandPrefixOf, type AdministeredContext, type AdminTask, type Ask } from '../command-line/admin-task.js';
import { addDeadLettersCommands, addSkipCommand } from '../command-line/dead-letters.js';
import { addMigrateCommand } from '../command-line/migrate-command.js';
import { openAdminLink } from '../command-line/open-admin-link.js';
import { ProjectionOperator, type ProjectionRequest } from './projection-operator.js';

/** Stands before messages on stderr. */
const NAME = 'projector';

/** `admin CONTEXT projection …` */
export function addProjectionCommands(parent: Command, administered: AdministeredContext, ask: Ask): void {
  const { context, projections } = administered;
  const [first, ...others] = projections;
  if (first === undefined) return;
  const noun = aggregateNounOf(context);
  const prefix = `${commandPrefixOf(context)} projection`;
  const group = parent
    .command('projection')
    .description(`look after the projection of ${noun}s into MySQL, with and without projectors running`)
    .addHelpText(
      'after',
      `
Settings, from the environment: NATS_URL, NATS_USER, NATS_PASSWORD, MYSQL_URL, FEED_STORAGE, NATS_REPLICAS,
PROJECTION_PARTITIONS; of migrate: MYSQL_URL, MIGRATE_WAIT_MS.
Exits with 0 when all is well, else with 1; retry, drop and skip also when a ${noun} stays parked.

Examples:
  ${prefix} status
  ${prefix} rewind --to 2026-01-31T12:00:00Z
  ${prefix} dead-letters retry ${noun.toUpperCase()}`,
    );
  const names = projections.map(({ name }) => name);
  if (others.length > 0) group.addOption(new Option('--projection <name>', 'which one').choices(names));
  const named = (): ProjectionDeclaration | undefined => {
    const { projection: name } = group.opts<{ projection?: string }>();
    return others.length === 0 ? first : projections.find((one) => one.name === name);
  };
  const askFor = (command: Command, request: ProjectionRequest): void => {
    const projection = named() ?? command.error(`--projection is needed behind \`projection\`: ${names.join(' or ')}`);
    ask(command, projectionTask(context, projection, request));
  };

  group
    .command('status')
    .description('owner, state, position, lag and rate of each partition')
    .action((_options, command: Command) => askFor(command, { kind: 'status' }));
  group
    .command('pause')
    .description('nothing is projected until resume; queries go on with what is there')
    .action((_options, command: Command) => askFor(command, { kind: 'pause' }));
  group
    .command('resume')
    .description('end a pause')
    .action((_options, command: Command) => askFor(command, { kind: 'resume' }));
  group
    .command('rewind')
    .description('read the feed again from a place; what is there already is left alone')
    .addOption(
      new Option(
        '--to <where>',
        'a sequence of the feed, or a time with its zone such as 2026-01-31T12:00:00Z',
      ).argParser(placeAfter('rewind needs --to')),
    )
    .action(({ to }: { to?: number | Date }, command: Command) => {
      if (to === undefined) command.error(`rewind needs --to with ${PLACES}`);
      askFor(command, { kind: 'rewind', to });
    });
  group
    .command('rebuild')
    .description(
      'make the read model anew from the journal beside the present one, and put it in its place; queries and projection go on meanwhile',
    )
    .option('--journal-restored', 'leave out what an older journal, restored, has not')
    .action(({ journalRestored }: { journalRestored?: true }, command: Command) =>
      askFor(command, { kind: 'rebuild', isJournalRestored: journalRestored === true }),
    );
  addDeadLettersCommands(group, { noun, done: 'projected', redo: 'project it' }, askFor);
  addSkipCommand(group, noun, askFor);
  addMigrateCommand(
    group,
    {
      description: 'bring the database of MYSQL_URL to the newest schema of all projections',
      migrations() {
        const one = named();
        return (one === undefined ? projections : [one]).flatMap((projection) => migrationsOf(projection));
      },
      readSettings() {
        const { mysqlUrl: url, waitMs } = readMigrationSettings();
        return { url, waitMs };
      },
    },
    ask,
  );
}

function projectionTask(context: Context, projection: ProjectionDeclaration, request: ProjectionRequest): AdminTask {
  return {
    name: NAME,
    request,
    async run(output) {
      const settings = readOperatorSettings();
      const database = new Database({ url: settings.mysqlUrl, maxConnections: 4, statementTimeoutMs: 30_000 });
      let link: Promise<NatsLink> | undefined;
      // Some requests need only the database.
      const openLink = (): Promise<NatsLink> => (link ??= openAdminLink(NAME, settings.natsUrl, output.warn));
      try {
        const parts = { context, projection, settings, database, openLink, output };
        return await new ProjectionOperator(parts).run(request);
      } finally {
        await (await link?.catch(() => undefined))?.close();
        await database.close();
      }
    },
    explain(error) {
      const { message, cause } = error;
      return [error instanceof Fault && cause instanceof Error ? `${message} (${cause.message})` : message];
    },
  };
}
