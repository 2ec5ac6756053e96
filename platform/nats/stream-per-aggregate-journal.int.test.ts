import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ulid } from 'ulid';
import { type Fault } from '../kernel/fault.js';
import { JournalUnavailable, type Journal } from '../journal/journal.js';
import { describeJournalContract, readAll, retryUntilAvailable, someCommit } from '../testing/journal-contract.js';
import { sharedNatsUrl, startNatsServer } from '../../mesh/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import { StreamPerAggregateJournal } from './stream-per-aggregate-journal.js';
import { NatsLink } from './nats-link.js';

const logger = createLogger('test', 'silent');
const links: NatsLink[] = [];

async function openLink(url: string): Promise<NatsLink> {
  const link = await NatsLink.open({ url, name: 'journal-test', logger });
  links.push(link);
  return link;
}

/** After a collection of all garbage: the first may end one under way, which keeps what was made since that began. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

function uniquePrefix(): string {
  return `T${ulid().slice(-10)}`;
}

async function openJournal(prefix = uniquePrefix()): Promise<Journal> {
  return new StreamPerAggregateJournal(await openLink(await sharedNatsUrl()), { prefix }, () => {});
}

after(async () => {
  await Promise.all(links.map((link) => link.close()));
});

describeJournalContract('JetStream, a stream per aggregate', async () => {
  const prefix = uniquePrefix();
  return [await openJournal(prefix), await openJournal(prefix)];
});

describe('StreamPerAggregateJournal', () => {
  it('refuses to begin an aggregate above its number of streams, warns before, and goes on with those there are', async () => {
    const link = await openLink(await sharedNatsUrl());
    const { streams } = await link.manager.getAccountInfo();
    const warnings: number[] = [];
    const options = { prefix: uniquePrefix(), maxStreams: streams + 2 };
    const journal = new StreamPerAggregateJournal(link, options, (count) => warnings.push(count));
    const first = ulid();
    await journal.append(first, 0, someCommit('one'));
    await journal.append(ulid(), 0, someCommit('two'));
    await assert.rejects(journal.append(ulid(), 0, someCommit('three')), (error: Fault) => {
      assert.equal(error.kind, 'exhausted');
      assert.equal(error.reason, 'JOURNAL_FULL');
      return true;
    });
    assert.ok(warnings.length > 0);
    await journal.append(first, 1, someCommit('more'));
    assert.equal((await readAll(journal, first)).length, 2);
  });

  it('lists none twice, though threads are begun while the server hands out its list in pages', async function () {
    this.timeout(60_000);
    const journal = await openJournal();
    // More than one page, all behind what is begun meanwhile.
    await Promise.all(Array.from({ length: 257 }, () => journal.append(`Z${ulid()}`, 0, someCommit('one'))));
    const listed: string[] = [];
    for await (const { aggregateId } of journal.list()) {
      if (listed.length === 0) await journal.append(`A${ulid()}`, 0, someCommit('meanwhile'));
      listed.push(aggregateId);
    }
    assert.equal(new Set(listed).size, 257);
    assert.equal(listed.length, 257);
  });

  it('keeps nothing of what it has read: no subscription, which would hold the messages', async () => {
    const link = await openLink(await sharedNatsUrl());
    const journal = new StreamPerAggregateJournal(link, { prefix: uniquePrefix() }, () => {});
    const id = ulid();
    await journal.append(id, 0, someCommit('one'));
    await readAll(journal, id);
    const { subscriptions } = (link.connection as unknown as { protocol: { subscriptions: { size(): number } } })
      .protocol;
    const before = subscriptions.size();
    for (let turn = 0; turn < 20; turn += 1) await readAll(journal, id);
    // Of a stream that has nothing from there on, and of none.
    assert.deepEqual(await readAll(journal, id, 2), []);
    assert.deepEqual(await readAll(journal, ulid()), []);
    assert.equal(subscriptions.size(), before);
  });

  it('gives command ids that do not hold all of their commits in memory', async () => {
    const journal = await openJournal();
    const id = ulid();
    const commits = 200;
    const trace = { requestId: 'x'.repeat(20_000), traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    await Promise.all(
      Array.from({ length: commits }, (_, version) => journal.append(id, version, someCommit(`${version}`, { trace }))),
    );
    const before = heapBytes();
    const kept: string[] = [];
    for await (const { commandId, fingerprint } of journal.read(id, 1)) kept.push(commandId, fingerprint);
    const heldBytes = heapBytes() - before;
    assert.equal(kept.length, 2 * commits);
    assert.ok(heldBytes < (commits * 20_000) / 2, `${kept.length} strings hold ${heldBytes} bytes`);
  });

  it('refuses a commit that no message can hold, and writes nothing', async () => {
    const journal = await openJournal();
    const id = ulid();
    const events = [{ type: 'Big', schemaVersion: 1, data: Buffer.alloc(9 * 1024 * 1024) }];
    await assert.rejects(journal.append(id, 0, someCommit('big', { events })), { reason: 'COMMIT_TOO_LARGE' });
    assert.deepEqual(await readAll(journal, id), []);
  });

  it('says that it is unavailable while the server is away, and has everything when it is back', async () => {
    const server = await startNatsServer();
    try {
      const journal = new StreamPerAggregateJournal(await openLink(server.url), { prefix: 'THREAD' }, () => {});
      const id = ulid();
      await journal.append(id, 0, someCommit('before'));
      await server.kill('SIGKILL');
      await assert.rejects(journal.append(id, 1, someCommit('meanwhile')), JournalUnavailable);
      await assert.rejects(readAll(journal, id), JournalUnavailable);
      await server.restart();
      const commits = await retryUntilAvailable(() => readAll(journal, id));
      assert.deepEqual(
        commits.map(({ commandId }) => commandId),
        ['request-before'],
      );
    } finally {
      await server.stop();
    }
  });
});
