import { parseArgs } from 'node:util';
import { journalLayouts, type JournalLayout } from '../../../../platform/nats/open-journal.js';
import { Fault, toError } from '../../../../platform/kernel/fault.js';

/** What `npm run journal -- …` asks for. */
export type JournalCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'verify' | 'give-up' }
  | { readonly kind: 'migrate'; readonly to: JournalLayout; readonly buckets: number | undefined }
  | { readonly kind: 'delete-old' }
  | { readonly kind: 'export' | 'import'; readonly file: string };

export const helpText = `Looks after the journal of threads.

npm run journal -- verify                    reads all of it: versions without gaps, every event decodes
npm run journal -- export FILE               writes all commits to a new file; owners may run
npm run journal -- import FILE               brings the commits of a file into a journal that has none of its threads
npm run journal -- migrate --to LAYOUT       copies the journal into the other layout, per-thread or bucketed, and takes
                                             that from then on; interrupted, the same command goes on
    --buckets N                              so many streams, with bucketed; JOURNAL_BUCKETS when left out
npm run journal -- migrate --delete-old      deletes what a migration has left in the layout that is no longer taken
npm run journal -- give-up                   leaves an interrupted import or migrate at that: owners may start again, the
                                             layout stays
npm run journal -- --help                    this text

import and migrate want all owners (thread-command) stopped. Settings, from the environment: NATS_URL, NATS_REPLICAS,
JOURNAL_MAX_STREAMS, and JOURNAL_LAYOUT, JOURNAL_BUCKETS, PARTITIONS for an installation that was never started.
Exits with 0 when all is well, else with 1.`;

/** @throws Fault reason INVALID_ARGUMENTS saying which */
export function readCommandLine(args: readonly string[]): JournalCommand {
  const { values, positionals } = parse(args);
  const [name, file, ...rest] = positionals;
  const isMigration = name === 'migrate';
  if (values.help === true) return { kind: 'help' };
  if (!isMigration && Object.keys(values).length > 0) throw wrong(`only migrate takes --${Object.keys(values)[0]}`);
  const takesFile = name === 'export' || name === 'import';
  if (rest.length > 0 || (!takesFile && file !== undefined)) throw wrong(`${rest[0] ?? file} is one argument too many`);
  switch (name) {
    case 'verify':
    case 'give-up':
      return { kind: name };
    case 'export':
    case 'import':
      if (file === undefined) throw wrong(`${name} needs the name of a file`);
      return { kind: name, file };
    case 'migrate':
      return readMigration(values);
    default:
      throw wrong(name === undefined ? 'a command is missing' : `there is no command ${name}`);
  }
}

type Values = ReturnType<typeof parse>['values'];

function readMigration(values: Values): JournalCommand {
  const to = journalLayouts.find((layout) => layout === values.to);
  if (values['delete-old'] === true) {
    if (values.to !== undefined || values.buckets !== undefined) throw wrong('--delete-old comes alone, afterwards');
    return { kind: 'delete-old' };
  }
  if (to === undefined) throw wrong(`migrate needs --to ${journalLayouts.join(' or --to ')}`);
  const buckets = values.buckets === undefined ? undefined : Number(values.buckets);
  if (buckets !== undefined && !(Number.isInteger(buckets) && buckets >= 1 && buckets <= 1_024)) {
    throw wrong(`--buckets is ${values.buckets}, must be a whole number from 1 to 1024`);
  }
  if (buckets !== undefined && to !== 'bucketed') throw wrong('--buckets goes with --to bucketed');
  return { kind: 'migrate', to, buckets };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        to: { type: 'string' },
        buckets: { type: 'string' },
        'delete-old': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw wrong(toError(error).message);
  }
}

function wrong(message: string): Fault {
  const hint = 'npm run journal -- --help lists what there is.';
  return new Fault('failed-precondition', 'INVALID_ARGUMENTS', `${message}\n${hint}`);
}
