import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { FeedBatches } from './feed-batches.js';
import type { FeedEntry } from '../journal/feed.js';

async function* feedOf(count: number, onRead: (sequence: number) => void = () => undefined): AsyncIterable<FeedEntry> {
  for (let sequence = 1; sequence <= count; sequence += 1) {
    await Promise.resolve();
    onRead(sequence);
    yield { kind: 'takeover', sequence };
  }
}

describe('FeedBatches', () => {
  it('hands out what has come meanwhile, in order, at most so many at once, then the end', async () => {
    const batches = new FeedBatches(feedOf(25), { maxEntries: 10, lingerMs: 0 });
    await nextTurn();
    const sizes: number[] = [];
    const sequences: number[] = [];
    for (let batch = await batches.next(); batch !== undefined; batch = await batches.next()) {
      sizes.push(batch.length);
      sequences.push(...batch.map(({ sequence }) => sequence));
    }
    assert.ok(sizes.every((size) => size <= 10) && sizes[0] === 10, String(sizes));
    assert.deepEqual(
      sequences,
      Array.from({ length: 25 }, (_, index) => index + 1),
    );
  });

  it('does not wait for more when an entry comes alone', async () => {
    const batches = new FeedBatches(feedOf(1), { maxEntries: 10, lingerMs: 60_000 });
    assert.equal((await batches.next())?.length, 1);
  });

  it('reads ahead by no more than two batches', async () => {
    let read = 0;
    const batches = new FeedBatches(
      feedOf(1_000, (sequence) => (read = sequence)),
      { maxEntries: 10, lingerMs: 0 },
    );
    await nextTurn();
    await nextTurn();
    assert.equal(read, 20);
    await batches.ended();
  });

  it('throws what the feed threw, after what came before it', async () => {
    async function* torn(): AsyncIterable<FeedEntry> {
      yield* feedOf(2);
      throw new Error('torn');
    }
    const batches = new FeedBatches(torn(), { maxEntries: 10, lingerMs: 0 });
    await nextTurn();
    assert.equal((await batches.next())?.length, 2);
    await assert.rejects(batches.next(), /torn/);
  });
});
