import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { FeedLost } from '../journal/feed.js';
import { VersionConflict } from '../journal/journal.js';
import { describeJournalContract, readAll, retryUntilAvailable, someCommit } from '../testing/journal-contract.js';
import { describeRejectionLogContract } from '../testing/rejection-log-contract.js';
import { type RunningNatsCluster, startNatsCluster } from '../../mesh/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import type { RawJournal } from './raw-journal.js';
import { InstallationSettings } from './installation-settings.js';
import { JetStreamFeedReader } from './jetstream-feed-reader.js';
import { JetStreamFeedWriter } from './jetstream-feed-writer.js';
import { JetStreamRejectionLog } from './jetstream-rejection-log.js';
import { NatsLink } from './nats-link.js';
import { journalLayouts, openJournal } from './open-journal.js';

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

  describeRejectionLogContract('JetStream, three copies', async () => {
    prefix = `T${ulid().slice(-10)}`;
    const logAt = async (node: number): Promise<JetStreamRejectionLog> =>
      new JetStreamRejectionLog(await openLink(cluster.nodes[node]?.url), { prefix, replicas: 3, logger });
    const [one, other] = [await logAt(0), await logAt(2)];
    await one.open();
    await other.open();
    return [one, other];
  });

  for (const layout of journalLayouts) {
    describe(`layout ${layout}`, () => {
      // Few buckets, so that aggregates meet in them.
      const journalOn = (link: NatsLink): RawJournal => openJournal(link, { prefix, layout, buckets: 2, replicas: 3 });
      const journalAt = async (node: number): Promise<RawJournal> =>
        journalOn(await openLink(cluster.nodes[node]?.url));

      describeJournalContract(`JetStream, ${layout}, three copies`, async () => {
        prefix = `T${ulid().slice(-10)}`;
        return [await journalAt(0), await journalAt(1)];
      });

      it('goes on after refusals of every kind, some of which could stop a stream for good', async () => {
        const [one, other] = [await journalAt(0), await journalAt(1)];
        const id = ulid();
        const idOf = (text: string): string => someCommit(text).commandId;
        await one.append(id, 0, someCommit('first'));
        await other.append(id, 1, someCommit('of another writer'));
        const refused = [
          () => one.append(id, 1, someCommit('stale')),
          () => one.append(id, 5, someCommit('ahead')),
          () => one.append(id, 2, someCommit('late'), idOf('lost')),
          // Known already, at another version.
          () => one.append(id, 2, someCommit('first')),
        ];
        for (const append of refused) await assert.rejects(append, VersionConflict);
        let version = 2;
        for (let round = 0; round < 50; round += 1) {
          const racing = [one, other, one, other].map((journal, index) =>
            journal.append(id, version, someCommit(`${round}/${index}`)),
          );
          const outcomes = await Promise.allSettled(racing);
          assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
          version += 1;
        }
        for (let node = 0; node < 3; node += 1, version += 1) {
          const journal = await journalAt(node);
          await journal.append(id, version, someCommit(`through node ${node}`));
          assert.equal((await readAll(journal, id)).length, version + 1);
        }
      });

      // A laggard's answers about a stream of its own were never seen to be short: that would prove nothing.
      if (layout === 'bucketed')
        it('reads all that is acknowledged through a node that lags behind', async () => {
          const id = ulid();
          const first = await openLink(cluster.nodes[0]?.url);
          await journalOn(first).append(id, 0, someCommit('0'));
          const { leader } = await clusterOfStreamOf(first, id);
          const laggard = cluster.nodes.find((_, index) => `nats-${index + 1}` !== leader);
          const other = cluster.nodes.find((node) => node !== laggard);
          const [writer, reader] = [journalOn(await openLink(other?.url)), journalOn(await openLink(laggard?.url))];
          const last = 1_500;
          const events = [{ type: 'Big', schemaVersion: 1, data: Buffer.alloc(10_000) }];
          await laggard?.kill('SIGSTOP');
          try {
            const versions = Array.from({ length: last - 1 }, (_, index) => index + 1);
            await Promise.all(
              versions.map((version) => writer.append(id, version, someCommit(`${version}`, { events }))),
            );
          } finally {
            await laggard?.kill('SIGCONT');
          }
          // Any node may answer; while the laggard catches up, some of these it does.
          for (let round = 0; round < 60; round += 1) {
            const reads = await Promise.all(Array.from({ length: 6 }, () => readAll(reader, id, last)));
            assert.deepEqual(new Set(reads.map(({ length }) => length)), new Set([1]), `round ${round}`);
          }
        });

      async function clusterOfStreamOf(link: NatsLink, id: string): Promise<{ leader?: string }> {
        const [name] = await link.manager.streams
          .names(`${prefix.toLowerCase()}.*.${layout === 'bucketed' ? '*.' : ''}${id}`)
          .next();
        const { cluster: group } = await link.manager.streams.info(String(name));
        return group ?? {};
      }
    });
  }

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

  it('reads the feed on when the node that serves the reader dies, and stays dead', async () => {
    const options = { prefix, replicas: 3 };
    const aborter = new AbortController();
    // Each reader is served by a node that the cluster chooses; its own connection may be to another.
    const readers = await Promise.all(
      cluster.nodes.map(async () => new JetStreamFeedReader(await openLink(), options)),
    );
    const writer = new JetStreamFeedWriter(await openLink(), { ...options, logger });
    await writer.announceTakeover();
    const readings = readers.map((reader) => reader.read(0, aborter.signal)[Symbol.asyncIterator]());
    for (const entries of readings) assert.equal((await entries.next()).value.sequence, 1);
    const serving = await servingNode(`${prefix}_FEED`);
    const victim = cluster.nodes[serving];
    await victim?.kill('SIGKILL');
    try {
      await writer.announceTakeover();
      for (const entries of readings) {
        const next = (await entries.next()).value;
        // Announced again when the first time nobody answered.
        assert.ok(next.sequence === 2, `${next.sequence}`);
      }
    } finally {
      aborter.abort();
      // None of them goes on to see that.
      for (const entries of readings) await entries.return?.();
      await victim?.restart();
    }
  });

  /** The number of a node that serves some consumer of a stream. */
  async function servingNode(stream: string): Promise<number> {
    const [first] = await (await openLink()).manager.consumers.list(stream).next();
    return Number(first?.cluster?.leader?.slice('nats-'.length)) - 1;
  }

  it('has every commit on after all nodes were killed; the feed in memory says that it is lost', async () => {
    const link = await openLink();
    const journals = journalLayouts.map((layout) => openJournal(link, { prefix, layout, replicas: 3 }));
    const writer = new JetStreamFeedWriter(link, { prefix, replicas: 3, logger });
    const reader = new JetStreamFeedReader(link, { prefix, replicas: 3 });
    const id = ulid();
    for (const journal of journals) {
      for (let version = 0; version < 20; version += 1) await journal.append(id, version, someCommit(`${version}`));
    }
    await writer.announceTakeover();
    const entries = reader.read(0, new AbortController().signal)[Symbol.asyncIterator]();
    await entries.next();
    const lost = assert.rejects(entries.next(), FeedLost);
    await cluster.restartAll();
    await lost;
    // Streams have leaders again only a little later.
    for (const journal of journals) {
      assert.equal((await retryUntilAvailable(() => readAll(journal, id))).length, 20);
    }
  });

  it('waits at the start for a cluster that takes connections and has no leader yet', async () => {
    const url = cluster.nodes[0]?.url ?? '';
    const link = await NatsLink.open({ url, name: 'cluster-test', logger, requestTimeoutMs: 300 });
    links.push(link);
    const others = cluster.nodes.slice(1);
    await Promise.all(others.map((node) => node.kill('SIGSTOP')));
    let opening: Promise<unknown>;
    try {
      opening = Promise.all([
        InstallationSettings.open(link, { prefix, replicas: 3 }),
        new JetStreamRejectionLog(link, { prefix, replicas: 3, logger }).open(),
      ]);
      // Nobody answers, meanwhile.
      for (let round = 0; round < 3; round += 1) {
        const stream = { name: `${prefix}_${round}`, subjects: [`${prefix}.${round}`], num_replicas: 3 };
        await assert.rejects(link.ask(() => link.manager.streams.add(stream)));
      }
    } finally {
      await Promise.all(others.map((node) => node.kill('SIGCONT')));
    }
    await opening;
  });
});
