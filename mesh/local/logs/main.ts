import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { asJson, printable, type LogEntry } from './log-entry.js';
import { keptLines, LogTails } from './log-files.js';
import { LogSearch, type Wanted } from './log-search.js';

/** How often `--follow` looks for more. */
const LOOK_EVERY_MS = 250;
/** Of more, the last ones are printed. */
const MAX_LINES = 100_000;

interface LogOptions extends Wanted {
  readonly follow?: true;
  readonly json?: true;
}

/** Prints what all processes of `npm start` have logged of a request. @returns the exit code */
async function main(): Promise<number> {
  const program = new Command('npm run logs --')
    .description('Prints what all processes of `npm start` have logged of something, in order of time.')
    .option('--request <id>', 'an `x-request-id`')
    .option('--trace <id>', 'a trace id: 32 hexadecimal digits')
    .option('--thread <id>', 'a thread, with all of each request that concerned it')
    .option('--account <id>', 'an account, with all of each request that it made')
    .option('-f, --follow', 'go on with what is logged from now on, until Ctrl-C; also without any id')
    .option('--json', 'each line as JSON, with the name of its process')
    .allowExcessArguments(false)
    .showHelpAfterError()
    .configureHelp({ helpWidth: 110 })
    .addHelpText(
      'after',
      `
Several ids are looked for together. Logs lie in DATA_DIR (.data), logs/<process>.log and what was moved away from there;
LOG_FILE_MAX_MIB and LOG_FILES_KEPT of \`npm start\` say how much is kept. Exits with 0 when there is something, else with 1.

Examples:
  npm run logs -- --request my-first
  npm run logs -- --account 01DB5QXD4NP0XQTV92K42B3XBF --follow`,
    );
  const { follow, json, ...wanted } = program.parse().opts<LogOptions>();
  const folder = join(process.env.DATA_DIR || '.data', 'logs');
  const hasId = Object.keys(wanted).length > 0;
  if (!hasId && follow !== true) program.error('say what to look for, or --follow');
  if (!existsSync(folder)) {
    process.stderr.write(
      `there are no logs in ${folder}: \`npm start\` writes them; DATA_DIR says where its data are\n`,
    );
    return 1;
  }
  const print = (entry: LogEntry): void => void process.stdout.write(`${(json ? asJson : printable)(entry)}\n`);
  const search = new LogSearch(wanted);
  const tails = follow === true ? new LogTails(folder) : undefined;
  const found = hasId ? await searchKept(folder, search) : [];
  for (const entry of found) print(entry);
  if (tails === undefined) {
    if (found.length === 0) process.stderr.write('nothing is logged of that; older lines may be gone\n');
    return found.length === 0 ? 1 : 0;
  }
  for (;;) {
    for (const entry of tails.read()) {
      search.learn(entry);
      if (search.concerns(entry)) print(entry);
    }
    await delay(LOOK_EVERY_MS);
  }
}

async function searchKept(folder: string, search: LogSearch): Promise<LogEntry[]> {
  for await (const entry of keptLines(folder, (text) => search.mayName(text))) search.learn(entry);
  let found: LogEntry[] = [];
  for await (const entry of keptLines(folder, (text) => search.mayConcern(text))) {
    if (!search.concerns(entry)) continue;
    found.push(entry);
    if (found.length >= 2 * MAX_LINES) found = lastOf(found);
  }
  return lastOf(found);
}

function lastOf(entries: LogEntry[]): LogEntry[] {
  return entries.toSorted((left, right) => left.time - right.time).slice(-MAX_LINES);
}

// Whoever read our output may have gone (`npm run logs | head`).
process.stdout.on('error', () => process.exit(0));
main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  },
);
