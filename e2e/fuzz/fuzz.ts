import { randomInt } from 'node:crypto';
import { InvalidArgumentError, Option } from 'commander';
import { startMesh } from '../../mesh/local/index.js';
import { ServiceIdentity } from '../testing/service-identity.js';
import { minutes, newProgram, seed } from '../../platform/process/program-options.js';
import { families, type Family, type Finding } from './finding.js';
import { runFuzz, type FuzzProgress } from './run-fuzz.js';

const about = `Starts a mesh of its own on free ports and sends it what no client should: messages with hostile values made from the
API's descriptors (so each new service is in), broken bytes, odd HTTP, raw HTTP/2 frames, and attacks by number. Meanwhile a
client that does nothing wrong calls from another address. What must hold: no process ends, every answer is a documented
one without a word of our insides, what is wrong with a field is named, what is refused changes nothing, the other client does
not notice, and no log has an error. Ctrl-C ends it early. Exit code 1: something was found.`;

/** Runs the fuzzer. @returns the exit code: 0 well, 1 something was found, 2 the command line is wrong */
async function main(): Promise<number> {
  const { minutes, seed, only, cases, auth } = readCommandLine();
  console.log(`seed ${seed}, ${minutes} minutes, ${only.join(', ')}`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  // A stream a thread would be too many in a long run.
  const mesh = await startMesh({ auth: auth ? 'jwt' : 'off', serviceEnv: { JOURNAL_LAYOUT: 'bucketed' } });
  const service = auth ? await ServiceIdentity.of(mesh) : undefined;
  try {
    const { findings, ...last } = await runFuzz({
      ...{ mesh, layout: 'bucketed', seed, only, isFull: true, signal: stop.signal },
      ...(cases && { cases }),
      ...(service && { identity: () => service.headers }),
      durationMs: minutes * 60_000,
      onFinding: (finding) =>
        console.log(`${describe(finding)}\n  again: ${again(seed, finding)}${auth ? ' --auth' : ''}`),
      onRound: (progress) => console.log(describeProgress(progress)),
    });
    console.log(describeProgress(last));
    for (const finding of findings) console.log(`${finding.count} × ${finding.family}: ${finding.kind}`);
    console.log(
      `${findings.length === 0 ? 'nothing was found' : `${findings.length} kinds of findings`}; seed ${seed}`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    service?.stop();
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
  readonly minutes: number;
  readonly seed: number;
  readonly only: readonly Family[];
  readonly cases: readonly [number, number] | undefined;
  readonly auth: boolean;
}

function readCommandLine(): CommandLine {
  const program = newProgram('npm run fuzz --', about)
    .option('--minutes <n>', 'how long', minutes, 5)
    .option('--seed <n>', 'send the same as the run that printed it (default: random)', seed)
    .addOption(new Option('--only <family...>', 'just these (default: all in turn)').choices(families))
    .option('--auth', 'on a mesh that asks for tokens, with a good one', false)
    .option('--case <n[-m]>', 'with one --only: just this case, or these', casesOf)
    .parse();
  const given = program.opts<{
    minutes: number;
    seed?: number;
    only?: Family[];
    auth: boolean;
    case?: readonly [number, number];
  }>();
  const only = families.filter((family) => given.only?.includes(family) ?? true);
  if (given.case !== undefined && only.length !== 1) program.error('--case: only with one --only');
  const { seed: givenSeed = randomInt(2 ** 31), case: cases, ...others } = given;
  return { ...others, seed: givenSeed, only, cases };
}

function casesOf(text: string): readonly [number, number] {
  const range = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text);
  const [first, last] = [Number(range?.[1]), Number(range?.[2] ?? range?.[1])];
  if (first <= last) return [first, last];
  throw new InvalidArgumentError('It must be a number, or two such as 10-20.');
}

process.exitCode = await main();
