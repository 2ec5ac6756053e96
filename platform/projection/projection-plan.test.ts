import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Commit } from '../journal/journal.js';
import { feedStartOf, planBatch } from './projection-plan.js';

function commit(aggregateId: string, version: number): Commit {
  const trace = { requestId: 'r', traceparent: 't' };
  return { aggregateId, version, commandId: 'c', fingerprint: 'f', commandType: 'C', time: 0, trace, events: [] };
}

const names = (commits: readonly Commit[]): string[] =>
  commits.map(({ aggregateId, version }) => `${aggregateId}${version}`);

describe('planBatch', () => {
  it('drops what is applied already or comes twice', () => {
    const { ready, gaps } = planBatch(
      [commit('a', 1), commit('a', 2), commit('a', 3), commit('a', 3), commit('b', 1)],
      new Map([['a', 2]]),
    );
    assert.deepEqual(names(ready), ['a3', 'b1']);
    assert.deepEqual(gaps, []);
  });

  it('puts versions in order', () => {
    const { ready, gaps } = planBatch([commit('a', 3), commit('b', 1), commit('a', 1), commit('a', 2)], new Map());
    assert.deepEqual(names(ready), ['a1', 'a2', 'a3', 'b1']);
    assert.deepEqual(gaps, []);
  });

  it('finds gaps, before the first commit and in between, and holds back what lies behind them', () => {
    const { ready, gaps } = planBatch(
      [commit('a', 3), commit('b', 1), commit('b', 4), commit('b', 5)],
      new Map([['a', 1]]),
    );
    assert.deepEqual(names(ready), ['b1']);
    assert.deepEqual(gaps, [
      { aggregateId: 'a', missingVersion: 2, nextVersion: 3 },
      { aggregateId: 'b', missingVersion: 2, nextVersion: 4 },
    ]);
  });

  it('of any feed, however repeated, shuffled and torn, applies each version once, in order, until the gap', () => {
    const batches = fc.array(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 8 })), { maxLength: 20 }),
      {
        maxLength: 10,
      },
    );
    fc.assert(
      fc.property(batches, (feed) => {
        const known = new Map<string, number>();
        const seen = new Map<string, Set<number>>();
        for (const batch of feed) {
          const { ready, gaps } = planBatch(
            batch.map(([id, version]) => commit(id, version)),
            known,
          );
          for (const [id, version] of batch) seen.set(id, (seen.get(id) ?? new Set()).add(version));
          for (const { aggregateId, version } of ready) {
            assert.equal(version, (known.get(aggregateId) ?? 0) + 1);
            known.set(aggregateId, version);
          }
          for (const [id, version] of batch) {
            const hasGap = gaps.some(({ aggregateId }) => aggregateId === id);
            assert.equal(
              hasGap || version <= (known.get(id) ?? 0),
              true,
              `${id}${version} was neither applied nor held`,
            );
          }
          for (const { aggregateId, missingVersion, nextVersion } of gaps) {
            assert.equal(missingVersion, (known.get(aggregateId) ?? 0) + 1);
            assert.ok(batch.some(([id, version]) => id === aggregateId && version === nextVersion));
            assert.ok(nextVersion > missingVersion);
          }
        }
      }),
    );
  });
});

describe('feedStartOf', () => {
  const bounds = { identity: 'feed', firstSequence: 11, lastSequence: 20 };

  it('goes on behind the checkpoint', () => {
    assert.deepEqual(feedStartOf({ feedIdentity: 'feed', sequence: 15 }, bounds), { afterSequence: 15 });
    assert.deepEqual(feedStartOf({ feedIdentity: 'feed', sequence: 20 }, bounds), { afterSequence: 20 });
    assert.deepEqual(feedStartOf({ feedIdentity: 'feed', sequence: 10 }, bounds), { afterSequence: 10 });
  });

  it('begins anew, and says why, when the checkpoint does not fit the feed', () => {
    const startOf = (feedIdentity: string, sequence: number) => feedStartOf({ feedIdentity, sequence }, bounds);
    assert.deepEqual(startOf('other', 15), { afterSequence: 10, lost: 'new feed' });
    assert.deepEqual(startOf('feed', 21), { afterSequence: 10, lost: 'checkpoint beyond the feed' });
    assert.deepEqual(startOf('feed', 9), { afterSequence: 10, lost: 'feed trimmed' });
  });

  it('begins at 0 in a feed that nothing was ever written to', () => {
    const empty = { identity: 'feed', firstSequence: 0, lastSequence: 0 };
    assert.equal(feedStartOf({ feedIdentity: '', sequence: 0 }, empty).afterSequence, 0);
  });
});
