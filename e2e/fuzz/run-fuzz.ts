import { createHash } from 'node:crypto';
import type { RunningMesh } from '../../mesh/local/index.js';
import type { JournalLayout } from '../../platform/nats/open-journal.js';
import { SeededRandom } from '../chaos/random.js';
import { attacks } from './attacks.js';
import { CarefulClient } from './careful-client.js';
import { families, type Family, type Finding, Findings } from './finding.js';
import { grpcCase, type Wrong } from './grpc-cases.js';
import { http2Case } from './http2-cases.js';
import { Http2Client, type Identity } from './http2-client.js';
import { restCase } from './rest-cases.js';
import { Scene } from './scene.js';
import { MeshWatch } from './watch-mesh.js';

export interface FuzzOptions {
  readonly mesh: RunningMesh;
  /** How the mesh keeps its journal. @default per-thread */
  readonly layout?: JournalLayout;
  /** Everything that is sent follows from it, but for the ids of threads. */
  readonly seed: number;
  /** Milliseconds after which no further round begins. */
  readonly durationMs: number;
  /** @default all */
  readonly only?: readonly Family[];
  /** Only these cases of each family, from the first to the last number. @default from 0 on */
  readonly cases?: readonly [number, number];
  /** Attacks as large as what was seen to do harm. @default false */
  readonly isFull?: boolean;
  /** Attacks that are left out, by name. @default none */
  readonly without?: readonly string[];
  /** Who calls, where the mesh asks for tokens. @default nobody */
  readonly identity?: Identity;
  readonly signal?: AbortSignal;
  readonly onFinding?: (finding: Finding) => void;
  readonly onRound?: (progress: FuzzProgress) => void;
}

export interface FuzzProgress {
  readonly elapsedMs: number;
  /** Cases so far, by family. */
  readonly cases: Readonly<Record<Family, number>>;
  /** Answers that the careful client has had. */
  readonly carefulCalls: number;
}

export interface FuzzResult extends FuzzProgress {
  readonly findings: Findings['all'];
}

/** Cases of a family between two looks at the whole. */
const BATCH: Readonly<Record<Family, number>> = { grpc: 150, 'grpc-web': 50, rest: 100, http2: 30, attacks: 1 };
const AT_ONCE = 6;

/** Sends a mesh what no client should, and looks whether anything comes of it that no input may cause. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { mesh, layout = 'per-thread', only = families, signal, identity } = options;
  const startedAt = performance.now();
  const run: Run = {
    options,
    scene: await Scene.open(mesh, layout, identity),
    careful: await CarefulClient.start(mesh, identity),
    watch: await MeshWatch.begin(mesh),
    client: new Http2Client(mesh.ports.envoy, undefined, identity),
    findings: new Findings(options.onFinding ?? (() => undefined)),
  };
  const [first, last] = options.cases ?? [0, Infinity];
  const cases = Object.fromEntries(families.map((family) => [family, 0])) as Record<Family, number>;
  const progress = (): FuzzProgress => ({
    elapsedMs: performance.now() - startedAt,
    cases,
    carefulCalls: run.careful.calls,
  });
  const isOver = (): boolean => signal?.aborted === true || performance.now() - startedAt >= options.durationMs;
  try {
    while (!isOver()) {
      for (const family of only) {
        const from = first + cases[family];
        const to = Math.min(last, from + BATCH[family] - 1);
        if (from > to || isOver()) continue;
        await runBatch(run, family, from, to);
        cases[family] += to - from + 1;
      }
      if (only.every((family) => first + cases[family] > last)) break;
      options.onRound?.(progress());
      // Some commands end what can be tried on the old threads.
      await run.scene.refresh();
    }
  } finally {
    await run.careful.stop();
    run.client.close();
    await run.scene.close();
  }
  return { ...progress(), findings: run.findings.all };
}

interface Run {
  readonly options: FuzzOptions;
  readonly scene: Scene;
  readonly careful: CarefulClient;
  readonly watch: MeshWatch;
  readonly client: Http2Client;
  readonly findings: Findings;
}

/** The cases from one number to another, some at once, and then a look at everything that they must not have changed. */
async function runBatch(run: Run, family: Family, from: number, to: number): Promise<void> {
  const { scene, careful, watch, findings } = run;
  let next = from;
  let what = '';
  const worker = async (): Promise<void> => {
    while (next <= to) {
      const number = next;
      next += 1;
      const { name, wrong } = await runCase(run, family, number);
      what = name;
      for (const each of wrong) findings.add({ family, cases: [number, number], ...each });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, to - from + 1) }, worker));
  await careful.untilAnswered(1);
  const label = family === 'attacks' ? `${what}: ` : '';
  const notice = (kind: string, details: readonly string[]): void => {
    for (const detail of details) findings.add({ family, cases: [from, to], kind: `${label}${kind}`, detail });
  };
  notice('a client that does nothing wrong is not served', careful.takeFailures());
  notice('journal', await scene.check());
  for (const line of await watch.check()) notice(line.replaceAll(/[0-9A-Z]{26}|\d+/g, 'N').slice(0, 120), [line]);
}

async function runCase(
  run: Run,
  family: Family,
  number: number,
): Promise<{ readonly name: string; readonly wrong: Wrong[] }> {
  const { options, scene, client, careful } = run;
  const { seed, isFull = false, without = [], mesh } = options;
  const random = new SeededRandom(seedOf(seed, family, number));
  const { envoy: port } = mesh.ports;
  switch (family) {
    case 'grpc':
    case 'grpc-web':
      return { name: family, wrong: await grpcCase(client, scene, random, family === 'grpc-web') };
    case 'rest':
      return { name: family, wrong: await restCase(port, scene, random) };
    case 'http2':
      await http2Case(port, random);
      return { name: family, wrong: [] };
    case 'attacks': {
      const names = Object.keys(attacks).filter((name) => !without.includes(name));
      const name = names[number % names.length] ?? '';
      await attacks[name]?.({ port, scene, careful, isFull });
      return { name, wrong: [] };
    }
  }
}

/** Each case is drawn by itself, so that it can be repeated alone. */
function seedOf(seed: number, family: Family, number: number): number {
  return createHash('sha256').update(`${seed} ${family} ${number}`).digest().readInt32BE();
}
