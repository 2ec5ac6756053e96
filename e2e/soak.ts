import { randomInt } from 'node:crypto';
import { chmod, access, constants, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Option } from 'commander';
import { toError } from '../platform/kernel/fault.js';
import { journalLayouts, type JournalLayout } from '../platform/nats/open-journal.js';
import { ChaosSession, type ChaosResult, type Progress } from './chaos/run-chaos.js';
import { soakRolling } from './rolling/soak-rolling.js';
import { minutes, newProgram, numberFrom, seed } from '../platform/process/program-options.js';

const about = `Starts a mesh of its own on free ports, kills, pauses and cuts off its processes by a random schedule while clients
write, lets their clocks jump and NATS's disk run full (as root), and then compares what they were told with journal and MySQL.
No thread may be unanswered for 15 s. Ctrl-C ends it early, with the checks. With --seeds, several schedules run one after another
on the same mesh, each with its checks, also after a violation. What it does and checks: docs/chaos.md

With --rolling nothing is killed: at 70 % of the capacity that it finds first, with all kinds of calls, everything is
restarted in turn as in an endless rolling update (two of each service and Envoy, three NATS nodes, MySQL). No call may fail,
and what lives from the first round to the end may hold no more memory and files than before. Needs Linux.`;

/** Runs the soak. @returns the exit code: 0 well, 1 a promise is broken, 2 the command line is wrong */
async function main(): Promise<number> {
  const options = readCommandLine();
  const { minutes, seed, seeds, report } = options;
  if (report !== undefined && !(await isWritable(dirname(report)))) {
    console.error(`--report ${report}: there is no folder ${dirname(report)} that can be written to`);
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'threadweaver-soak-'));
  // So that MySQL, which is a user of its own when root starts it, reaches its files here.
  await chmod(folder, 0o711);
  const which = seeds === 1 ? `seed ${seed}` : `seeds ${seed} to ${seed + seeds - 1}`;
  console.log(`${which}, ${Number(minutes.toFixed(2))} minutes each, evidence in ${folder}`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const common = { seed, durationMs: minutes * 60_000, folder, signal: stop.signal };
  if (options.rolling) return soakRolling({ ...common, share: options.share, reportFile: report });
  return soakChaos({ ...options, ...common });
}

interface CommandLine {
  readonly rolling: boolean;
  readonly minutes: number;
  readonly seed: number;
  readonly seeds: number;
  readonly layout: JournalLayout;
  readonly natsNodes: 1 | 3;
  readonly warmUpMs: number;
  readonly quiet: boolean;
  /** Of the capacity, from 0 to 1. */
  readonly share: number;
  readonly report: string | undefined;
}

interface Options extends Pick<CommandLine, 'seeds' | 'layout' | 'quiet' | 'rolling' | 'report'> {
  readonly minutes?: number;
  readonly seconds?: number;
  readonly seed?: number;
  readonly natsNodes: string;
  readonly warmUp: number;
  readonly percent?: number;
}

