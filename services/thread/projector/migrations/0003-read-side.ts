import type { Knex } from 'knex';

const ulid = 'CHAR(26) CHARACTER SET ascii COLLATE ascii_bin';
const defaults = 'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT = DYNAMIC';
/** Compares without regard to case and accents, and is in MySQL 8 and MariaDB alike. What is kept stays exact. */
const SEARCHED = 'utf8mb4_unicode_520_ci';
const THREADS_AT_ONCE = 1_000;

/**
 * What a chat's readers need besides: last activity, children, reactions, read marks and full-text search. MySQL commits each
 * definition by itself, so each step looks whether it is done, and the whole may be repeated after an interrupted run.
 */
export async function up(knex: Knex): Promise<void> {
  if (!(await knex.schema.hasColumn('threads', 'last_activity_at'))) {
    // NULL means created_at: as a projector of the version before writes it, while both run.
    await knex.raw('ALTER TABLE threads ADD COLUMN last_activity_at BIGINT NULL AFTER updated_at');
  }
  await fillLastActivity(knex);
  if (!(await hasIndex(knex, 'threads', 'children_of_thread'))) {
    await knex.raw('ALTER TABLE threads ADD KEY children_of_thread (parent_thread_id, created_at, id)');
  }
  // A reaction is an emoji of at most some ten code points.
  await knex.raw(`CREATE TABLE IF NOT EXISTS message_reactions (
    thread_id ${ulid} NOT NULL,
    message_id ${ulid} NOT NULL,
    reaction VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    account_id ${ulid} NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (thread_id, message_id, reaction, account_id)
  ) ${defaults}`);
  // Apart from thread_participants: a mark outlasts leaving and joining again, and moves often.
  await knex.raw(`CREATE TABLE IF NOT EXISTS read_marks (
    thread_id ${ulid} NOT NULL,
    account_id ${ulid} NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (thread_id, account_id)
  ) ${defaults}`);
  if ((await collationOf(knex, 'messages', 'text')) !== SEARCHED) {
    await knex.raw(`ALTER TABLE messages MODIFY text VARCHAR(255) CHARACTER SET utf8mb4 COLLATE ${SEARCHED} NOT NULL`);
  }
  if (!(await hasIndex(knex, 'messages', 'words_of_messages'))) await addFullTextIndex(knex);
}

/** @returns once all is as before, but for what only this step's tables have held */
export async function down(knex: Knex): Promise<void> {
  if (await hasIndex(knex, 'messages', 'words_of_messages')) {
    await knex.raw('ALTER TABLE messages DROP KEY words_of_messages');
  }
  await knex.raw('ALTER TABLE messages MODIFY text VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL');
  for (const table of ['read_marks', 'message_reactions']) await knex.schema.dropTableIfExists(table);
  if (await hasIndex(knex, 'threads', 'children_of_thread')) {
    await knex.raw('ALTER TABLE threads DROP KEY children_of_thread');
  }
  if (await knex.schema.hasColumn('threads', 'last_activity_at')) {
    await knex.raw('ALTER TABLE threads DROP COLUMN last_activity_at');
  }
}

/** For the threads that are there: the time of the last message, or else of the creation. */
async function fillLastActivity(knex: Knex): Promise<void> {
  for (let after = ''; ;) {
    const ids = (await knex('threads')
      .where('id', '>', after)
      .whereNull('last_activity_at')
      .orderBy('id')
      .limit(THREADS_AT_ONCE)
      .pluck('id')) as string[];
    const last = ids.at(-1);
    if (last === undefined) return;
    const places = ids.map(() => '?').join(', ');
    await knex.raw(
      `UPDATE threads t SET t.last_activity_at = COALESCE(
        (SELECT m.created_at FROM messages m WHERE m.thread_id = t.id ORDER BY m.position DESC LIMIT 1), t.created_at)
      WHERE t.id IN (${places}) AND t.last_activity_at IS NULL`,
      ids,
    );
    after = last;
  }
}

/**
 * Without stop words, which are English ones and would make a search for "to be or not to be" fail: the session's setting
 * when the index is made is what the index keeps.
 */
async function addFullTextIndex(knex: Knex): Promise<void> {
  // Only to stay on one connection.
  await knex.transaction(async (connection) => {
    await connection.raw('SET SESSION innodb_ft_enable_stopword = OFF');
    await connection.raw('ALTER TABLE messages ADD FULLTEXT KEY words_of_messages (text)');
    await connection.raw('SET SESSION innodb_ft_enable_stopword = DEFAULT');
  });
}

async function hasIndex(knex: Knex, table: string, index: string): Promise<boolean> {
  const [rows] = (await knex.raw(
    `SELECT 1 AS found FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ? LIMIT 1`,
    [table, index],
  )) as [unknown[]];
  return rows.length > 0;
}

async function collationOf(knex: Knex, table: string, column: string): Promise<string | undefined> {
  const [rows] = (await knex.raw(
    `SELECT collation_name AS name FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?`,
    [table, column],
  )) as [{ name: string }[]];
  return rows[0]?.name;
}
