import assert from 'node:assert/strict';
import { encodeCommit } from '../../../../platform/nats/commit-message.js';
import { someCommit } from '../../../../platform/testing/journal-contract.js';
import { JournalFixture } from './journal-fixture.js';

describe('journal verify', function () {
  this.timeout(60_000);
  let fixture: JournalFixture;
  beforeEach(async () => (fixture = await JournalFixture.open()));
  afterEach(() => fixture.close());

  for (const layout of ['per-thread', 'bucketed'] as const) {
    const env = { JOURNAL_LAYOUT: layout };

    it(`counts what there is and finds nothing wrong: ${layout}`, async () => {
      await fixture.fill(7, 9, fixture.journal(layout));
      const { code, stdout, stderr } = await fixture.run(['verify'], env);
      assert.deepEqual([code, stderr], [0, '']);
      // Of each history one commit has no event, one has two.
      assert.match(
        stdout,
        /^verifying: 100 %, 63 of 63 commits in .*\n7 threads, 63 commits, 63 events, 0 problems\n$/,
      );
    });

    it(`names what is wrong, and goes on: ${layout}`, async () => {
      const journal = fixture.journal(layout);
      const [good, unknown, twice, gap, unreadable, stranger] = await fixture.fill(6, 2, journal);
      assert.ok(unknown && twice && gap && unreadable && stranger && good);
      const wrongEvents = [{ type: 'ThreadExploded', schemaVersion: 1, data: Buffer.alloc(0) }];
      await journal.append(unknown, 2, someCommit('unknown', { events: wrongEvents }));
      const events = [{ type: 'ThreadDestroyed', schemaVersion: 1, data: Buffer.from([255]) }];
      await journal.append(unknown, 3, someCommit('damaged', { events }));
      // As the first commit: too old for the server to know it again.
      await journal.append(twice, 2, someCommit('other', { events: [] }));
      const repeat = encodeCommit(twice, 4, someCommit('repeat', { events: [] }));
      repeat.headers.set('Command-Id', someCommit(`${twice} 0`).commandId);
      await publishPast(twice, 3, repeat);
      await publishPast(gap, 2, encodeCommit(gap, 7, someCommit('gap', { events: [] })));
      const noCommit = encodeCommit(unreadable, 3, someCommit('unreadable', { events: [] }));
      await publishPast(unreadable, 2, { ...noCommit, data: Buffer.from([255]) });
      await publishPast(stranger, 2, encodeCommit(good, 3, someCommit('stranger', { events: [] })));

      const { code, stdout, stderr } = await fixture.run(['verify'], env);
      assert.equal(code, 1);
      assert.match(stdout, /\n6 threads, \d+ commits, \d+ events, 6 problems\n$/);
      const problems = stderr.trimEnd().split('\n');
      for (const expected of [
        `wrong: ${unknown} version 3: "ThreadExploded" is no known type of event`,
        `wrong: ${unknown} version 4: ThreadDestroyed is damaged: .*`,
        `wrong: ${twice} version 4 is of command request-${twice} 0, as version 1 is`,
        `wrong: ${gap} after version 2: ${gap} has 7 where version 3 must be`,
        `wrong: ${unreadable} after version 2: a commit is unreadable: its events cannot be decoded`,
        `wrong: ${stranger} version 3 belongs to ${good}`,
      ]) {
        assert.ok(
          problems.some((line) => new RegExp(`^${expected}$`).test(line)),
          `${expected} in\n${stderr}`,
        );
      }
      assert.equal(problems.length, 6);
    });

    /** Writes what no journal would. */
    const publishPast = async (
      id: string,
      version: number,
      message: ReturnType<typeof encodeCommit>,
    ): Promise<void> => {
      const { headers, data } = message;
      const last = fixture.link.manager.streams;
      const filter = layout === 'bucketed' ? `thread.bucket.*.${id}` : `thread.journal.${id}`;
      for await (const { config } of last.list(filter)) {
        const subject = config.subjects[0]?.replace('*', id) ?? '';
        const { state } = await last.info(config.name, { subjects_filter: subject });
        if (state.subjects?.[subject] === version) await fixture.link.jetstream.publish(subject, data, { headers });
      }
    };
  }

  it('finds a bucket that holds what does not belong there', async () => {
    await fixture.fill(20, 1, fixture.journal('bucketed', 2));
    const { code, stderr } = await fixture.run(['verify'], { JOURNAL_LAYOUT: 'bucketed', JOURNAL_BUCKETS: '3' });
    assert.equal(code, 1);
    assert.match(stderr, /wrong: \w{26} is in bucket \d, where it cannot be with 3 buckets/);
  });

  it('has nothing to find in a journal without threads', async () => {
    const { code, stdout } = await fixture.run(['verify']);
    assert.equal(code, 0);
    assert.match(stdout, /0 threads, 0 commits, 0 events, 0 problems/);
  });
});
