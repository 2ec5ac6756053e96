import { InvalidArgumentError } from 'commander';
import { newProgram, numberFrom } from '../platform/process/program-options.js';
import { benchHandover } from './handover-bench.js';
import { benchHotThread } from './hot-thread-bench.js';
import { benchJournal } from './journal-bench.js';
import { addMessagesLine } from './lines/add-messages-line.js';
import { createLine } from './lines/create-line.js';
import { crudLine } from './lines/crud-line.js';
import { fairnessLine } from './lines/fairness-line.js';
import { hotLine } from './lines/hot-line.js';
import { instancesLine } from './lines/instances-line.js';
import { readLines } from './lines/read-lines.js';
import { tracingLine } from './lines/tracing-line.js';
import { benchHistories, benchScaleModel, benchScaling } from './scaling-bench.js';
import { benchStreams } from './streams-bench.js';
import { isMet, type Line, type LineResult } from './support/line.js';
import { verdictCells, writeResults } from './support/results.js';
import { printTable } from './table.js';
import { benchVisibility } from './visibility-bench.js';
import { benchWatch } from './watch-bench.js';

/** The table of performance, in its order: each line beside its reference, measured in the same run. */
const lines: readonly Line[] = [
  addMessagesLine,
  tracingLine,
  hotLine,
  fairnessLine,
  createLine,
  crudLine,
  instancesLine,
  ...readLines,
];

/** A bench that only prints. */
type Bench = (options: { readonly count: number | undefined }) => Promise<void>;

/** Run only when named. */
const benches: Readonly<Record<string, { readonly about: string; readonly run: Bench }>> = {
  visibility: { about: 'from the answer to a create until GET shows the thread', run: benchVisibility },
  watch: { about: 'from a post until a watcher has it, through Envoy', run: benchWatch },
  journal: { about: 'appends through the journal, against bare publishes', run: benchJournal },
  handover: {
    about: 'calls while a thread-command process leaves or joins, against undisturbed ones',
    run: benchHandover,
  },
  'hot-thread': { about: 'appends to one thread in either layout', run: benchHotThread },
  scaling: { about: 'what more threads and longer threads cost, 1 to 200,000 (ten minutes)', run: benchScaling },
  histories: {
    about: 'of scaling only longer threads (a minute)',
    run: benchHistories,
  },
  'scale-model': {
    about: 'what 1 and 100 million threads need, from what scaling measured last (docs/scaling.md)',
    run: benchScaleModel,
  },
  streams: { about: 'what a stream per thread costs as their number grows (minutes)', run: benchStreams },
};

const described = (entries: readonly (readonly [string, string])[]): string =>
  entries.map(([name, about]) => `  ${name.padEnd(14)}${about}`).join('\n');

const about = `Each starts the servers it needs on free ports with data of its own. The table of performance, all of which runs unless some are named:
${described(lines.map(({ name, about }) => [name, about]))}

Others, which run only when named:
${described(Object.entries(benches).map(([name, { about }]) => [name, about]))}`;

const profiling = `
BENCH_NODE_OPTIONS_THREAD_COMMAND="--cpu-prof --cpu-prof-dir=DIR" profiles a service; likewise with other names.`;

interface CommandLine {
  /** Names; undefined for the table of performance. */
  readonly only?: readonly string[];
  readonly count?: number;
  readonly rounds?: number;
  readonly write: boolean;
}

function readCommandLine(): CommandLine {
  return newProgram('npm run bench --', about)
    .option('--only <names>', 'with commas between them', namesOf)
    .option('--count <n>', 'operations a round', numberFrom(1, 100_000_000))
    .option('--rounds <n>', 'rounds that count; one more warms up', numberFrom(1, 1_000))
    .option(
      '--write',
      "keep the results of the table's lines in bench/results.json and write them into docs/performance.md",
      false,
    )
    .addHelpText('after', profiling)
    .parse()
    .opts<CommandLine>();
}

function namesOf(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !lines.some((line) => line.name === name) && !(name in benches));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no bench ${JSON.stringify(unknown)}.`);
  return names;
}

async function main(): Promise<void> {
  const { only, count, rounds, write } = readCommandLine();
  const order = lines.map((line) => line.name);
  const measured = new Map<string, LineResult>();
  for (const name of only ?? lines.map((line) => line.name)) {
    const line = lines.find((one) => one.name === name);
    console.log(`\n${name}: ${line?.about ?? benches[name]?.about}`);
    if (line === undefined) {
      await benches[name]?.run({ count });
      continue;
    }
    const result = await line.run({ count, rounds });
    measured.set(name, result);
    // At once: a later one may fail.
    if (write) await writeResults(new Map([[name, result]]), order);
    print(result);
  }
  const missed = [...measured.values()].flatMap(({ verdicts }) => verdicts.filter((verdict) => !isMet(verdict)));
  if (missed.length > 0) console.log(`\n${missed.length} targets are not reached.`);
}

function print({ tables, verdicts, notes = [] }: LineResult): void {
  for (const { caption, rows } of tables) {
    if (caption) console.log(`  ${caption}`);
    printTable(rows);
  }
  printTable(verdicts.map((verdict) => ({ what: verdict.what, measure: verdict.measure, ...verdictCells(verdict) })));
  for (const note of notes) console.log(`  ${note}`);
}

await main();
