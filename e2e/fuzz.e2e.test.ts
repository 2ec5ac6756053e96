import assert from 'node:assert/strict';
import type { RunningMesh } from '../mesh/local/index.js';
import { attacks } from './fuzz/attacks.js';
import type { Family } from './fuzz/finding.js';
import { runFuzz } from './fuzz/run-fuzz.js';
import { sharedMesh } from './testing/shared-mesh.js';

/** The same each time, so that a failure is of a change. FUZZ_SEED tries another; `npm run fuzz` tries many. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_128);
/** So many that all of it takes some 20 s. */
const cases: Readonly<Record<Exclude<Family, 'attacks'>, number>> = {
  grpc: 300,
  'grpc-web': 100,
  rest: 100,
  http2: 60,
};

describe('A client that does nothing wrong notices nothing', function () {
  this.timeout(180_000);
  let mesh: RunningMesh;
  before(async () => (mesh = await sharedMesh()));

  async function fuzz(family: Family, numbers: readonly [number, number]): Promise<void> {
    const { findings } = await runFuzz({ mesh, seed: SEED, durationMs: Infinity, only: [family], cases: numbers });
    assert.deepEqual(findings, [], `npm run fuzz -- --seed ${SEED} --only ${family} repeats these`);
  }

  for (const [family, count] of Object.entries(cases)) {
    it(`of ${count} random ${family} requests, which get documented answers and change nothing that they may not`, () =>
      fuzz(family as Family, [0, count - 1]));
  }

  for (const [index, name] of Object.keys(attacks).entries()) {
    it(`of ${name}`, () => fuzz('attacks', [index, index]));
  }
});
