import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startMesh } from '../../mesh/local/index.js';
import { toError } from '../../platform/kernel/fault.js';
import { families, type Family, type Finding } from './finding.js';
import { runFuzz, type FuzzProgress } from './run-fuzz.js';

const help = `npm run fuzz -- [--minutes N] [--seed N] [--only FAMILY] [--case N[-M]]

Starts a mesh of its own on free ports and sends it what no client should: messages with hostile values made from the
API's descriptors (so each new service is in), broken bytes, odd HTTP, raw HTTP/2 frames, and attacks by number. Meanwhile a
client that does nothing wrong calls from another address. What must hold: no process ends, every answer is a documented
one without a word of our insides, what is wrong with a field is named, what is refused changes nothing, the other client does
not notice, and no log has an error. Ctrl-C ends it early. Exit code 1: something was found.

  --minutes N     how long. Default 5
  --seed N        sends the same as the run that printed it. Default: random
  --only FAMILY   ${families.join(', ')}; more than once for several. Default: all in turn
  --case N[-M]    with --only: just this case, or these`;

/** A week. */
const MOST_MINUTES = 10_080;

/** Runs the fuzzer. @returns the exit code: 0 well, 1 something was found, 2 the command line is wrong */
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
  const { minutes, seed, only, cases } = options;
  console.log(`seed ${seed}, ${minutes} minutes, ${only.join(', ')}`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  // A stream a thread would be too many in a long run.
  const mesh = await startMesh({ serviceEnv: { JOURNAL_LAYOUT: 'bucketed' } });
  try {
    const { findings, ...last } = await runFuzz({
      ...{ mesh, layout: 'bucketed', seed, only, isFull: true, signal: stop.signal },
      ...(cases && { cases }),
      durationMs: minutes * 60_000,
      onFinding: (finding) => console.log(`${describe(finding)}\n  again: ${again(seed, finding)}`),
      onRound: (progress) => console.log(describeProgress(progress)),
    });
    console.log(describeProgress(last));
    for (const finding of findings) console.log(`${finding.count} × ${finding.family}: ${finding.kind}`);
    console.log(
      `${findings.length === 0 ? 'nothing was found' : `${findings.length} kinds of findings`}; seed ${seed}`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    await mesh.stop();
  }
}

function describe({ family, kind, detail }: Finding): string {
  return `FOUND ${family}: ${kind}\n  ${detail}`;
}

function again(seed: number, { family, cases: [first, last] }: Finding): string {
  return `npm run fuzz -- --seed ${seed} --only ${family} --case ${first === last ? first : `${first}-${last}`}`;
}

function describeProgress({ elapsedMs, cases, carefulCalls }: FuzzProgress): string {
  const counts = families.filter((family) => cases[family] > 0).map((family) => `${cases[family]} ${family}`);
  return `${(elapsedMs / 1_000).toFixed(0)} s: ${counts.join(', ')}; ${carefulCalls} answers to who does nothing wrong`;
}

interface CommandLine {
  readonly help: boolean;
  readonly minutes: number;
  readonly seed: number;
  readonly only: readonly Family[];
  readonly cases: readonly [number, number] | undefined;
}

/** @returns what is wrong, if anything is */
function readCommandLine(): CommandLine | string {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string' },
        only: { type: 'string', multiple: true },
        case: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return toError(error).message;
  }
  const minutes = Number(values.minutes);
  const seed = values.seed ?? String(randomInt(2 ** 31));
  if (!(minutes > 0 && minutes <= MOST_MINUTES)) {
    return `--minutes ${values.minutes}: must be a number above 0, up to ${MOST_MINUTES}`;
  }
  if (!/^\d{1,10}$/.test(seed) || Number(seed) >= 2 ** 32) return `--seed ${seed}: must be a whole number below 2^32`;
  const unknown = (values.only ?? []).find((name) => !(families as readonly string[]).includes(name));
  if (unknown !== undefined) return `--only ${unknown}: must be one of ${families.join(', ')}`;
  const only = families.filter((family) => values.only?.includes(family) ?? true);
  if (values.case !== undefined && only.length !== 1) return '--case: only with one --only';
  const range = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(values.case ?? '0');
  const [first, last] = [Number(range?.[1]), Number(range?.[2] ?? range?.[1])];
  if (!(first <= last)) return `--case ${values.case}: must be a number, or two such as 10-20`;
  const cases = values.case === undefined ? undefined : ([first, last] as const);
  return { help: values.help, minutes, seed: Number(seed), only, cases };
}

process.exitCode = await main();
