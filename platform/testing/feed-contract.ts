import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { FeedLost, type FeedEntry, type FeedReader, type FeedWriter } from '../journal/feed.js';
import type { Commit } from '../journal/journal.js';

/** A feed of its own for one test. */
export interface FeedUnderTest {
  readonly reader: FeedReader;
  readonly writer: FeedWriter;
  /** Drops the feed and makes it anew, empty. */
  recreate(): Promise<void>;
  close?(): Promise<void>;
}

/** What every feed keeps to, reader and writer together. `open` gives a new, empty feed. */
export function describeFeedContract(name: string, open: () => Promise<FeedUnderTest>): void {
  describe(`feed contract: ${name}`, () => {
    let feed: FeedUnderTest;
    beforeEach(async () => (feed = await open()));
    afterEach(() => feed.close?.());

    /** The first `count` entries after a sequence. */
    async function take(count: number, afterSequence = 0): Promise<FeedEntry[]> {
      const aborter = new AbortController();
      const entries: FeedEntry[] = [];
      for await (const entry of feed.reader.read(afterSequence, aborter.signal)) {
        entries.push(entry);
        if (entries.length === count) aborter.abort();
      }
      return entries;
    }

    async function publish(count: number): Promise<Commit[]> {
      const id = ulid();
      const commits = Array.from({ length: count }, (_, index) => someCommit(id, index + 1));
      for (const commit of commits) feed.writer.publish(commit);
      assert.equal(await feed.writer.flush(5_000), true);
      return commits;
    }

    it('is empty at first', async () => {
      const { identity, lastSequence } = await feed.reader.bounds();
      assert.notEqual(identity, '');
      assert.equal(lastSequence, 0);
    });

    it('gives commits as they were published, in order, with ascending sequences', async () => {
      const commits = await publish(50);
      const entries = await take(50);
      assert.deepEqual(entries.map(plain), commits.map(plainCommit));
      const sequences = entries.map(({ sequence }) => sequence);
      assert.deepEqual(
        sequences,
        sequences.toSorted((left, right) => left - right),
      );
      assert.equal(new Set(sequences).size, 50);
      const { firstSequence, lastSequence } = await feed.reader.bounds();
      assert.deepEqual([firstSequence, lastSequence], [sequences[0], sequences.at(-1)]);
    });

    it('goes on behind a sequence', async () => {
      const commits = await publish(10);
      const [, , third] = await take(10);
      assert.ok(third);
      assert.deepEqual((await take(7, third.sequence)).map(plain), commits.slice(3).map(plainCommit));
    });

    it('gives what is published while somebody reads', async () => {
      const taken = take(3);
      const commits = await publish(3);
      assert.deepEqual((await taken).map(plain), commits.map(plainCommit));
    });

    it('tells of a takeover in its place', async () => {
      await publish(1);
      await feed.writer.announceTakeover();
      await publish(1);
      assert.deepEqual(
        (await take(3)).map(({ kind }) => kind),
        ['commit', 'takeover', 'commit'],
      );
    });

    it('ends when it is aborted, before and while it waits', async () => {
      assert.deepEqual(await drain(feed.reader.read(0, AbortSignal.abort())), []);
      const aborter = new AbortController();
      const reading = drain(feed.reader.read(0, aborter.signal));
      await publish(1);
      aborter.abort();
      await reading;
    });

    it('says so when it is made anew', async () => {
      await publish(2);
      const before = await feed.reader.bounds();
      const iterator = feed.reader.read(0, new AbortController().signal)[Symbol.asyncIterator]();
      await iterator.next();
      await iterator.next();
      const next = assert.rejects(iterator.next(), FeedLost);
      await feed.recreate();
      await next;
      const after = await feed.reader.bounds();
      assert.notEqual(after.identity, before.identity);
      assert.equal(after.lastSequence, 0);
    });
  });
}

async function drain(entries: AsyncIterable<FeedEntry>): Promise<FeedEntry[]> {
  const all: FeedEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

function plain(entry: FeedEntry): unknown {
  assert.equal(entry.kind, 'commit');
  return plainCommit(entry.commit);
}

/** Bytes as hex: a Buffer and a Uint8Array of the same bytes are the same here. */
function plainCommit({ events, ...commit }: Commit): unknown {
  return {
    ...commit,
    events: events.map(({ data, ...event }) => ({ ...event, data: Buffer.from(data).toString('hex') })),
  };
}

function someCommit(aggregateId: string, version: number): Commit {
  return {
    aggregateId,
    version,
    commandId: `request-${version}`,
    fingerprint: 'f00d',
    commandType: 'DoSomething',
    time: 1_700_000_000_000 + version,
    trace: { requestId: `id-${version}`, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
    events: [{ type: 'SomethingDone', schemaVersion: 1, data: new Uint8Array([version, 0, 255]) }],
  };
}
