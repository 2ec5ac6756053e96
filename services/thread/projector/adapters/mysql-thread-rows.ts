import type { Transaction } from '../../../../platform/mysql/database.js';
import type { ProjectedRows } from '../../../../platform/mysql/projection-store.js';
import { Fault } from '../../../../platform/kernel/fault.js';
import type { Commit } from '../../../../platform/journal/journal.js';
import { groupByAggregate } from '../../../../platform/projection/projection-plan.js';
import { threadEventCodec } from '../../events/thread-event-codec.js';
import { projectThread, type ThreadCommit } from '../domain/project-thread.js';
import type { ThreadRowChanges } from '../domain/thread-rows.js';
import { writeMessages } from './message-rows.js';
import { writeParticipants } from './participant-rows.js';
import { writeReactions } from './reaction-rows.js';
import { writeReadMarks } from './read-mark-rows.js';
import { asUlid, chunksOf, ROWS_IN_STATEMENT } from './row-chunks.js';

/** The read model of threads, in the tables of migrations 0001, 0003 and 0005. */
export const mySqlThreadRows: ProjectedRows = {
  versionsStatement: 'SELECT id, version FROM threads WHERE id IN (?)',

  async apply(transaction: Transaction, commits: readonly Commit[]): Promise<void> {
    const changes = groupByAggregate(commits).map((own) =>
      projectThread(own.map(decodeThreadCommit) as [ThreadCommit, ...ThreadCommit[]]),
    );
    await insertThreads(transaction, changes);
    await updateThreads(transaction, changes);
    await updateTexts(transaction, changes);
    await clearDestroyed(transaction, changes);
    await writeParticipants(transaction, changes);
    await writeReadMarks(transaction, changes);
    await writeMessages(transaction, changes);
    await writeReactions(transaction, changes);
  },
};

/** @throws Fault kind `data-loss` when its events cannot be decoded */
export function decodeThreadCommit({ aggregateId, version, time, events }: Commit): ThreadCommit {
  return { threadId: aggregateId, version, time, events: events.map((event) => threadEventCodec.decode(event)) };
}

async function insertThreads(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const rows = changes.flatMap(({ created, version, updatedAt, lastActivityAt, removedAt }) => {
    if (created === undefined) return [];
    const { id, creatorId, parentThreadId, title, remarks, createdAt, committedAt } = created;
    const times = [createdAt, committedAt, updatedAt ?? createdAt, lastActivityAt ?? committedAt, removedAt ?? null];
    return [[id, creatorId, parentThreadId, title, remarks, ...times, version]];
  });
  for (const chunk of chunksOf(rows, ROWS_IN_STATEMENT)) {
    // A thread that is there already is a fault: its commits would be applied twice.
    await transaction.run(
      `INSERT INTO threads
        (id, creator_id, parent_thread_id, title, remarks,
          created_at, committed_at, updated_at, last_activity_at, removed_at, version)
      VALUES ?`,
      [chunk],
    );
  }
}

async function updateThreads(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const updated = changes.filter(({ created }) => created === undefined);
  for (const chunk of chunksOf(updated, ROWS_IN_STATEMENT)) {
    const select = 'SELECT ? AS id, ? AS version, ? AS updated_at, ? AS last_activity_at, ? AS removed_at';
    const matched = await transaction.run(
      `UPDATE (${chunk.map(() => select).join(' UNION ALL ')}) changed
      STRAIGHT_JOIN threads t ON t.id = ${asUlid('changed.id')} AND t.version < changed.version
      SET t.version = changed.version,
        t.updated_at = COALESCE(changed.updated_at, t.updated_at),
        t.last_activity_at = COALESCE(changed.last_activity_at, t.last_activity_at),
        t.removed_at = COALESCE(changed.removed_at, t.removed_at)`,
      chunk.flatMap(({ threadId, version, updatedAt, lastActivityAt, removedAt }) => [
        threadId,
        version,
        updatedAt ?? null,
        lastActivityAt ?? null,
        removedAt ?? null,
      ]),
      { isPrepared: false },
    );
    if (matched !== chunk.length) {
      throw new Fault('data-loss', 'THREAD_ROW_MISSING', `${matched} of ${chunk.length} threads could be updated`);
    }
  }
}

/** New titles and remarks: rare, so the statement for all other changes is the shorter for it. */
async function updateTexts(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const rows = changes.flatMap(({ threadId, texts }) =>
    texts === undefined
      ? []
      : [[threadId, texts.title ?? null, texts.remarks ?? null, texts.remarks === undefined ? 0 : 1]],
  );
  const select = 'SELECT ? AS id, ? AS title, ? AS remarks, ? AS sets_remarks';
  for (const chunk of chunksOf(rows, ROWS_IN_STATEMENT)) {
    await transaction.run(
      `UPDATE (${chunk.map(() => select).join(' UNION ALL ')}) changed
      STRAIGHT_JOIN threads t ON t.id = ${asUlid('changed.id')}
      SET t.title = COALESCE(changed.title, t.title),
        t.remarks = IF(changed.sets_remarks = 1, changed.remarks, t.remarks)`,
      chunk.flat(),
      { isPrepared: false },
    );
  }
}

async function clearDestroyed(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const ids = changes
    .filter(({ created, removedAt }) => created === undefined && removedAt !== undefined)
    .map(({ threadId }) => threadId);
  if (ids.length === 0) return;
  for (const table of ['thread_participants', 'messages', 'message_reactions', 'read_marks']) {
    await transaction.run(`DELETE FROM ${table} WHERE thread_id IN (?)`, [ids]);
  }
}
