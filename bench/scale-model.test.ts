import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { checkPrediction, costsUpTo } from './scale-model/costs.js';
import { scalingDocument, withTables } from './scale-model/document.js';
import { defaultWorkload, needsOf } from './scale-model/installation-model.js';
import { simulateQueues, type QueueOptions } from './scale-model/queue-simulation.js';
import { scaleTables } from './scale-model/tables.js';
import { readMeasured, type Measured, type MeasuredSize } from './scaling/measured.js';

const measured = readMeasured();

describe('docs/scaling.md', () => {
  it('shows what the model makes of what was measured', () => {
    const text = readFileSync(scalingDocument, 'utf8');
    const mend = '`npm run bench -- --only scale-model` writes the tables';
    assert.equal(text, withTables(text, scaleTables(measured)), mend);
  });
});

describe('the model of an installation', () => {
  it('finds the costs again that figures were made of, and predicts what grows in proportion', () => {
    const sizes = [1, 1_000, 10_000, 200_000].map((threads): MeasuredSize => ({
      ...(measured.sizes[0] as MeasuredSize),
      layout: 'bucketed',
      threads,
      commits: 2,
      natsMib: 20 + threads / 1_024,
      natsDiskBytes: threads * 2 * 700,
      mysqlBytes: threads * 2_000,
    }));
    const long = { ...(sizes[1] as MeasuredSize), commits: 12, mysqlBytes: 1_000 * (2_000 + 10 * 300) };
    const made: Measured = { ...measured, sizes: [...sizes, long] };
    const costs = costsUpTo(made, 10_000);
    assert.equal(Math.round(costs.natsBytesPerThread), 1_024);
    assert.equal(Math.round(costs.journalBytesPerCommit), 700);
    assert.equal(Math.round(costs.mysqlBytesPerMessage), 300);
    const [memory] = checkPrediction(made, 10_000);
    assert.ok(Math.abs(memory?.error ?? NaN) < 0.001, `it is off by ${memory?.error}`);
  });

  it('needs no less of anything for more threads', () => {
    const small = needsOf({ ...defaultWorkload, threads: 1e6 }, measured);
    const large = needsOf({ ...defaultWorkload, threads: 1e8 }, measured);
    const counts = [
      'natsClusters',
      'commandInstances',
      'partitions',
      'projectors',
      'mysqlShards',
      'journalTib',
    ] as const;
    for (const count of counts) assert.ok(large[count] >= small[count], count);
    assert.equal(large.commits, 100 * small.commits);
  });
});

describe('the simulation of queues', () => {
  const options: QueueOptions = {
    seed: 7,
    postsPerSecond: 700,
    capacity: 1_000,
    appendMs: 0,
    serialMs: 0,
    instances: 1,
    partitions: 64,
    threads: 1_000,
    skew: 0,
  };

  it('agrees with the formula for one server at random (M/M/1)', () => {
    const { p50, p99, busiest } = simulateQueues(options);
    const meanMs = 1_000 / (options.capacity - options.postsPerSecond);
    const within = (value: number, expected: number): void =>
      assert.ok(Math.abs(value / expected - 1) < 0.1, `${value} instead of ${expected}`);
    within(p50, meanMs * Math.log(2));
    within(p99, meanMs * Math.log(100));
    within(busiest, 0.7);
  });

  it('gives the same for the same seed', () => {
    const few = { ...options, posts: 2_000 };
    assert.deepEqual(simulateQueues(few), simulateQueues(few));
    assert.notDeepEqual(simulateQueues(few), simulateQueues({ ...few, seed: 8 }));
  });

  it('shows that few partitions cannot be shared evenly', () => {
    const even = { ...options, instances: 24, postsPerSecond: 12_000, threads: 20_000 };
    const few = simulateQueues({ ...even, partitions: 32 });
    const many = simulateQueues({ ...even, partitions: 1_024 });
    // Two partitions at some, one at the others.
    assert.ok(few.busiest > 1.3 * many.busiest, `${few.busiest} with 32, ${many.busiest} with 1024`);
  });
});
