import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { JournalUnavailable, VersionConflict } from '../journal/journal.js';
import { partitionOf } from '../ownership/partition.js';
import { describeJournalContract, readAll, someCommit } from '../testing/journal-contract.js';
import { sharedNatsUrl, startNatsServer } from '../../mesh/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import { BucketedJournal, type BucketedJournalOptions } from './bucketed-journal.js';
import { NatsLink } from './nats-link.js';

const logger = createLogger('test', 'silent');
const links: NatsLink[] = [];

async function openLink(url: string): Promise<NatsLink> {
  const link = await NatsLink.open({ url, name: 'journal-test', logger });
  links.push(link);
  return link;
}

function uniquePrefix(): string {
  return `B${ulid().slice(-10)}`;
}

async function openJournal(options: Partial<BucketedJournalOptions> = {}): Promise<BucketedJournal> {
  return new BucketedJournal(await openLink(await sharedNatsUrl()), { prefix: uniquePrefix(), ...options });
}

after(async () => {
  await Promise.all(links.map((link) => link.close()));
});

async function openTwice(options: Partial<BucketedJournalOptions> = {}) {
  const shared = { prefix: uniquePrefix(), ...options };
  return [await openJournal(shared), await openJournal(shared)] as const;
}

describeJournalContract('JetStream, buckets', openTwice);
describeJournalContract('JetStream, one bucket for all, no memory of where commits lie', () =>
  openTwice({ buckets: 1, maxTips: 0 }),
);

