import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createConnection } from 'mysql2/promise';
import type { Commit } from '../../../../platform/journal/journal.js';
import { resultOf } from '../../../../platform/testing/command-process.js';
import { history, InstallationFixture, poisonedHistory } from './installation-fixture.js';

const last = (commits: Commit[]): Commit => commits.at(-1) as Commit;

describe('projector rebuild', function () {
  this.timeout(90_000);
  let installation: InstallationFixture;
  beforeEach(async () => (installation = await InstallationFixture.open()));
  afterEach(async function () {
    if (this.currentTest?.isFailed()) installation.showLogs();
    await installation.close();
  });

  /** Makes the read model wrong in a way that only a rebuild puts right. */
  async function damage(ids: readonly string[]): Promise<void> {
    await installation.database.transaction(async (tx) => {
      await tx.run('UPDATE threads SET title = ? WHERE id IN (?)', ['wrong', ids]);
      await tx.run('DELETE FROM messages WHERE thread_id IN (?)', [ids]);
    });
  }

  async function count(sql: string): Promise<number> {
    const [row] = await installation.database.rows<{ count: number }>(`SELECT COUNT(*) AS count FROM ${sql}`);
    return Number(row?.count);
  }

  async function databasesOfRebuilds(): Promise<number> {
    const name = new URL(installation.databaseUrl).pathname.slice(1);
    return count(`information_schema.schemata WHERE schema_name LIKE '${name}\\_\\_%'`);
  }

  it('puts everything right under load, with queries going on that miss nothing', async () => {
    const poisoned = poisonedHistory(4, 3);
    const before = Array.from({ length: 60 }, () => history(8));
    await installation.write(...before.flat(), ...poisoned);
    await installation.startProjector();
    await installation.startProjector();
    await installation.projected(...before.map(last));
    await damage(before.slice(0, 20).map((commits) => last(commits).aggregateId));

    let isOver = false;
    const during: Commit[][] = [];
    const writing = (async () => {
      while (!isOver) {
        during.push(await installation.writeThread(4));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    // A reader sees all threads at every moment, be it in the old tables or the new ones.
    const ids = before.map((commits) => last(commits).aggregateId);
    let asked = 0;
    const misses: number[] = [];
    const asking = (async () => {
      while (!isOver) {
        const found = await installation.versions(ids);
        asked += 1;
        const { threads } = await installation.counts();
        if (threads < 61) misses.push(threads);
        if (found.size !== ids.length || [...found.values()].some((version) => version !== 9)) misses.push(found.size);
      }
    })();
    const { code, stdout, stderr } = await installation.run('rebuild');
    const after = await installation.writeThread(2);
    isOver = true;
    await Promise.all([writing, asking]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /projecting: 100 %, \d+ of \d+ commits in/);
    assert.match(stdout, /rebuilt: \d+ threads, \d+ commits; nothing was projected for \d+ ms\n1 threads are parked/);
    assert.deepEqual(misses, []);
    assert.ok(asked > 10);
    await installation.projected(...before.map(last), ...during.map(last), last(after));
    assert.deepEqual(await installation.counts(), {
      threads: 60 + during.length + 2,
      messages: 60 * 8 + during.length * 4 + 2 + 1,
    });
    assert.equal(await count("threads WHERE title = 'wrong'"), 0);
    assert.equal(await count('dead_letters'), 3);
    assert.equal(await databasesOfRebuilds(), 0);
    // Those behind the parked one still queue.
    await installation.write({ ...last(poisoned), version: 6, commandId: 'command-6' });
    const sentinel = await installation.writeThread(0);
    await installation.projected(last(sentinel));
  });

  it('leaves the read model whole and projection running when it is killed at any moment, and can be run again', async () => {
    const commits = Array.from({ length: 150 }, () => history(10));
    await installation.write(...commits.flat());
    await installation.startProjector({ PROJECTION_CHECK_EVERY_MS: '100' });
    await installation.projected(...commits.map(last));
    const [{ aggregateId }] = commits[0] as [Commit];
    await damage([aggregateId]);
    const moments = [
      `information_schema.schemata WHERE schema_name = '${shadowName()}'`,
      `\`${shadowName()}\`.messages`,
      "projection_checkpoints WHERE paused_by = 'rebuild'",
    ];
    for (const moment of moments) {
      const child = installation.spawn(['rebuild']);
      let hasEnded = false;
      const ended = resultOf(child).finally(() => (hasEnded = true));
      while (!hasEnded && (await count(moment).catch(() => 0)) === 0) await new Promise(setImmediate);
      child.kill('SIGKILL');
      await ended;
      // A pause of its own ends with it.
      const next = await installation.writeThread(1);
      await installation.projected(last(next));
      assert.equal((await count('threads WHERE version > 0')) >= 150, true);
    }
    const { code, stderr } = await installation.run('rebuild');
    assert.equal(code, 0, stderr);
    assert.equal(await count("threads WHERE title = 'wrong'"), 0);
    assert.deepEqual(await installation.counts(), { threads: 153, messages: 1_503 });
    assert.equal(await databasesOfRebuilds(), 0);
    const next = await installation.writeThread(1);
    await installation.projected(last(next));
  });

  it('wants to be told when the journal was restored from an older state, and leaves out what that has not', async () => {
    const [cut, gone, whole] = [history(6), history(2), history(3)];
    await installation.write(...cut, ...gone, ...whole);
    await installation.startProjector();
    await installation.projected(last(cut), last(gone), last(whole));
    await installation.endProjectors();
    for (const { aggregateId } of [last(cut), last(gone)]) {
      await installation.link.manager.streams.delete(`THREAD_${aggregateId}`);
    }
    await installation.write(...cut.slice(0, 4));

    const refused = await installation.run('rebuild');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(`less than the read model of ${last(cut).aggregateId} \\(4 of 7\\); nothing`),
    );
    assert.match(refused.stderr, /rebuild --journal-restored/);
    assert.deepEqual(await installation.counts(), { threads: 3, messages: 11 });

    const { code, stderr } = await installation.run('rebuild', '--journal-restored');
    assert.equal(code, 0, stderr);
    assert.deepEqual(await installation.counts(), { threads: 2, messages: 6 });
    // And on from there.
    await installation.startProjector();
    await installation.write(
      ...history(1, last(cut).aggregateId)
        .slice(1)
        .map((commit) => ({ ...commit, version: 5, commandId: 'new' })),
    );
    await installation.projected({ ...last(cut), version: 5 });
  });

  it('refuses beside another one, without the privilege, and with another schema', async () => {
    await installation.startProjector();
    const thread = await installation.writeThread(1);
    await installation.projected(last(thread));
    const holder = await createConnection(installation.databaseUrl);
    await holder.query("SELECT GET_LOCK(LEFT(CONCAT('rebuild ', DATABASE()), 64), 0)");
    const second = await installation.run('rebuild');
    assert.deepEqual([second.code, second.stderr], [1, 'projector: another rebuild is under way; nothing was done\n']);
    await holder.end();

    const url = new URL(installation.databaseUrl);
    const user = `u${url.pathname.slice(-8)}`;
    const root = await createConnection(url.href);
    await root.query(`CREATE USER '${user}'@'%' IDENTIFIED BY '${url.password}'`);
    await root.query(`GRANT ALL ON \`${url.pathname.slice(1)}\`.* TO '${user}'@'%'`);
    url.username = user;
    const poor = await resultOf(installation.spawn(['rebuild'], { MYSQL_URL: url.href }));
    await root.query(`DROP USER '${user}'@'%'`);
    await root.end();
    assert.equal(poor.code, 1);
    assert.match(poor.stderr, /may not make a second database: .*GRANT ALL ON `\w+__rebuild`\.\* TO/);

    await installation.database.transaction((tx) => tx.run("DELETE FROM schema_migrations WHERE name LIKE '0004%'"));
    const older = await installation.run('rebuild');
    assert.equal(older.code, 1);
    assert.match(older.stderr, /run its migrations first/);
    assert.deepEqual(await installation.counts(), { threads: 1, messages: 1 });
  });

  function shadowName(): string {
    return `${new URL(installation.databaseUrl).pathname.slice(1)}__rebuild`;
  }
});
