import { randomInt } from 'node:crypto';
import { access, constants, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { toError } from '../shared/kernel/fault.js';
import { runChaos, type Progress } from './chaos/run-chaos.js';
import { soakRolling } from './rolling/soak-rolling.js';

const help = `npm run soak -- [--minutes N] [--seed N] [--quiet]
npm run soak -- --rolling [--minutes N] [--seed N] [--percent N] [--report FILE]

Starts a mesh of its own on free ports, kills, pauses and cuts off its processes by a random schedule while clients
write, and then compares what they were told with journal and MySQL. Ctrl-C ends it early, with the checks.

With --rolling nothing is killed: at 70 % of the capacity that it finds first, with all kinds of calls, everything is
restarted in turn as in an endless rolling update (two of each service and Envoy, three NATS nodes, MySQL). No call may fail,
and what lives from the first round to the end may hold no more memory and files than before. Needs Linux.

  --minutes N     how long. Default 5; with --rolling 30, and a few more for capacity and checks
  --seed N        repeats the schedule that printed it (with --rolling: the calls). Default: random
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
  const { minutes, seed, quiet, report } = options;
  if (report !== undefined && !(await isWritable(dirname(report)))) {
    console.error(`--report ${report}: there is no folder ${dirname(report)} that can be written to`);
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'threadweaver-soak-'));
  console.log(`seed ${seed}, ${minutes} minutes, evidence in ${folder}`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const common = { seed, durationMs: minutes * 60_000, folder, signal: stop.signal };
  if (options.rolling) return soakRolling({ ...common, share: options.share, reportFile: report });
  return soakChaos({ ...common, quiet });
}

interface CommandLine {
  readonly help: boolean;
  readonly rolling: boolean;
  readonly minutes: number;
  readonly seed: number;
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
        seed: { type: 'string' },
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
  const minutes = Number(values.minutes ?? (rolling ? 30 : 5));
  const seed = values.seed ?? String(randomInt(2 ** 31));
  if (!(minutes > 0 && minutes <= MOST_MINUTES)) {
    return `--minutes ${values.minutes}: must be a number above 0, up to ${MOST_MINUTES}`;
  }
  if (!/^\d{1,10}$/.test(seed) || Number(seed) >= 2 ** 32) return `--seed ${seed}: must be a whole number below 2^32`;
  const percent = Number(values.percent ?? 70);
  if (values.percent !== undefined && !rolling) return '--percent: only with --rolling';
  if (!(percent > 0 && percent <= 100)) return `--percent ${values.percent}: must be a number above 0, up to 100`;
  if (report !== undefined && !rolling) return '--report: only with --rolling';
  if (report !== undefined && !report.endsWith('.md')) return `--report ${report}: must end with .md`;
  return { help: wantsHelp, rolling, minutes, seed: Number(seed), quiet, share: percent / 100, report };
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** A week. */
const MOST_MINUTES = 10_080;

async function soakChaos(options: {
  readonly seed: number;
  readonly durationMs: number;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly quiet: boolean;
}): Promise<number> {
  const { quiet, seed, folder } = options;
  const { violations, ...result } = await runChaos({
    ...options,
    report: quiet ? () => undefined : console.log,
    onProgress: (progress) => console.log(describeProgress(progress)),
  });
  console.log(`${describeProgress(result)}; ${result.commits} commits`);
  console.log(`MySQL had caught up ${result.caughtUpAfterMs} ms after the last command`);
  for (const violation of violations.slice(0, 50)) console.log(JSON.stringify(violation));
  const verdict = violations.length === 0 ? 'no promise was broken' : `${violations.length} violations`;
  console.log(`${verdict}; seed ${seed}, evidence in ${folder}`);
  return violations.length === 0 ? 0 : 1;
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