function readCommandLine(): CommandLine {
  const program = newProgram('npm run soak --', about)
    .option(
      '--minutes <n>',
      'how long (default: 5; with --rolling 30, and a few more for capacity and checks)',
      minutes,
    )
    .addOption(
      new Option('--seconds <n>', 'the same, in seconds')
        .argParser(numberFrom(0.001, 604_800, { isWhole: false }))
        .conflicts('minutes'),
    )
    .option('--seed <n>', 'repeat the schedule that printed it, with --rolling the calls (default: random)', seed)
    .option('--seeds <n>', 'so many schedules, each as long, of the seeds from --seed on', numberFrom(1, 1_000), 1)
    .addOption(new Option('--layout <layout>', 'of the journal').choices(journalLayouts).default('per-thread'))
    .addOption(new Option('--nats-nodes <n>', '3 for a cluster').choices(['1', '3']).default('1'))
    .option(
      '--warm-up <n>',
      'seconds before the first schedule; and a NATS server is killed or filled up only when it has run for so long',
      numberFrom(0, 3_600, { isWhole: false }),
      0,
    )
    .option('--quiet', 'no line for each fault', false)
    .option('--rolling', 'graceful restarts under all kinds of calls instead of faults', false)
    .option(
      '--percent <n>',
      'with --rolling: of the capacity; less where neighbours come and go (default: 70)',
      numberFrom(0.001, 100, { isWhole: false }),
    )
    .option(
      '--report <file>',
      "with --rolling: write FILE.md and its plots (FILE-calls.svg and so on, without FILE's ending)",
    )
    .parse();
  const { natsNodes, warmUp, seconds, percent, ...given } = program.opts<Options>();
  const { rolling, report } = given;
  if (percent !== undefined && !rolling) program.error('--percent: only with --rolling');
  if (report !== undefined && !rolling) program.error('--report: only with --rolling');
  if (report?.endsWith('.md') === false) program.error(`--report ${report}: must end with .md`);
  return {
    ...given,
    minutes: seconds === undefined ? (given.minutes ?? (rolling ? 30 : 5)) : seconds / 60,
    seed: given.seed ?? randomInt(2 ** 31),
    natsNodes: natsNodes === '3' ? 3 : 1,
    warmUpMs: warmUp * 1_000,
    share: (percent ?? 70) / 100,
    report,
  };
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}

interface ChaosSoak extends Pick<CommandLine, 'seed' | 'seeds' | 'layout' | 'natsNodes' | 'warmUpMs' | 'quiet'> {
  readonly durationMs: number;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Runs the schedules of all seeds on one mesh. @returns 1 when one of them has broken a promise */
async function soakChaos({ seed, seeds, layout, natsNodes, warmUpMs, quiet, ...options }: ChaosSoak): Promise<number> {
  const { folder, durationMs, signal } = options;
  const session = await ChaosSession.open({
    ...{ folder, signal, shape: { layout, natsNodes }, natsAgeMs: warmUpMs },
    report: quiet ? () => undefined : console.log,
    onProgress: (progress) => console.log(describeProgress(progress)),
  });
  const broken: string[] = [];
  const judge = async (name: string, run: Promise<ChaosResult>): Promise<void> => {
    const verdict = await run.then(describeResult, (error: unknown) => `it FAILED: ${toError(error).message}`);
    console.log(`${name}: ${verdict}`);
    if (!verdict.startsWith(ALL_WELL)) broken.push(name);
  };
  try {
    if (warmUpMs > 0) await judge('warm-up', session.warmUp(warmUpMs));
    for (let next = seed; next < seed + seeds && !signal.aborted; next += 1) {
      await judge(`seed ${next}`, session.run({ seed: next, durationMs }));
    }
  } finally {
    await session.stop();
  }
  console.log(broken.length === 0 ? 'no promise was broken' : `broken: ${broken.join(', ')}`);
  console.log(`${layout}, ${natsNodes} NATS, evidence in ${folder}`);
  return broken.length === 0 ? 0 : 1;
}

const ALL_WELL = 'no promise was broken';

function describeResult({ violations, ...result }: ChaosResult): string {
  const { commits, caughtUpAfterMs, longestSilenceMs } = result;
  const figures = [
    describeProgress(result),
    `${commits} commits in all`,
    `MySQL had caught up after ${caughtUpAfterMs} ms`,
    `longest without an answer ${longestSilenceMs} ms`,
  ].join('; ');
  if (violations.length === 0) return `${ALL_WELL}; ${figures}`;
  const shown = violations.slice(0, 20).map((violation) => `  ${JSON.stringify(violation)}`);
  return [`${violations.length} VIOLATIONS; ${figures}`, ...shown].join('\n');
}

function describeProgress({ elapsedMs, faults, acknowledged, rejected, unknown, longestMs }: Progress): string {
  const seconds = elapsedMs / 1_000;
  const rate = (acknowledged / seconds).toFixed(0);
  return (
    `${seconds.toFixed(0)} s: ${acknowledged} acknowledged (${rate}/s), ${rejected} rejected, ${unknown} unknown, ` +
    `${faults} faults, longest ${longestMs} ms`
  );
}

process.exitCode = await main();
