import { InvalidArgumentError, Option, type Command } from 'commander';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import type { Context } from '../../journal/context.js';
import { Fault } from '../../kernel/fault.js';
import { journalLayouts, type JournalLayout } from '../../nats/open-journal.js';
import { TerminalProgress } from '../../process/terminal-progress.js';
import { readJournalSettings } from '../command-line/config.js';
import {
  commandPrefixOf,
  type AdminOutput,
  type AdminResult,
  type AdminTask,
  type Ask,
} from '../command-line/admin-task.js';
import { openAdminLink } from '../command-line/open-admin-link.js';
import { deleteOldLayout } from './delete-old-layout.js';
import { exportJournal } from './export-journal.js';
import { importJournal } from './import-journal.js';
import { Installation } from './installation.js';
import { migrateJournal } from './migrate-journal.js';
import { verifyJournal } from './verify-journal.js';

/** What is asked for of a journal. */
export type JournalRequest =
  | { readonly kind: 'verify' | 'give-up' | 'delete-old' }
  | { readonly kind: 'migrate'; readonly to: JournalLayout; readonly buckets: number | undefined }
  | { readonly kind: 'export' | 'import'; readonly file: string };

/** So many problems are named at most. */
const MAX_PROBLEMS = 100;
const NAME = 'journal';

/** `admin CONTEXT journal …` */
export function addJournalCommands(parent: Command, context: Context, ask: Ask): void {
  const noun = aggregateNounOf(context);
  const prefix = `${commandPrefixOf(context)} journal`;
  const journal = parent
    .command('journal')
    .description(`look after the journal of ${noun}s`)
    .addHelpText(
      'after',
      `
import and migrate want all owners (${context.name}-command) stopped. Settings, from the environment: NATS_URL, NATS_USER,
NATS_PASSWORD, NATS_REPLICAS, JOURNAL_MAX_STREAMS, and JOURNAL_LAYOUT, JOURNAL_BUCKETS, PARTITIONS for an installation
that was never started. Exits with 0 when all is well, else with 1.

Examples:
  ${prefix} verify
  ${prefix} export ${noun}s.journal
  ${prefix} migrate --to bucketed --buckets 16`,
    );
  const askFor = (command: Command, request: JournalRequest): void => ask(command, journalTask(context, request));

  journal
    .command('verify')
    .description('read all of it: versions without gaps, every event decodes')
    .action((_options, command: Command) => askFor(command, { kind: 'verify' }));
  journal
    .command('export')
    .argument('<file>', 'must not be there yet')
    .description('write all commits to a new file; owners may run')
    .action((file: string, _options, command: Command) => askFor(command, { kind: 'export', file }));
  journal
    .command('import')
    .argument('<file>')
    .description(`bring the commits of a file into a journal that has none of its ${noun}s; interrupted, it goes on`)
    .action((file: string, _options, command: Command) => askFor(command, { kind: 'import', file }));
  journal
    .command('migrate')
    .description('copy the journal into the other layout, and take that from then on; interrupted, it goes on')
    .addOption(new Option('--to <layout>', 'the layout').choices(journalLayouts))
    .option('--buckets <n>', 'so many streams, 1 to 1024, with bucketed (default: JOURNAL_BUCKETS)', bucketsOf)
    .option('--delete-old', 'delete what a migration has left in the layout that is no longer taken')
    .action((options: MigrationOptions, command: Command) => askFor(command, migrationOf(options, command)));
  journal
    .command('give-up')
    .description('leave an interrupted import or migrate at that: owners may start again, the layout stays')
    .action((_options, command: Command) => askFor(command, { kind: 'give-up' }));
}

interface MigrationOptions {
  readonly to?: JournalLayout;
  readonly buckets?: number;
  readonly deleteOld?: true;
}

function migrationOf({ to, buckets, deleteOld }: MigrationOptions, command: Command): JournalRequest {
  if (deleteOld === true) {
    if (to !== undefined || buckets !== undefined) command.error('--delete-old comes alone, afterwards');
    return { kind: 'delete-old' };
  }
  if (to === undefined) return command.error(`migrate needs --to ${journalLayouts.join(' or --to ')}`);
  if (buckets !== undefined && to !== 'bucketed') command.error('--buckets goes with --to bucketed');
  return { kind: 'migrate', to, buckets };
}

function bucketsOf(text: string): number {
  const buckets = Number(text);
  if (Number.isInteger(buckets) && buckets >= 1 && buckets <= 1_024) return buckets;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1024.');
}

function journalTask(context: Context, request: JournalRequest): AdminTask {
  return {
    name: NAME,
    request,
    async run(output) {
      const { natsUrl, natsReplicas: replicas, journalMaxStreams: maxStreams, installation } = readJournalSettings();
      const link = await openAdminLink(NAME, natsUrl, output.warn);
      try {
        const options = { link, context, values: installation, replicas, maxStreams };
        return await carryOut(request, await Installation.open(options), output);
      } finally {
        await link.close();
      }
    },
    explain: (error) => [
      error.message,
      // Of NATS, or of the disk: nothing is decided by it.
      ...(error instanceof Fault ? [] : ['run the same command again to go on']),
    ],
  };
}

async function carryOut(
  request: JournalRequest,
  installation: Installation,
  { say, warn, progress: stream }: AdminOutput,
): Promise<AdminResult> {
  const { context, values } = installation.options;
  const nouns = `${aggregateNounOf(context)}s`;
  const progress = new TerminalProgress(stream);
  switch (request.kind) {
    case 'verify': {
      const journal = await installation.presentJournal();
      const report = await verifyJournal(journal, (event) => context.codec.decode(event), progress);
      const { aggregates, commits, events, problems } = report;
      for (const problem of problems.slice(0, MAX_PROBLEMS)) warn(`wrong: ${problem}`);
      say(`${aggregates} ${nouns}, ${commits} commits, ${events} events, ${problems.length} problems`);
      return { code: problems.length === 0 ? 0 : 1, data: report };
    }
    case 'migrate': {
      const { to, buckets = values.journalBuckets } = request;
      const outcome = await migrateJournal(installation, to, buckets, progress);
      if (outcome.kind === 'unchanged') say(`the layout is ${to} already`);
      else {
        say(`${outcome.aggregates} ${nouns}, ${outcome.commits} commits copied and verified. The layout is ${to} now.`);
        const bucketSetting = to === 'bucketed' ? ` JOURNAL_BUCKETS=${buckets}` : '';
        say(
          `Start all processes with JOURNAL_LAYOUT=${to}${bucketSetting}; then \`migrate --delete-old\` frees the room.`,
        );
      }
      return { code: 0, data: outcome };
    }
    case 'give-up': {
      const task = await installation.giveUpMaintenance();
      say(task === undefined ? 'nothing was interrupted' : `"journal ${task}" is given up`);
      return { code: 0, data: { givenUp: task ?? null } };
    }
    case 'delete-old': {
      const streams = await deleteOldLayout(installation, progress);
      say(`${streams} streams deleted`);
      return { code: 0, data: { streams } };
    }
    case 'export': {
      const summary = await exportJournal(installation, request.file, progress);
      const { aggregates, commits, sha256 } = summary;
      say(`${aggregates} ${nouns}, ${commits} commits in ${request.file}, SHA-256 ${sha256}`);
      return { code: 0, data: summary };
    }
    case 'import': {
      const summary = await importJournal(installation, request.file, progress);
      const { aggregates, commits, sha256 } = summary;
      say(`${aggregates} ${nouns}, ${commits} commits imported and verified, SHA-256 ${sha256}`);
      return { code: 0, data: summary };
    }
  }
}