describe('BucketedJournal', () => {
  it('keeps as many streams as it has buckets, and an aggregate in the one of its hash', async () => {
    const link = await openLink(await sharedNatsUrl());
    const prefix = uniquePrefix();
    const journal = new BucketedJournal(link, { prefix, buckets: 4 });
    const ids = Array.from({ length: 40 }, () => ulid());
    await Promise.all(ids.map((id) => journal.append(id, 0, someCommit('one'))));
    const subjects: string[] = [];
    const streams: string[] = [];
    for await (const { config } of link.manager.streams.list(`${prefix.toLowerCase()}.>`)) {
      streams.push(config.name);
      const { state } = await link.manager.streams.info(config.name, { subjects_filter: '>' });
      subjects.push(...Object.keys(state.subjects ?? {}));
    }
    assert.deepEqual(
      streams.toSorted(),
      [0, 1, 2, 3].map((bucket) => `${prefix}_JOURNAL_${bucket}`),
    );
    const expected = ids.map((id) => `${prefix.toLowerCase()}.bucket.${partitionOf(id, 4)}.${id}`);
    assert.deepEqual(subjects.toSorted(), expected.toSorted());
  });

  it('reads from any version on although commits of others lie between', async () => {
    const journal = await openJournal({ buckets: 1 });
    const [id, other] = [ulid(), ulid()];
    const versions = Array.from({ length: 1_200 }, (_, version) => version);
    await Promise.all(
      versions.flatMap((version) => [
        journal.append(id, version, someCommit(`${version}`)),
        journal.append(other, version, someCommit(`${version}`)),
      ]),
    );
    for (const from of [1, 2, 100, 101, 102, 601, 1_099, 1_200]) {
      const read = await readAll(journal, id, from);
      assert.deepEqual([read[0]?.version, read.length, read[0]?.aggregateId], [from, 1_201 - from, id]);
    }
    assert.deepEqual(await readAll(journal, id, 1_201), []);
    assert.deepEqual(await readAll(journal, id, 5_000), []);
  });

  it('goes on behind another writer whose commits it has not seen', async () => {
    const prefix = uniquePrefix();
    const [mine, theirs] = [await openJournal({ prefix }), await openJournal({ prefix })];
    const id = ulid();
    await mine.append(id, 0, someCommit('mine'));
    await theirs.append(id, 1, someCommit('theirs'));
    await assert.rejects(mine.append(id, 1, someCommit('stale')), VersionConflict);
    await mine.append(id, 2, someCommit('mine again'), someCommit('theirs').commandId);
    await assert.rejects(theirs.append(id, 3, someCommit('after what'), 'some-other-command'), VersionConflict);
    await theirs.append(id, 3, someCommit('theirs again'));
    assert.deepEqual(
      (await readAll(mine, id)).map(({ commandId }) => commandId),
      ['request-mine', 'request-theirs', 'request-mine again', 'request-theirs again'],
    );
  });

  it('says so when it is opened with another number of buckets than it was written with', async () => {
    const prefix = uniquePrefix();
    const journal = await openJournal({ prefix, buckets: 2 });
    for (let index = 0; index < 20; index += 1) await journal.append(ulid(), 0, someCommit('one'));
    const other = await openJournal({ prefix, buckets: 3 });
    const listAll = async (): Promise<void> => {
      for await (const _ of other.list());
    };
    await assert.rejects(listAll, { reason: 'MISPLACED_AGGREGATE' });
  });

  it('takes the same command id for two aggregates of one bucket', async () => {
    const journal = await openJournal({ buckets: 1 });
    const ids = [ulid(), ulid()];
    for (const id of ids) await journal.append(id, 0, someCommit('the same'));
    for (const id of ids) assert.equal((await readAll(journal, id)).length, 1);
  });

  it('does not take a command twice, as a new commit', async () => {
    const journal = await openJournal();
    const id = ulid();
    await journal.append(id, 0, someCommit('once'));
    await assert.rejects(journal.append(id, 1, someCommit('once')), VersionConflict);
    await journal.append(id, 1, someCommit('twice'));
    assert.equal((await readAll(journal, id)).length, 2);
  });

  describe('when many appends of one aggregate wait for each other', () => {
    const pipeline = (journal: BucketedJournal, id: string, from: number, commandIds: string[], after?: string) =>
      commandIds.map((name, index) => {
        const before = index === 0 ? after : commandIds[index - 1];
        return journal.append(id, from + index, someCommit(name), before && someCommit(before).commandId);
      });
    const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

    it('stores them together, in order, and goes on behind them', async () => {
      const prefix = uniquePrefix();
      const journal = await openJournal({ prefix, buckets: 1 });
      const id = ulid();
      await Promise.all(pipeline(journal, id, 0, names(200)));
      await journal.append(id, 200, someCommit('behind'), someCommit('199').commandId);
      const commits = await readAll(journal, id);
      assert.deepEqual(
        commits.map(({ commandId }) => commandId),
        [...names(200), 'behind'].map((name) => someCommit(name).commandId),
      );
      const link = await openLink(await sharedNatsUrl());
      const stored = await link.manager.direct.getMessage(`${prefix}_JOURNAL_0`, { seq: 100 });
      assert.notEqual(stored?.header.get('Nats-Batch-Id') ?? '', '');
    });

    it('stores none of them behind the commit of another writer', async () => {
      const prefix = uniquePrefix();
      const [journal, other] = [await openJournal({ prefix }), await openJournal({ prefix })];
      const id = ulid();
      await journal.append(id, 0, someCommit('first'));
      await other.append(id, 1, someCommit('other'));
      const appends = await Promise.allSettled(pipeline(journal, id, 1, names(50)));
      for (const append of appends) {
        assert.ok(append.status === 'rejected' && append.reason instanceof VersionConflict);
      }
      assert.equal((await readAll(journal, id)).length, 2);
    });

    it('finds the one whose command was taken before, and stores those ahead of it', async () => {
      const journal = await openJournal();
      const id = ulid();
      await journal.append(id, 0, someCommit('20'));
      const appends = await Promise.allSettled(pipeline(journal, id, 1, names(40), '20'));
      assert.deepEqual(
        appends.map(({ status }) => status),
        appends.map((_, index) => (index < 20 ? 'fulfilled' : 'rejected')),
      );
      assert.equal((await readAll(journal, id)).length, 21);
    });
  });

  it('says that it is unavailable while the server is away, also to those behind, and goes on when it is back', async () => {
    const server = await startNatsServer();
    try {
      const link = await openLink(server.url);
      const journal = new BucketedJournal(link, { prefix: 'THREAD' });
      const id = ulid();
      await journal.append(id, 0, someCommit('before'));
      await server.kill('SIGKILL');
      const tries = [journal.append(id, 1, someCommit('meanwhile')), journal.append(id, 2, someCommit('behind'))];
      for (const attempt of tries) await assert.rejects(attempt, JournalUnavailable);
      await assert.rejects(readAll(journal, id), JournalUnavailable);
      const isBack = new Promise<void>((resolve) => link.onStatus((connected) => connected && resolve()));
      await server.restart();
      await isBack;
      await journal.append(id, 1, someCommit('after'));
      assert.deepEqual(
        (await readAll(journal, id)).map(({ commandId }) => commandId),
        ['request-before', 'request-after'],
      );
    } finally {
      await server.stop();
    }
  });
});
