import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChaos } from './chaos/run-chaos.js';

const DURATION_MS = 40_000;

/** Those of a longer soak (docs/chaos.md): a test must not need root. */
const without = ['fillDisk'] as const;

describe('a random schedule of kills, pauses, cuts, joins and clocks that jump under load', function () {
  this.timeout(280_000);

  it('breaks no promise', async () => {
    const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31));
    const folder = await mkdtemp(join(tmpdir(), 'threadweaver-chaos-'));
    console.log(`      CHAOS_SEED=${seed} repeats the schedule`);
    const faults: string[] = [];
    const replay = () => `CHAOS_SEED=${seed}, evidence in ${folder}\n${faults.join('\n')}`;
    const result = await runChaos({
      ...{ seed, durationMs: DURATION_MS, folder, without },
      report: (line) => faults.push(line),
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; ${replay()}`, { cause: error });
    });
    const { violations, acknowledged, unknown, commits, longestMs, caughtUpAfterMs } = result;
    console.log(
      `      ${result.faults} faults, ${acknowledged} acknowledged, ${unknown} unknown, ${commits} commits, ` +
        `longest ${longestMs} ms, without an answer ${result.longestSilenceMs} ms, MySQL caught up after ${caughtUpAfterMs} ms`,
    );
    const found = violations.map((violation) => JSON.stringify(violation)).slice(0, 20);
    assert.equal(violations.length, 0, `${violations.length} violations; ${replay()}\n${found.join('\n')}`);
    assert.ok(acknowledged > 500, `only ${acknowledged} commands were acknowledged; ${replay()}`);
    await rm(folder, { recursive: true, force: true });
  });
});
