import assert from 'node:assert/strict';
import { ResultCollector } from '../engine/result-collector.js';
import type { WorkerCost } from '../engine/worker-meter.js';
import { generatorCells, generatorWarnings } from './generator-report.js';

const idle: WorkerCost = {
  cpuMs: 6_000,
  cpuShare: 0.2,
  peakCpuShare: 0.97,
  seconds: 30,
  busySeconds: 1,
  busy: 0.25,
  timersLateP99Ms: 1.5,
};

/** Of a run with these workers. */
const costOf = (...workers: WorkerCost[]) => new ResultCollector(1_000, 30_000, 1).generatorCost(workers);

describe('The report of the generator', () => {
  it('tells the CPU of the worker that used most', () => {
    const cells = generatorCells(costOf(idle, { ...idle, cpuShare: 0.4, peakCpuShare: 0.6 }));
    assert.deepEqual(new Map(cells).get('busiest worker'), '40 % of a core (97 % in its busiest second)');
  });

  it('warns of none that was only busy when it began', () => {
    assert.deepEqual(generatorWarnings(costOf(idle, idle)), []);
    const interrupted = { ...idle, cpuShare: 0.94, seconds: 0, busySeconds: 0 };
    assert.deepEqual(generatorWarnings(costOf(interrupted)), []);
  });

  it('warns when a worker was near a whole core for a tenth of the time, or all of it', () => {
    const [warning, ...others] = generatorWarnings(costOf(idle, { ...idle, busySeconds: 3 }));
    assert.match(warning ?? '', /^1 of 2 workers used more than 85 % of a core \(in up to 3 seconds\)/);
    assert.deepEqual(others, []);
    assert.equal(generatorWarnings(costOf({ ...idle, cpuShare: 0.9, seconds: 1, busySeconds: 1 })).length, 1);
  });

  it('warns when timers were late', () => {
    assert.match(generatorWarnings(costOf({ ...idle, timersLateP99Ms: 48 }))[0] ?? '', /^timers were 48\.0 ms late/);
  });
});
