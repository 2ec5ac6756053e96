import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resultOf } from '../../../../platform/testing/command-process.js';
import { contents, JournalFixture } from './journal-fixture.js';

/** The trailer with its length, in a file of less than 128 commits: 34 bytes of digest, twice 2 of counts, 2 around, 1. */
const TRAILER_BYTES = 41;

describe('journal export and import', function () {
  this.timeout(60_000);
  let fixture: JournalFixture;
  let other: JournalFixture;
  let folder: string;
  let file: string;
  beforeEach(async () => {
    [fixture, other] = await Promise.all([JournalFixture.open(), JournalFixture.open()]);
    folder = await mkdtemp(join(tmpdir(), 'threadweaver-export-'));
    file = join(folder, 'journal.export');
  });
  afterEach(async () => {
    await Promise.all([fixture.close(), other.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  for (const [from, to] of [
    ['per-thread', 'bucketed'],
    ['bucketed', 'per-thread'],
  ] as const) {
    it(`brings everything of a ${from} journal into a ${to} one: versions, ids, fingerprints, times, traces, events`, async () => {
      const ids = await fixture.fill(15, 30, fixture.journal(from));
      const exported = await fixture.run(['export', file], { JOURNAL_LAYOUT: from });
      assert.equal(exported.code, 0, exported.stderr);
      assert.match(exported.stdout, /15 threads, 450 commits in .*, SHA-256 [0-9a-f]{64}\n$/);
      assert.equal(existsSync(`${file}.partial`), false);

      const imported = await other.run(['import', file], { JOURNAL_LAYOUT: to, JOURNAL_BUCKETS: '4' });
      assert.equal(imported.code, 0, imported.stderr);
      assert.match(imported.stdout, /15 threads, 450 commits imported and verified, SHA-256 [0-9a-f]{64}\n$/);
      const restored = other.journal(to, 4);
      assert.deepEqual(await contents(restored, ids), await contents(fixture.journal(from), ids));
      assert.deepEqual(await other.kept(), { journalLayout: to, journalBuckets: 4, partitions: 64 });
      assert.equal((await other.run(['verify'])).code, 0);
    });
  }

  it('overwrites nothing: neither a file, nor the history of any thread, before it writes the first', async () => {
    const [id] = await fixture.fill(1, 2);
    assert.ok(id);
    assert.equal((await fixture.run(['export', file])).code, 0);
    const before = await readFile(file);
    const again = await fixture.run(['export', file]);
    assert.deepEqual([again.code, again.stderr], [1, `journal: ${file} exists already\n`]);
    assert.deepEqual(await readFile(file), before);

    await fixture.fill(3, 2);
    const more = join(folder, 'more.export');
    assert.equal((await fixture.run(['export', more])).code, 0);
    assert.equal((await other.run(['import', file])).code, 0);
    const refused = await other.run(['import', more]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`the journal has a history of ${id} already: nothing was written`));
    const versions: number[] = [];
    for await (const { version } of other.journal().list()) versions.push(version);
    assert.deepEqual(versions, [2]);
    assert.equal((await other.kept())?.maintenance, undefined);
  });

  it('takes no file that is cut off, changed, longer, of another format version or of something else', async () => {
    await fixture.fill(3, 20);
    assert.equal((await fixture.run(['export', file])).code, 0);
    const whole = await readFile(file);
    const flipped = Buffer.from(whole);
    // Within the text of some header: it still decodes.
    const at = flipped.indexOf('fingerprint-') + 3;
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    const newer = Buffer.from(whole);
    // After the header's length, tag and size and the format's name comes the tag of the version, and the version.
    newer[newer.indexOf('threadweaver-journal') + 'threadweaver-journal'.length + 1] = 2;
    const damaged: [string, Buffer, RegExp][] = [
      ['cut off within a record', whole.subarray(0, whole.length - 3), /is cut off/],
      ['cut off between records', whole.subarray(0, whole.length - TRAILER_BYTES), /is cut off/],
      ['empty', Buffer.alloc(0), /is cut off/],
      ['changed', flipped, /has another SHA-256 than it says/],
      ['longer', Buffer.concat([whole, whole]), /goes on behind its end/],
      ['newer', newer, /has format version 2, unknown here/],
      ['something else', Buffer.from('{"a":1}\n'.repeat(100)), /journal: .*something else /],
    ];
    for (const [name, bytes, message] of damaged) {
      const path = join(folder, name);
      await writeFile(path, bytes);
      const refused = await other.run(['import', path]);
      assert.equal(refused.code, 1, name);
      assert.match(refused.stderr, message, name);
    }
    for await (const { aggregateId } of other.journal().list()) assert.fail(`${aggregateId} was imported`);
    assert.equal(await other.kept(), undefined);
  });

  it('goes on with the same file after kill -9, and keeps owners and other files out until then', async () => {
    const ids = await fixture.fill(40, 40);
    assert.equal((await fixture.run(['export', file])).code, 0);
    const child = other.spawn(['import', file]);
    const writes = other.link.connection.subscribe('thread.journal.*');
    let seen = 0;
    for await (const _ of writes) {
      seen += 1;
      if (seen === 500) break;
    }
    child.kill('SIGKILL');
    assert.equal((await resultOf(child)).signal, 'SIGKILL');
    assert.match(String((await other.kept())?.maintenance?.task), /^import \(SHA-256 [0-9a-f]{64}\)$/);
    const refused = await other.run(['migrate', '--to', 'bucketed']);
    assert.match(refused.stderr, /"journal import \(SHA-256 .*\)" is under way or was interrupted/);

    const again = await other.run(['import', file]);
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(await contents(other.journal(), ids), await contents(fixture.journal(), ids));
    assert.equal((await other.kept())?.maintenance, undefined);
  });

  it('refuses to import while an owner is alive, but exports', async () => {
    await fixture.fill(1, 1);
    const leave = await fixture.announceMember('owner-1');
    assert.equal((await fixture.run(['export', file])).code, 0);
    await leave();
    await other.announceMember('owner-2');
    const refused = await other.run(['import', file]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /owners are running: owner-2/);
  });

  it('says how the file is made, so that others can check it: the digest is of all before the trailer', async () => {
    await fixture.fill(2, 2);
    const { stdout } = await fixture.run(['export', file]);
    const whole = await readFile(file);
    const digest = createHash('sha256').update(whole.subarray(0, whole.length - TRAILER_BYTES));
    assert.ok(stdout.includes(digest.digest('hex')));
  });
});
