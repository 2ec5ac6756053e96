import { randomInt } from 'node:crypto';
import { chmod, access, constants, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { toError } from '../platform/kernel/fault.js';
import { journalLayouts, type JournalLayout } from '../platform/nats/open-journal.js';
import { ChaosSession, type ChaosResult, type Progress } from './chaos/run-chaos.js';
import { soakRolling } from './rolling/soak-rolling.js';

const help = `npm run soak -- [--minutes N | --seconds N] [--seed N] [--seeds N] [--layout L] [--nats-nodes N] [--warm-up N] [--quiet]
npm run soak -- --rolling [--minutes N] [--seed N] [--percent N] [--report FILE]

Starts a mesh of its own on free ports, kills, pauses and cuts off its processes by a random schedule while clients
write, lets their clocks jump and NATS's disk run full (as root), and then compares what they were told with journal and MySQL.
No thread may be unanswered for 15 s. Ctrl-C ends it early, with the checks. With --seeds, several schedules run one after another
on the same mesh, each with its checks, also after a violation. What it does and checks: docs/chaos.md

With --rolling nothing is killed: at 70 % of the capacity that it finds first, with all kinds of calls, everything is
restarted in turn as in an endless rolling update (two of each service and Envoy, three NATS nodes, MySQL). No call may fail,
and what lives from the first round to the end may hold no more memory and files than before. Needs Linux.

  --minutes N     how long. Default 5; with --rolling 30, and a few more for capacity and checks
  --seconds N     the same, in seconds
  --seed N        repeats the schedule that printed it (with --rolling: the calls). Default: random
  --seeds N       so many schedules, each as long, of the seeds from --seed on. Default 1
  --layout L      of the journal: per-thread (default) or bucketed
  --nats-nodes N  1 (default), or 3 for a cluster
  --warm-up N     seconds before the first schedule; and a NATS server is killed or filled up only when it has run for so long. Default 0
  --quiet         no line for each fault
  --rolling       graceful restarts under all kinds of calls instead of faults
  --percent N     with --rolling: of the capacity; less where neighbours come and go. Default 70
  --report FILE   with --rolling: writes FILE (Markdown) and its plots (FILE-calls.svg and so on, without FILE's ending)`;

/** Runs the soak. @returns the exit code: 0 well, 1 a promise is broken, 2 the command line is wrong */
async function main(): Promise<number> {
  const options = readCommandLine();
  if (typeof options === 'string') {
    console.error(`${options}\n\n${help}`);
    return 2;
  }
  if (options.help) {
    console.log(help);
    return 0;
  }
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
  readonly help: boolean;
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

/** @returns what is wrong, if anything is */
function readCommandLine(): CommandLine | string {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        minutes: { type: 'string' },
        seconds: { type: 'string' },
        seed: { type: 'string' },
        seeds: { type: 'string', default: '1' },
        layout: { type: 'string', default: 'per-thread' },
        'nats-nodes': { type: 'string', default: '1' },
        'warm-up': { type: 'string', default: '0' },
        quiet: { type: 'boolean', default: false },
        rolling: { type: 'boolean', default: false },
        percent: { type: 'string' },
        report: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return toError(error).message;
  }
  const { help: wantsHelp, rolling, quiet, report } = values;
  const inMinutes = values.seconds === undefined ? undefined : Number(values.seconds) / 60;
  if (inMinutes !== undefined && values.minutes !== undefined) return '--seconds and --minutes: one of them';
  const minutes = inMinutes ?? Number(values.minutes ?? (rolling ? 30 : 5));
  const seed = values.seed ?? String(randomInt(2 ** 31));
  if (!(minutes > 0 && minutes <= MOST_MINUTES)) {
    return `--minutes ${values.minutes ?? minutes}: must be a number above 0, up to ${MOST_MINUTES}`;
  }
  if (!/^\d{1,10}$/.test(seed) || Number(seed) >= 2 ** 32) return `--seed ${seed}: must be a whole number below 2^32`;
  const [seeds, warmUpS] = [Number(values.seeds), Number(values['warm-up'])];
  if (!(Number.isInteger(seeds) && seeds >= 1 && seeds <= 1_000))
    return `--seeds ${values.seeds}: must be from 1 to 1000`;
  if (!(warmUpS >= 0 && warmUpS <= 3_600)) return `--warm-up ${values['warm-up']}: must be from 0 to 3600`;
  const layout = journalLayouts.find((name) => name === values.layout);
  if (layout === undefined) return `--layout ${values.layout}: must be ${journalLayouts.join(' or ')}`;
  const natsNodes = ([1, 3] as const).find((count) => String(count) === values['nats-nodes']);
  if (natsNodes === undefined) return `--nats-nodes ${values['nats-nodes']}: must be 1 or 3`;
  const percent = Number(values.percent ?? 70);
  if (values.percent !== undefined && !rolling) return '--percent: only with --rolling';
  if (!(percent > 0 && percent <= 100)) return `--percent ${values.percent}: must be a number above 0, up to 100`;
  if (report !== undefined && !rolling) return '--report: only with --rolling';
  if (report !== undefined && !report.endsWith('.md')) return `--report ${report}: must end with .md`;
  const shape = { layout, natsNodes, warmUpMs: warmUpS * 1_000 };
  return {
    help: wantsHelp,
    rolling,
    minutes,
    seed: Number(seed),
    seeds,
    ...shape,
    quiet,
    share: percent / 100,
    report,
  };
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** A week. */
const MOST_MINUTES = 10_080;

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
