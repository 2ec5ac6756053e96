import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';
import { Database } from '../../../../platform/mysql/database.js';
import { migrateDatabase, waitForMigrations } from '../../../../platform/mysql/migrate-database.js';
import { freshDatabaseUrl } from '../../../../mesh/servers/index.js';
import { migrations } from '../migrations/index.js';

const names = migrations.map(({ name }) => name);

function run(url: string) {
  const reports: string[] = [];
  return { reports, done: migrateDatabase({ url, migrations, waitMs: 10_000, report: (text) => reports.push(text) }) };
}

describe('migrations', () => {
  it('make the schema, and a second time nothing', async () => {
    const url = await freshDatabaseUrl();
    assert.deepEqual(await run(url).done, names);
    const again = run(url);
    assert.deepEqual(await again.done, []);
    assert.deepEqual(again.reports, ['the schema is up to date']);
    const database = new Database({ url });
    try {
      const tables = await database.rows<{ name: string }>(
        'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name',
      );
      const found = tables.map(({ name }) => name);
      for (const table of [
        ...['threads', 'thread_participants', 'messages', 'message_reactions', 'read_marks'],
        ...['projection_checkpoints', 'dead_letters'],
      ]) {
        assert.ok(found.includes(table), table);
      }
    } finally {
      await database.close();
    }
  });

  it('create the database when it is absent', async () => {
    const url = new URL(await freshDatabaseUrl());
    url.pathname += '_absent';
    const { reports, done } = run(url.href);
    assert.deepEqual(await done, names);
    assert.equal(reports[0], `created database ${url.pathname.slice(1)}`);
  });

  it('are done once by runs at the same time', async () => {
    const url = await freshDatabaseUrl();
    const done = await Promise.all([run(url).done, run(url).done, run(url).done]);
    assert.deepEqual(done.flat(), names);
  });

  it('are waited for without being run', async () => {
    const url = await freshDatabaseUrl();
    const older = migrations.slice(0, -1);
    await migrateDatabase({ url, migrations: older, report: () => undefined });
    const reports: string[] = [];
    let isThere = false;
    const waiting = waitForMigrations({ url, migrations, waitMs: 10_000, report: (text) => reports.push(text) }).then(
      () => (isThere = true),
    );
    const early = waitForMigrations({ url, migrations, waitMs: 1, report: () => undefined });
    await assert.rejects(early, { reason: 'NOT_MIGRATED', message: `the schema lacks ${names.at(-1)}` });
    assert.equal(isThere, false);
    assert.deepEqual(await run(url).done, names.slice(-1));
    await waiting;
    assert.deepEqual(reports, [`waiting: the schema lacks ${names.at(-1)}`, 'the schema is there']);
    // An older program, beside a newer one's schema, and an empty database.
    await waitForMigrations({ url, migrations: older, report: () => undefined });
    assert.deepEqual(await migrateDatabase({ url, migrations: older, report: () => undefined }), []);
    const empty = waitForMigrations({ url: await freshDatabaseUrl(), migrations, waitMs: 1, report: () => undefined });
    await assert.rejects(empty, { reason: 'NOT_MIGRATED' });
  });

  it('are waited for by the command with --wait, which then ends with 0', async () => {
    const MYSQL_URL = await freshDatabaseUrl();
    const command = (...args: string[]) =>
      promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', 'services/admin.ts', 'thread', 'projection', 'migrate', ...args],
        {
          env: { ...process.env, MYSQL_URL, MIGRATE_WAIT_MS: '15000' },
        },
      );
    const [waited] = await Promise.all([command('--wait'), command()]);
    assert.match(waited.stdout, /migrate: the schema is there/);
    await assert.rejects(command('--what'), /--what/);
  });

  it("go on after a run that was killed and has left knex's lock", async () => {
    const url = await freshDatabaseUrl();
    await run(url).done;
    const database = new Database({ url });
    try {
      await database.transaction((tx) => tx.run('UPDATE schema_migrations_lock SET is_locked = 1'));
      await database.transaction((tx) => tx.run('DELETE FROM schema_migrations'));
      assert.deepEqual(await run(url).done, names);
    } finally {
      await database.close();
    }
  });

  it('keep the checkpoint of a projector from before there were partitions', async () => {
    const url = await freshDatabaseUrl();
    const older = migrations.filter(({ name }) => name < '0003');
    await migrateDatabase({ url, migrations: older, report: () => undefined });
    const database = new Database({ url });
    try {
      await database.transaction((tx) =>
        tx.run("INSERT INTO projection_checkpoints VALUES ('threads', 0, 'feed', 17, 4, 0)"),
      );
      await run(url).done;
      const rows = await database.rows(
        'SELECT feed_identity, feed_sequence, fence, partitions, paused_by FROM projection_checkpoints',
      );
      assert.deepEqual(
        rows.map((row) => ({ ...(row as object) })),
        [{ feed_identity: 'feed', feed_sequence: 17, fence: 4, partitions: 1, paused_by: null }],
      );
    } finally {
      await database.close();
    }
  });

  it('say what is wrong, and exit with 1, when there is no database', async () => {
    const command = promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'services/admin.ts', 'thread', 'projection', 'migrate'],
      {
        env: { ...process.env, MYSQL_URL: 'mysql://root@127.0.0.1:1/none', MIGRATE_WAIT_MS: '100' },
      },
    );
    await assert.rejects(command, ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => {
      assert.equal(code, 1);
      assert.match(stdout, /waiting for the database at 127\.0\.0\.1:1/);
      assert.match(stderr, /^migrate: failed: no database at 127\.0\.0\.1:1: connect ECONNREFUSED/);
      return true;
    });
  });

  it('run as a command', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'services/admin.ts', 'thread', 'projection', 'migrate'],
      { env: { ...process.env, MYSQL_URL: await freshDatabaseUrl() } },
    );
    assert.equal(stdout, names.map((name) => `migrate: migrated ${name}\n`).join(''));
  });
});
