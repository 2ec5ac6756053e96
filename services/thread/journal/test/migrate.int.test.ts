import assert from 'node:assert/strict';
import type { StoredCommit } from '../../../../platform/nats/raw-journal.js';
import { resultOf } from '../../../../platform/testing/command-process.js';
import { someCommit } from '../../../../platform/testing/journal-contract.js';
import { Installation } from '../../../../platform/admin/journal/installation.js';
import { migrateJournal } from '../../../../platform/admin/journal/migrate-journal.js';
import { threadContext } from '../../events/context.js';
import { contents, JournalFixture } from './journal-fixture.js';

describe('journal migrate', function () {
  this.timeout(60_000);
  let fixture: JournalFixture;
  beforeEach(async () => (fixture = await JournalFixture.open()));
  afterEach(() => fixture.close());

  /** Subjects of the messages that come to a layout from now on. */
  function watchWrites(subject: string): string[] {
    const subjects: string[] = [];
    fixture.link.connection.subscribe(subject, { callback: (_, message) => void subjects.push(message.subject) });
    return subjects;
  }

  async function streamsOf(subject: string): Promise<number> {
    let count = 0;
    for await (const _ of fixture.link.manager.streams.list(subject)) count += 1;
    return count;
  }

  it('copies there and back, keeps the layout, deletes the old streams when told to, and says what it did', async () => {
    const ids = await fixture.fill(20, 12);
    const before = await contents(fixture.journal(), ids);

    const there = await fixture.run(['migrate', '--to', 'bucketed', '--buckets', '3']);
    assert.equal(there.code, 0, there.stderr);
    assert.match(there.stdout, /copying to bucketed: 100 %, 240 of 240 commits in/);
    assert.match(there.stdout, /20 threads, 240 commits copied and verified\. The layout is bucketed now\./);
    assert.match(there.stdout, /Start all processes with JOURNAL_LAYOUT=bucketed JOURNAL_BUCKETS=3;/);
    assert.deepEqual(await fixture.kept(), { journalLayout: 'bucketed', journalBuckets: 3, partitions: 64 });
    const bucketed = fixture.journal('bucketed', 3);
    assert.deepEqual(await contents(bucketed, ids), before);
    assert.equal(await streamsOf('thread.bucket.>'), 3);
    assert.equal(await streamsOf('thread.journal.*'), 20);

    const again = await fixture.run(['migrate', '--to', 'bucketed']);
    assert.deepEqual([again.code, again.stdout], [0, 'the layout is bucketed already\n']);

    const deleted = await fixture.run(['migrate', '--delete-old']);
    assert.equal(deleted.code, 0, deleted.stderr);
    assert.match(deleted.stdout, /\n20 streams deleted\n$/);
    assert.equal(await streamsOf('thread.journal.*'), 0);

    const [more] = await fixture.fill(1, 450, bucketed);
    assert.ok(more);
    const back = await fixture.run(['migrate', '--to', 'per-thread']);
    assert.equal(back.code, 0, back.stderr);
    assert.deepEqual(await contents(fixture.journal(), ids), before);
    assert.deepEqual(await contents(fixture.journal(), [more]), await contents(bucketed, [more]));
    assert.equal((await fixture.kept())?.journalLayout, 'per-thread');
    assert.equal((await fixture.run(['verify'])).code, 0);
  });

  it('goes on after kill -9: owners stay out meanwhile, nothing is written twice, the rest is as it was', async () => {
    const ids = await fixture.fill(60, 40);
    const before = await contents(fixture.journal(), ids);
    const child = fixture.spawn(['migrate', '--to', 'bucketed']);
    const writes = fixture.link.connection.subscribe('thread.bucket.>');
    let seen = 0;
    for await (const _ of writes) {
      seen += 1;
      if (seen === 700) break;
    }
    child.kill('SIGKILL');
    assert.equal((await resultOf(child)).signal, 'SIGKILL');

    const kept = await fixture.kept();
    assert.deepEqual(
      [kept?.journalLayout, kept?.maintenance?.task],
      ['per-thread', 'migrate --to bucketed --buckets 16'],
    );
    const other = await fixture.run(['migrate', '--to', 'bucketed', '--buckets', '4']);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /"journal migrate --to bucketed --buckets 16" is under way or was interrupted/);
    let copied = 0;
    for await (const { version } of fixture.journal('bucketed').list()) copied += version;
    assert.ok(copied >= 700 && copied < 2_400, `killed in the middle, with ${copied} commits`);

    const written = watchWrites('thread.bucket.>');
    const again = await fixture.run(['migrate', '--to', 'bucketed']);
    assert.equal(again.code, 0, again.stderr);
    await fixture.link.connection.flush();
    assert.equal(written.length, 2_400 - copied);
    assert.deepEqual(await contents(fixture.journal('bucketed'), ids), before);
    assert.deepEqual(await fixture.kept(), { journalLayout: 'bucketed', journalBuckets: 16, partitions: 64 });
  });

  it('can be given up when it was interrupted', async () => {
    const [id] = await fixture.fill(1, 3);
    assert.ok(id);
    // What cannot be copied interrupts it: the target has gone another way.
    await fixture.fill(1, 2, fixture.journal('bucketed'));
    const failed = await fixture.run(['migrate', '--to', 'bucketed']);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /is in the bucketed layout only/);
    assert.ok((await fixture.kept())?.maintenance);
    assert.equal((await fixture.run(['give-up'])).code, 0);
    assert.deepEqual(await fixture.kept(), { journalLayout: 'per-thread', journalBuckets: 16, partitions: 64 });
    assert.equal((await fixture.run(['give-up'])).stdout, 'nothing was interrupted\n');
  });

  it('notices a commit that is another one in the target, byte by byte', async () => {
    const [id] = await fixture.fill(1, 5);
    assert.ok(id);
    const target = fixture.journal('bucketed');
    for await (const { version, headers, data } of fixture.journal().readMessages(id, 1)) {
      if (version === 3) headers.set('Commit-Time', '1');
      await target.appendMessage(id, version - 1, { headers, data });
    }
    const { code, stderr } = await fixture.run(['migrate', '--to', 'bucketed']);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`${id} version 3 is another in the target`));
    assert.equal((await fixture.kept())?.journalLayout, 'per-thread');
  });

  it('refuses while an owner is alive, naming it, and leaves everything as it was', async () => {
    await fixture.fill(1, 1);
    const leave = await fixture.announceMember('owner-7');
    const refused = await fixture.run(['migrate', '--to', 'bucketed']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /owners are running: owner-7 at host:50051\. Stop every thread-command/);
    assert.equal(await fixture.kept(), undefined);
    assert.equal(await streamsOf('thread.bucket.>'), 0);
    await leave();
    assert.equal((await fixture.run(['migrate', '--to', 'bucketed'])).code, 0);
  });

  it('copies also what an owner that nobody knew of has written meanwhile', async () => {
    const [small] = await fixture.fill(1, 1);
    await fixture.fill(1, 2_000);
    assert.ok(small);
    const values = { journalLayout: 'per-thread', journalBuckets: 16, partitions: 64 } as const;
    const options = { link: fixture.link, context: threadContext, values, replicas: 1, maxStreams: 100 };
    const parts: string[] = [];
    let written: Promise<void> | undefined;
    const outcome = await migrateJournal(await Installation.open(options), 'bucketed', 16, {
      begin: (task, total) => void parts.push(`${task} ${total}`),
      advance: (count) => {
        // That is the small one, whose copy is over; the other takes much longer.
        if (count === 1) written ??= fixture.journal().append(small, 1, someCommit('late'));
      },
      end: () => undefined,
    });
    await written;
    assert.deepEqual(outcome, { kind: 'migrated', aggregates: 2, commits: 2_002 });
    assert.deepEqual(parts, ['copying to bucketed 2001', 'copying to bucketed 2']);
    assert.deepEqual(await contents(fixture.journal('bucketed'), [small]), await contents(fixture.journal(), [small]));
  });

  it('refuses more threads than there may be streams, before it copies any', async () => {
    await fixture.fill(5, 1, fixture.journal('bucketed'));
    const env = { JOURNAL_LAYOUT: 'bucketed', JOURNAL_MAX_STREAMS: '4' };
    const refused = await fixture.run(['migrate', '--to', 'per-thread'], env);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /there are 5 threads, and a stream for each would be more than JOURNAL_MAX_STREAMS, 4/,
    );
    assert.equal(await streamsOf('thread.journal.*'), 0);
  });

  it('deletes no old stream that holds more than the present layout', async () => {
    const [id] = await fixture.fill(1, 3);
    assert.ok(id);
    assert.equal((await fixture.run(['migrate', '--to', 'bucketed'])).code, 0);
    let latest: StoredCommit | undefined;
    for await (const commit of fixture.journal().readMessages(id, 3)) latest = commit;
    assert.ok(latest);
    latest.headers.set('Aggregate-Version', '4');
    latest.headers.set('Command-Id', 'a-zombie');
    await fixture.journal().appendMessage(id, 3, latest);
    const refused = await fixture.run(['migrate', '--delete-old']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`${id} is at version 4 in the old layout and at 3 in the present one`));
    assert.equal(await streamsOf('thread.journal.*'), 1);
  });
});
