import type { Knex } from 'knex';

const ulid = 'CHAR(26) CHARACTER SET ascii COLLATE ascii_bin';
/** Any Unicode, compared and kept exactly. */
const text = 'VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
const defaults = 'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT = DYNAMIC';

/**
 * The read model of threads. Times are epoch milliseconds. A position is a thread's version times 2^20 plus a number
 * within the commit, so that it orders what the thread's commits have added. MySQL commits each statement by itself, so
 * each may be repeated after an interrupted run.
 */
const statements = [
  // A destroyed thread keeps its row, for its version, and loses all others.
  `CREATE TABLE IF NOT EXISTS threads (
    id ${ulid} NOT NULL PRIMARY KEY,
    creator_id ${ulid} NOT NULL,
    parent_thread_id ${ulid} NULL,
    title ${text} NOT NULL,
    remarks ${text} NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    removed_at BIGINT NULL,
    version BIGINT NOT NULL
  ) ${defaults}`,
  // One row an account, be it administrator, member or both: so each thread is listed once.
  `CREATE TABLE IF NOT EXISTS thread_participants (
    thread_id ${ulid} NOT NULL,
    account_id ${ulid} NOT NULL,
    administrator_position BIGINT NULL,
    member_position BIGINT NULL,
    thread_created_at BIGINT NOT NULL,
    PRIMARY KEY (thread_id, account_id),
    KEY threads_of_account (account_id, thread_created_at, thread_id),
    KEY administrators_of_thread (thread_id, administrator_position),
    KEY members_of_thread (thread_id, member_position)
  ) ${defaults}`,
  // Clustered in the order of posting, in which they are read.
  `CREATE TABLE IF NOT EXISTS messages (
    thread_id ${ulid} NOT NULL,
    position BIGINT NOT NULL,
    id ${ulid} NOT NULL,
    sender_id ${ulid} NOT NULL,
    text ${text} NOT NULL,
    reply_message_id ${ulid} NULL,
    to_account_ids MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (thread_id, position),
    UNIQUE KEY message_of_thread (thread_id, id)
  ) ${defaults}`,
];

/** @returns once the tables are there */
export async function up(knex: Knex): Promise<void> {
  for (const statement of statements) await knex.raw(statement);
}

/** @returns once the tables, and all in them, are gone */
export async function down(knex: Knex): Promise<void> {
  for (const table of ['messages', 'thread_participants', 'threads']) await knex.schema.dropTableIfExists(table);
}
