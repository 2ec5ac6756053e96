import { settingsOrExit } from '../../../platform/process/environment.js';
import { printableNatsUrl } from '../../../platform/nats/nats-address.js';
import { NatsLink } from '../../../platform/nats/nats-link.js';
import { createLogger } from '../../../platform/telemetry/logger.js';
import { Fault, toError } from '../../../platform/kernel/fault.js';
import { threadEventCodec } from '../events/thread-event-codec.js';
import { helpText, readCommandLine, type JournalCommand } from './adapters/command-line.js';
import { deleteOldLayout } from '../../../platform/admin/journal/delete-old-layout.js';
import { exportJournal } from '../../../platform/admin/journal/export-journal.js';
import { threadContext } from '../events/context.js';
import { importJournal } from '../../../platform/admin/journal/import-journal.js';
import { Installation } from '../../../platform/admin/journal/installation.js';
import { migrateJournal } from '../../../platform/admin/journal/migrate-journal.js';
import { TerminalProgress } from '../../../platform/process/terminal-progress.js';
import { readJournalCommandConfig } from './config.js';
import { verifyJournal } from '../../../platform/admin/journal/verify-journal.js';

/** So many problems are named at most. */
const MAX_PROBLEMS = 100;

const progress = new TerminalProgress(process.stdout);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** @returns the exit code */
async function run(command: Exclude<JournalCommand, { kind: 'help' }>, installation: Installation): Promise<number> {
  switch (command.kind) {
    case 'verify': {
      const journal = await installation.presentJournal();
      const decode = threadEventCodec.decode.bind(threadEventCodec);
      const { aggregates, commits, events, problems } = await verifyJournal(journal, decode, progress);
      for (const problem of problems.slice(0, MAX_PROBLEMS)) process.stderr.write(`wrong: ${problem}\n`);
      say(`${aggregates} threads, ${commits} commits, ${events} events, ${problems.length} problems`);
      return problems.length === 0 ? 0 : 1;
    }
    case 'migrate': {
      const { to } = command;
      const buckets = command.buckets ?? installation.options.values.journalBuckets;
      const outcome = await migrateJournal(installation, to, buckets, progress);
      if (outcome.kind === 'unchanged') say(`the layout is ${to} already`);
      else {
        say(`${outcome.aggregates} threads, ${outcome.commits} commits copied and verified. The layout is ${to} now.`);
        const bucketSetting = to === 'bucketed' ? ` JOURNAL_BUCKETS=${buckets}` : '';
        say(
          `Start all processes with JOURNAL_LAYOUT=${to}${bucketSetting}; then \`migrate --delete-old\` frees the room.`,
        );
      }
      return 0;
    }
    case 'give-up': {
      const task = await installation.giveUpMaintenance();
      say(task === undefined ? 'nothing was interrupted' : `"journal ${task}" is given up`);
      return 0;
    }
    case 'delete-old':
      say(`${await deleteOldLayout(installation, progress)} streams deleted`);
      return 0;
    case 'export': {
      const { aggregates, commits, sha256 } = await exportJournal(installation, command.file, progress);
      say(`${aggregates} threads, ${commits} commits in ${command.file}, SHA-256 ${sha256}`);
      return 0;
    }
    case 'import': {
      const { aggregates, commits, sha256 } = await importJournal(installation, command.file, progress);
      say(`${aggregates} threads, ${commits} commits imported and verified, SHA-256 ${sha256}`);
      return 0;
    }
  }
}

const { command, config } = settingsOrExit(() => ({
  command: readCommandLine(process.argv.slice(2)),
  config: readJournalCommandConfig(),
}));
if (command.kind === 'help') {
  say(helpText);
} else {
  const logger = createLogger('journal', 'silent');
  const hint = setTimeout(
    () => process.stderr.write(`journal: waiting for NATS at ${printableNatsUrl(config.natsUrl)}\n`),
    2_000,
  );
  const onRefused = (message: string): void => void process.stderr.write(`journal: ${message}\n`);
  const link = await NatsLink.open({
    url: config.natsUrl,
    name: 'journal',
    logger,
    requestTimeoutMs: 30_000,
    onRefused,
  });
  clearTimeout(hint);
  try {
    const { installation: values, natsReplicas: replicas, journalMaxStreams: maxStreams } = config;
    const installation = await Installation.open({ link, prefix: threadContext.prefix, values, replicas, maxStreams });
    process.exitCode = await run(command, installation);
  } catch (thrown) {
    const error = toError(thrown);
    process.stderr.write(`journal: ${error.message}\n`);
    if (!(error instanceof Fault)) process.stderr.write('journal: run the same command again to go on\n');
    process.exitCode = 1;
  } finally {
    await link.close();
  }
}
