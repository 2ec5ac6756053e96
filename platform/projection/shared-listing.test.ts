import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { AggregateVersion } from '../journal/journal.js';
import { SharedListing } from './shared-listing.js';

async function idsOf(listing: AsyncIterable<AggregateVersion>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { aggregateId } of listing) ids.push(aggregateId);
  return ids;
}

/** Ids 0 … n - 1, the partition is the last digit. */
function listingOf(aggregates: number, { perSecond = 1e9, failAfter = Infinity } = {}) {
  let walks = 0;
  let listed = 0;
  const listing = new SharedListing({
    async *list() {
      walks += 1;
      for (let id = 0; id < aggregates; id += 1) {
        if (id === failAfter) throw new Error('torn');
        listed += 1;
        yield { aggregateId: String(id), version: 1 };
        await Promise.resolve();
      }
    },
    partitionOf: (id) => Number(id) % 10,
    perSecond,
  });
  return { listing, walks: () => walks, listed: () => listed };
}

describe('SharedListing', () => {
  it('gives each partition its own, and all who ask together in one walk', async () => {
    const { listing, walks } = listingOf(50);
    const lists = await Promise.all([0, 3, 3].map((partition) => idsOf(listing.list(partition))));
    assert.deepEqual(lists, [['0', '10', '20', '30', '40'], ...Array(2).fill(['3', '13', '23', '33', '43'])]);
    assert.equal(walks(), 1);
  });

  it('walks again for one who asks later, so that nothing is listed with an older version', async () => {
    const { listing, walks } = listingOf(50);
    const first = listing.list(1)[Symbol.asyncIterator]();
    await first.next();
    assert.deepEqual((await idsOf(listing.list(2))).length, 5);
    assert.equal(walks(), 2);
    await first.return?.();
  });

  it('waits for one that is slow, goes on when it leaves, and ends when all have left', async () => {
    const { listing, listed } = listingOf(200_000);
    const slow = listing.list(1)[Symbol.asyncIterator]();
    await slow.next();
    const other = listing.list(2)[Symbol.asyncIterator]();
    assert.ok(listed() < 20_000);
    await slow.return?.();
    await other.next();
    await other.return?.();
    await new Promise(setImmediate);
    assert.ok(listed() < 200_000);
  });

  it('keeps to its rate', async () => {
    const { listing } = listingOf(300, { perSecond: 1_000 });
    const startedAt = performance.now();
    await idsOf(listing.list(1));
    assert.ok(performance.now() - startedAt >= 200);
  });

  it('throws what the list throws, to all, and can be asked again', async () => {
    const { listing } = listingOf(50, { failAfter: 25 });
    const both = await Promise.allSettled([idsOf(listing.list(1)), idsOf(listing.list(2))]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    await assert.rejects(idsOf(listing.list(1)), /torn/);
  });
});
