import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { Database } from '../../../../platform/mysql/database.js';
import { migrateDatabase } from '../../../../platform/mysql/migrate-database.js';
import { freshDatabaseUrl } from '../../../../mesh/servers/index.js';
import { migrations } from '../migrations/index.js';

const STEP = '0005-commit-times';
const place = migrations.findIndex(({ name }) => name === STEP);
const migrate = (url: string, count: number) =>
  migrateDatabase({ url, migrations: migrations.slice(0, count), report: () => undefined });
const YEAR_9999 = 253_402_300_799_999;

describe(`migration ${STEP} of tables that hold rows`, function () {
  this.timeout(60_000);
  let database: Database;
  let url: string;
  const account = ulid();
  const [sane, past, future] = [ulid(), ulid(), ulid()];
  const many = Array.from({ length: 1_100 }, () => ulid());

  beforeEach(async () => {
    url = await freshDatabaseUrl();
    await migrate(url, place);
    database = new Database({ url });
    const createdAt = new Map([
      [sane, 1_700_000_000_000],
      [past, 0],
      [future, YEAR_9999],
      ...many.map((id): [string, number] => [id, 5]),
    ]);
    await database.transaction(async (tx) => {
      await tx.run(
        `INSERT INTO threads (id, creator_id, title, created_at, updated_at, last_activity_at, version) VALUES ?`,
        [[...createdAt].map(([id, at]) => [id, account, '', at, at, at, 2])],
      );
      await tx.run(
        'INSERT INTO thread_participants (thread_id, account_id, member_position, thread_created_at) VALUES ?',
        [[...createdAt].map(([id, at]) => [id, account, 1, at])],
      );
      const message = (thread: string, position: number, id: string) => [
        ...[thread, position, id, account, 'x', null, '[]', YEAR_9999, YEAR_9999],
      ];
      await tx.run(
        `INSERT INTO messages
          (thread_id, position, id, sender_id, text, reply_message_id, to_account_ids, created_at, updated_at) VALUES ?`,
        [[message(past, 1, ulid(1_000_000_000_000)), message(past, 2, ulid(1_600_000_000_000))]],
      );
    });
  });
  afterEach(() => database.close());

  interface Times {
    readonly id: string;
    readonly created: number;
    readonly committed: number;
    readonly active: number;
    readonly listed: number;
  }
  const times = async () => {
    const rows = await database.rows<Times>(
      `SELECT t.id, t.created_at AS created, t.committed_at AS committed, t.last_activity_at AS active,
        p.thread_created_at AS listed
      FROM threads t JOIN thread_participants p ON p.thread_id = t.id`,
    );
    return new Map(rows.map((row) => [row.id, row]));
  };

  async function assertMigrated(): Promise<void> {
    const now = Date.now();
    const found = await times();
    assert.equal(found.size, many.length + 3);
    const timesOf = (id: string) => found.get(id) as Times;
    const { created, committed, active, listed } = timesOf(sane);
    assert.deepEqual([created, committed, active, listed], [...new Array<number>(4).fill(1_700_000_000_000)]);
    // The last message's id is ours, and bears its time.
    assert.deepEqual([timesOf(past).created, timesOf(past).committed, timesOf(past).active], [0, 1, 1_600_000_000_000]);
    assert.equal(timesOf(future).created, YEAR_9999);
    for (const time of [timesOf(future).committed, timesOf(future).active, timesOf(future).listed]) {
      assert.ok(time > now - 120_000 && time <= now, String(time));
    }
  }

  it('takes what clients have said for their times, but not later than now, and keeps it as data', async () => {
    assert.deepEqual(await migrate(url, place + 1), [STEP]);
    await assertMigrated();
  });

  it('goes on after an interrupted run, and is done again without harm', async () => {
    const partsDone = [
      'ALTER TABLE threads ADD COLUMN committed_at BIGINT NOT NULL DEFAULT 0 AFTER created_at',
      'UPDATE threads SET committed_at = created_at WHERE created_at = 1700000000000',
      'ALTER TABLE threads ADD KEY children_by_commit (parent_thread_id, committed_at, id)',
    ];
    for (const statement of partsDone) {
      await database.transaction((tx) => tx.run(statement, [], { isPrepared: false }));
    }
    assert.deepEqual(await migrate(url, place + 1), [STEP]);
    await assertMigrated();
    const before = await times();
    await database.transaction((tx) => tx.run('DELETE FROM schema_migrations WHERE name = ?', [STEP]));
    assert.deepEqual(await migrate(url, place + 1), [STEP]);
    assert.deepEqual(await times(), before);
  });
});
