import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { costsOf } from './scale-model/costs.js';
import { scalingDocument, withTables } from './scale-model/document.js';
import { defaultWorkload, needsOf } from './scale-model/installation-model.js';
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
  it('finds the costs again that figures were made of', () => {
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
    const costs = costsOf(made);
    assert.equal(Math.round(costs.natsBytesPerThread), 1_024);
    assert.equal(Math.round(costs.journalBytesPerCommit), 700);
    assert.equal(Math.round(costs.mysqlBytesPerMessage), 300);
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
