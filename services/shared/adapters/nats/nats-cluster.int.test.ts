import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { FeedLost } from '../../runtime/feed.js';
import { describeJournalContract, readAll, someCommit } from '../../testing/journal-contract.js';
import { type RunningNatsCluster, startNatsCluster } from '../../testing/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import { JetStreamFeedReader } from './jetstream-feed-reader.js';
import { JetStreamFeedWriter } from './jetstream-feed-writer.js';
import { JetStreamJournal } from './jetstream-journal.js';
import { NatsLink } from './nats-link.js';

const logger = createLogger('test', 'silent');

describe('on a NATS cluster of three', function () {
  this.timeout(60_000);
  let cluster: RunningNatsCluster;
  let prefix: string;
  const links: NatsLink[] = [];

  before(async () => {
    cluster = await startNatsCluster();
  });
  beforeEach(() => {
    prefix = `T${ulid().slice(-10)}`;
  });
  after(async () => {
    await Promise.all(links.map((link) => link.close()));
    await cluster?.stop();
  });

  async function openLink(url = cluster.url): Promise<NatsLink> {
    const link = await NatsLink.open({ url, name: 'cluster-test', logger });
    links.push(link);
    return link;
  }

  const journalOn = (link: NatsLink) => new JetStreamJournal(link, { prefix, replicas: 3 }, () => undefined);

  describeJournalContract('JetStream, three copies', async () => {
    prefix = `T${ulid().slice(-10)}`;
    return journalOn(await openLink());
  });

  it('reads through any node at once what another has acknowledged', async () => {
    const [first, ...others] = await Promise.all(cluster.nodes.map(async ({ url }) => journalOn(await openLink(url))));
    assert.ok(first);
    const id = ulid();
    for (let version = 0; version < 100; version += 1) {
      await first.append(id, version, someCommit(`${version}`));
      const lengths = await Promise.all(others.map(async (journal) => (await readAll(journal, id)).length));
      assert.deepEqual(lengths, [version + 1, version + 1]);
    }
  });

  it('goes on after a pipelined append behind another writer, which would stop a stream for good', async () => {
    const [one, other] = [journalOn(await openLink()), journalOn(await openLink())];
    const id = ulid();
    await one.append(id, 0, someCommit('first'));
    await other.append(id, 1, someCommit('of another writer'));
    const late = one.append(id, 2, someCommit('late'), someCommit('lost').commandId);
    await assert.rejects(late, { name: 'VersionConflict' });
    await one.append(id, 2, someCommit('third'), someCommit('of another writer').commandId);
    assert.equal((await readAll(other, id)).length, 3);
  });

  it('lets several instances announce themselves on a feed that none has made yet', async () => {
    const writers = await Promise.all(
      cluster.nodes.map(async ({ url }) => {
        const link = await openLink(url);
        return new JetStreamFeedWriter(link, { prefix, replicas: 3, logger });
      }),
    );
    await Promise.all(writers.map((writer) => writer.announceTakeover()));
    const reader = new JetStreamFeedReader(await openLink(), { prefix, replicas: 3 });
    assert.equal((await reader.bounds()).lastSequence, writers.length);
  });

  it('has every commit on after all nodes were killed; the feed in memory says that it is lost', async () => {
    const link = await openLink();
    const journal = journalOn(link);
    const writer = new JetStreamFeedWriter(link, { prefix, replicas: 3, logger });
    const reader = new JetStreamFeedReader(link, { prefix, replicas: 3 });
    const id = ulid();
    for (let version = 0; version < 20; version += 1) await journal.append(id, version, someCommit(`${version}`));
    await writer.announceTakeover();
    const entries = reader.read(0, new AbortController().signal)[Symbol.asyncIterator]();
    await entries.next();
    const lost = assert.rejects(entries.next(), FeedLost);
    await cluster.restartAll();
    await lost;
    assert.equal((await readAll(journal, id)).length, 20);
  });
});
