import type { Knex } from 'knex';
import { decodeTime } from 'ulid';

const THREADS_AT_ONCE = 1_000;

/**
 * Threads are ordered by when they were created and written to by our own clock: what older clients say of the time is
 * data. Column thread_created_at of the participants, which their index is in the order of, holds the new time from now
 * on, and keeps its name for readers of the version before, while both run.
 *
 * Rows that are there do not have that time. A thread's is taken to be what its creator has said, but not later than now;
 * that of its last message follows from the message's id, which is ours. A rebuild reads the true ones from the journal.
 * Each step looks whether it is done, and the whole may be repeated after an interrupted run.
 */
export async function up(knex: Knex): Promise<void> {
  if (!(await knex.schema.hasColumn('threads', 'committed_at'))) {
    // 0: as a projector of the version before writes it, while both run.
    await knex.raw('ALTER TABLE threads ADD COLUMN committed_at BIGINT NOT NULL DEFAULT 0 AFTER created_at');
  }
  await fillTimes(knex);
  // Beside children_of_thread, which readers of the version before name in their queries.
  if (!(await hasIndex(knex, 'threads', 'children_by_commit'))) {
    await knex.raw('ALTER TABLE threads ADD KEY children_by_commit (parent_thread_id, committed_at, id)');
  }
}

/** @returns once all is as before, but for the times that it has set right */
export async function down(knex: Knex): Promise<void> {
  if (await hasIndex(knex, 'threads', 'children_by_commit')) {
    await knex.raw('ALTER TABLE threads DROP KEY children_by_commit');
  }
  if (await knex.schema.hasColumn('threads', 'committed_at')) {
    await knex.raw('ALTER TABLE threads DROP COLUMN committed_at');
  }
}

async function fillTimes(knex: Knex): Promise<void> {
  const now = Date.now();
  for (let after = ''; ;) {
    const ids = (await knex('threads')
      .where('id', '>', after)
      .where('committed_at', 0)
      .orderBy('id')
      .limit(THREADS_AT_ONCE)
      .pluck('id')) as string[];
    const last = ids.at(-1);
    if (last === undefined) return;
    const places = ids.map(() => '?').join(', ');
    await fillLastActivity(knex, ids, now);
    await knex.raw(
      `UPDATE thread_participants SET thread_created_at = ? WHERE thread_id IN (${places}) AND thread_created_at > ?`,
      [now, ...ids, now],
    );
    // Last, because it says that the thread is done.
    await knex.raw(
      `UPDATE threads SET committed_at = GREATEST(1, LEAST(created_at, ?)) WHERE id IN (${places}) AND committed_at = 0`,
      [now, ...ids],
    );
    after = last;
  }
}

async function fillLastActivity(knex: Knex, ids: readonly string[], now: number): Promise<void> {
  const places = ids.map(() => '?').join(', ');
  const [rows] = (await knex.raw(
    `SELECT t.id, t.created_at AS createdAt,
      (SELECT m.id FROM messages m WHERE m.thread_id = t.id ORDER BY m.position DESC LIMIT 1) AS messageId
    FROM threads t WHERE t.id IN (${places})`,
    [...ids],
  )) as [{ id: string; createdAt: number; messageId: string | null }[]];
  const times = rows.map(({ id, createdAt, messageId }) => [
    id,
    Math.min(messageId === null ? createdAt : decodeTime(messageId), now),
  ]);
  const select = 'SELECT ? AS id, ? AS at';
  await knex.raw(
    `UPDATE (${times.map(() => select).join(' UNION ALL ')}) known
    STRAIGHT_JOIN threads t ON t.id = CONVERT(known.id USING ascii) COLLATE ascii_bin
    SET t.last_activity_at = known.at`,
    times.flat(),
  );
}

async function hasIndex(knex: Knex, table: string, index: string): Promise<boolean> {
  const [rows] = (await knex.raw(
    `SELECT 1 AS found FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ? LIMIT 1`,
    [table, index],
  )) as [unknown[]];
  return rows.length > 0;
}
