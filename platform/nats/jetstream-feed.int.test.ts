import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { FeedLost, type FeedEntry } from '../journal/feed.js';
import type { Commit } from '../journal/journal.js';
import { partitionOf } from '../ownership/partition.js';
import { describeFeedContract } from '../testing/feed-contract.js';
import { someCommit } from '../testing/journal-contract.js';
import { sharedNatsUrl, startNatsServer } from '../../mesh/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import { feedBacklog, feedSequenceBefore } from './feed-backlog.js';
import { ensureFeedStream, feedStreamName } from './feed-stream.js';
import { JetStreamFeedReader } from './jetstream-feed-reader.js';
import { JetStreamFeedWriter } from './jetstream-feed-writer.js';
import { NatsLink } from './nats-link.js';

const logger = createLogger('test', 'silent');

function commitOf(aggregateId: string, version: number): Commit {
  return { ...someCommit(`${version}`), aggregateId, version };
}

/** Reads until `count` entries have come. */
async function take(reader: JetStreamFeedReader, count: number, afterSequence = 0): Promise<FeedEntry[]> {
  const aborter = new AbortController();
  const entries: FeedEntry[] = [];
  for await (const entry of reader.read(afterSequence, aborter.signal)) {
    entries.push(entry);
    if (entries.length === count) break;
  }
  return entries;
}

function versionsOf(entries: readonly FeedEntry[]): (number | string)[] {
  return entries.map((entry) => (entry.kind === 'commit' ? entry.commit.version : entry.kind));
}

describeFeedContract('JetStream', async () => {
  const link = await NatsLink.open({ url: await sharedNatsUrl(), name: 'feed-test', logger });
  const options = { prefix: `F${ulid().slice(-10)}`, logger };
  return {
    reader: new JetStreamFeedReader(link, options),
    writer: new JetStreamFeedWriter(link, options),
    recreate: async () => {
      await link.manager.streams.delete(feedStreamName(options));
      await ensureFeedStream(link, options);
    },
    close: () => link.close(),
  };
});

describe('JetStream feed', () => {
  let link: NatsLink;
  let prefix: string;
  let writer: JetStreamFeedWriter;
  let reader: JetStreamFeedReader;

  before(async () => {
    link = await NatsLink.open({ url: await sharedNatsUrl(), name: 'feed-test', logger });
  });
  after(() => link.close());
  beforeEach(() => {
    prefix = `F${ulid().slice(-10)}`;
    writer = new JetStreamFeedWriter(link, { prefix, logger });
    reader = new JetStreamFeedReader(link, { prefix });
  });

  it('has a copy just once, however often it is written', async () => {
    const id = ulid();
    await writer.announceTakeover();
    const again = new JetStreamFeedWriter(link, { prefix, logger });
    writer.publish(commitOf(id, 1));
    await writer.flush(5_000);
    again.publish(commitOf(id, 1));
    again.publish(commitOf(id, 2));
    await again.flush(5_000);
    assert.deepEqual(versionsOf(await take(reader, 3)), ['takeover', 1, 2]);
  });

  it('hands on what is no commit as malformed', async () => {
    await writer.announceTakeover();
    await link.jetstream.publish(`${prefix.toLowerCase()}.feed.0`, 'rubbish');
    writer.publish(commitOf(ulid(), 1));
    assert.deepEqual(versionsOf(await take(reader, 3)), ['takeover', 'malformed', 1]);
  });

  it('survives a restart of NATS: the writer goes on, the reader learns that the feed is another one', async () => {
    const server = await startNatsServer();
    const ownLink = await NatsLink.open({ url: server.url, name: 'feed-test', logger });
    try {
      const ownWriter = new JetStreamFeedWriter(ownLink, { prefix, logger });
      const ownReader = new JetStreamFeedReader(ownLink, { prefix });
      await ownWriter.announceTakeover();
      const before = await ownReader.bounds();
      const entries = ownReader.read(0, new AbortController().signal)[Symbol.asyncIterator]();
      await entries.next();
      const next = entries.next().then(
        () => assert.fail('the feed should be lost'),
        (error: unknown) => error,
      );
      await server.kill('SIGKILL');
      ownWriter.publish(commitOf(ulid(), 1));
      await server.restart();
      assert.ok(await ownWriter.flush(15_000));
      assert.ok((await next) instanceof FeedLost);
      assert.notEqual((await ownReader.bounds()).identity, before.identity);
      assert.deepEqual(versionsOf(await take(ownReader, 1)), [1]);
    } finally {
      await ownLink.close();
      await server.stop();
    }
  });

  it('gives a reader of some partitions only theirs, and every takeover', async () => {
    const ids = Array.from({ length: 64 }, () => ulid());
    for (const id of ids) writer.publish(commitOf(id, 1));
    await writer.flush(5_000);
    await writer.announceTakeover();
    const some = new Set([3, 17, 40]);
    const wanted = ids.filter((id) => some.has(partitionOf(id, 64)));
    const entries = await take(new JetStreamFeedReader(link, { prefix }, [...some]), wanted.length + 1);
    assert.deepEqual(
      entries.map((entry) => (entry.kind === 'commit' ? entry.commit.aggregateId : entry.kind)),
      [...wanted, 'takeover'],
    );
  });

  it('counts what lies behind a position, of some partitions, and finds the one of a time', async () => {
    const options = { prefix };
    for (let version = 1; version <= 10; version += 1) writer.publish(commitOf('thread', version));
    await writer.flush(5_000);
    const between = new Date(Date.now() + 5);
    await new Promise((resolve) => setTimeout(resolve, 20));
    writer.publish(commitOf('thread', 11));
    writer.publish(commitOf('thread', 12));
    await writer.flush(5_000);
    const own = partitionOf('thread', 64);
    const behind = await feedBacklog(link, options, [own, (own + 1) % 64], 7);
    assert.equal(behind.commits, 5);
    assert.ok(behind.oldestAt !== undefined && Date.now() - behind.oldestAt < 60_000);
    assert.deepEqual(await feedBacklog(link, options, [own], 12), { commits: 0, oldestAt: undefined });
    assert.equal((await feedBacklog(link, options, [(own + 1) % 64], 0)).commits, 0);
    assert.equal(await feedSequenceBefore(link, options, new Date(0)), 0);
    assert.equal(await feedSequenceBefore(link, options, between), 10);
    assert.equal(await feedSequenceBefore(link, options, new Date(Date.now() + 60_000)), 12);
  });
});
