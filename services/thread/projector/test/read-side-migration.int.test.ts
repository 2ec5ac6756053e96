import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { Database } from '../../../../platform/mysql/database.js';
import { migrateDatabase } from '../../../../platform/mysql/migrate-database.js';
import { freshDatabaseUrl } from '../../../../mesh/servers/index.js';
import { migrations } from '../migrations/index.js';

const STEP = '0003-read-side';
const before = migrations.slice(
  0,
  migrations.findIndex(({ name }) => name === STEP),
);
const upTo = migrations.slice(0, before.length + 1);
const migrate = (url: string, steps = upTo) => migrateDatabase({ url, migrations: steps, report: () => undefined });
const text = "Grüße, 'O Neill'  \0😀 ";

/** The step's statements, each of which a killed run may have been the last to get to. */
const partsDone = [
  'ALTER TABLE threads ADD COLUMN last_activity_at BIGINT NULL AFTER updated_at',
  'UPDATE threads SET last_activity_at = created_at WHERE id = ?',
  'ALTER TABLE threads ADD KEY children_of_thread (parent_thread_id, created_at, id)',
  `ALTER TABLE messages MODIFY text VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci NOT NULL`,
];

describe(`migration ${STEP} of tables that hold rows`, function () {
  this.timeout(60_000);
  let database: Database;
  let url: string;
  const [busy, silent] = [ulid(1_000), ulid(2_000)];
  const many = Array.from({ length: 1_100 }, (_, index) => ulid(3_000 + index));

  beforeEach(async () => {
    url = await freshDatabaseUrl();
    await migrate(url, before);
    database = new Database({ url });
    await database.transaction(async (tx) => {
      const thread = (id: string) => [id, ulid(), null, text, text, 100, 900, null, 3];
      await tx.run(
        `INSERT INTO threads
          (id, creator_id, parent_thread_id, title, remarks, created_at, updated_at, removed_at, version) VALUES ?`,
        [[busy, silent, ...many].map(thread)],
      );
      const message = (position: number, createdAt: number) => [
        ...[busy, position, ulid(), ulid(), text, null, '[]', createdAt, createdAt],
      ];
      await tx.run(
        `INSERT INTO messages
          (thread_id, position, id, sender_id, text, reply_message_id, to_account_ids, created_at, updated_at) VALUES ?`,
        [[message(1, 300), message(2, 700), message(3, 500)]],
      );
    });
  });
  afterEach(() => database.close());

  async function assertMigrated(): Promise<void> {
    const threads = await database.rows<{ id: string; at: number }>('SELECT id, last_activity_at AS at FROM threads');
    const at = new Map(threads.map((row) => [row.id, row.at]));
    // The last message's time, which need not be the latest.
    assert.deepEqual([at.get(busy), at.get(silent), at.get(many.at(-1) as string)], [500, 100, 100]);
    assert.equal(at.size, many.length + 2);
    const found = await database.rows<{ text: string; updatedAt: number }>(
      'SELECT text, updated_at AS updatedAt FROM messages WHERE MATCH (text) AGAINST (? IN BOOLEAN MODE)',
      ['+GRUSSE'],
    );
    assert.deepEqual(
      found.map((row) => row.text),
      [text, text, text],
    );
    for (const table of ['message_reactions', 'read_marks']) await database.rows(`SELECT * FROM ${table}`);
  }

  it('gives them sane values, and keeps their texts exactly', async () => {
    assert.deepEqual(await migrate(url), [STEP]);
    await assertMigrated();
    const [thread] = await database.rows<{ title: string; updated_at: number }>(
      'SELECT title, updated_at FROM threads WHERE id = ?',
      [busy],
    );
    assert.deepEqual({ ...thread }, { title: text, updated_at: 900 });
  });

  it('is searched after its tables were exchanged with those of another database, as a rebuild does', async () => {
    await migrate(url);
    const other = await freshDatabaseUrl();
    await migrate(other);
    const [here, there] = [url, other].map((each) => new URL(each).pathname.slice(1)) as [string, string];
    const listed = await database.rows<{ name: string }>(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name',
      [there],
    );
    assert.ok(
      listed.every(({ name }) => /^[a-z_]+$/.test(name)),
      'the tables of the index itself are listed',
    );
    await database.transaction((tx) =>
      tx.run(
        `RENAME TABLE ${here}.messages TO ${there}.messages_before, ${there}.messages TO ${here}.messages,
        ${there}.messages_before TO ${there}.messages`,
        [],
        { isPrepared: false },
      ),
    );
    const exchanged = new Database({ url: other });
    try {
      const search = 'SELECT id FROM messages WHERE MATCH (text) AGAINST (? IN BOOLEAN MODE)';
      assert.equal((await exchanged.rows(search, ['+gruss*'])).length, 3);
      assert.equal((await database.rows(search, ['+gruss*'])).length, 0);
      await database.transaction((tx) =>
        tx.run(
          `INSERT INTO messages
            (thread_id, position, id, sender_id, text, reply_message_id, to_account_ids, created_at, updated_at)
          VALUES (?, 9, ?, ?, 'the who', NULL, '[]', 1, 1)`,
          [busy, ulid(), ulid()],
        ),
      );
      assert.equal((await database.rows(search, ['+the +who'])).length, 1);
    } finally {
      await exchanged.close();
    }
  });

  it('has no stop words', async () => {
    await migrate(url);
    await database.transaction((tx) => tx.run('UPDATE messages SET text = ? WHERE position = 2', ['the who']));
    const found = await database.rows('SELECT id FROM messages WHERE MATCH (text) AGAINST (? IN BOOLEAN MODE)', [
      '+the +who',
    ]);
    assert.equal(found.length, 1);
  });

  for (let done = 1; done <= partsDone.length; done += 1) {
    it(`goes on after a run that ended after ${done} of its statements`, async () => {
      for (const statement of partsDone.slice(0, done)) {
        const values = statement.includes('?') ? [silent] : [];
        await database.transaction((tx) => tx.run(statement, values, { isPrepared: false }));
      }
      assert.deepEqual(await migrate(url), [STEP]);
      await assertMigrated();
    });
  }

  it('is done again without harm, when only its record is lost', async () => {
    await migrate(url);
    await database.transaction((tx) => tx.run('UPDATE threads SET last_activity_at = 800 WHERE id = ?', [silent]));
    await database.transaction((tx) => tx.run('DELETE FROM schema_migrations WHERE name = ?', [STEP]));
    assert.deepEqual(await migrate(url), [STEP]);
    const [row] = await database.rows<{ at: number }>('SELECT last_activity_at AS at FROM threads WHERE id = ?', [
      silent,
    ]);
    assert.equal(row?.at, 800);
  });
});
