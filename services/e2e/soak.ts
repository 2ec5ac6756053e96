import { randomInt } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChaos, type Progress } from './chaos/run-chaos.js';

const help = `npm run soak -- [--minutes N] [--seed N] [--quiet]

Starts a mesh of its own on free ports, kills, pauses and cuts off its processes by a random schedule while clients
write, and then compares what they were told with journal and MySQL. Ctrl-C ends it early, with the checks.

  --minutes N   how long things go wrong. Default 5
  --seed N      repeats the schedule that printed it. Default: random
  --quiet       no line for each fault`;

/** Runs the soak. @returns the exit code: 0 well, 1 a promise is broken, 2 the command line is wrong */
async function main(): Promise<number> {
  const { minutes, seed, quiet } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values;
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    console.log(help);
    return 0;
  }
  if (!(Number(minutes) > 0) || !/^\d{1,10}$/.test(seed)) {
    console.error(help);
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'threadweaver-soak-'));
  console.log(`seed ${seed}, ${minutes} minutes, evidence in ${folder}`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const { violations, ...result } = await runChaos({
    seed: Number(seed),
    durationMs: Number(minutes) * 60_000,
    folder,
    report: quiet ? () => undefined : console.log,
    onProgress: (progress) => console.log(describeProgress(progress)),
    signal: stop.signal,
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
