import type { Transaction } from '../../../../platform/mysql/database.js';
import type { ThreadRowChanges } from '../domain/thread-rows.js';
import { chunksOf, ROWS_IN_STATEMENT } from './row-chunks.js';

type Column = 'administrator_position' | 'member_position';
type ParticipantRow = [threadId: string, accountId: string, position: number, threadCreatedAt: number];

/** Writes who has joined and left. An account that is neither administrator nor member any more loses its row. */
export async function writeParticipants(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  await insertFirst(transaction, changes);
  const later = changes.filter(({ created, participants }) => created === undefined && participants.length > 0);
  if (later.length === 0) return;
  const createdAt = await loadCreationTimes(
    transaction,
    later.map(({ threadId }) => threadId),
  );
  await join(transaction, 'administrator_position', joinsOf(later, 'administratorPosition', createdAt));
  await join(transaction, 'member_position', joinsOf(later, 'memberPosition', createdAt));
  for (const changesOfThread of later) await leave(transaction, changesOfThread);
}

/** Participants of threads that are new: there are no rows yet. */
async function insertFirst(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const rows = changes.flatMap(({ created, participants }) =>
    created === undefined
      ? []
      : participants
          .map(({ accountId, administratorPosition = null, memberPosition = null }) => [
            created.id,
            accountId,
            administratorPosition,
            memberPosition,
            created.committedAt,
          ])
          .filter(([, , administratorPosition, memberPosition]) => (administratorPosition ?? memberPosition) !== null),
  );
  for (const chunk of chunksOf(rows, ROWS_IN_STATEMENT)) {
    await transaction.run(
      `INSERT INTO thread_participants
        (thread_id, account_id, administrator_position, member_position, thread_created_at)
      VALUES ?`,
      [chunk],
    );
  }
}

/** By our own clock. */
async function loadCreationTimes(
  transaction: Transaction,
  threadIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await transaction.rows<{ id: string; createdAt: number }>(
    // 0: by a projector of an older version, while both were running.
    'SELECT id, IF(committed_at = 0, created_at, committed_at) AS createdAt FROM threads WHERE id IN (?)',
    [threadIds],
  );
  return new Map(rows.map(({ id, createdAt }) => [id, createdAt]));
}

function joinsOf(
  changes: readonly ThreadRowChanges[],
  key: 'administratorPosition' | 'memberPosition',
  createdAt: ReadonlyMap<string, number>,
): ParticipantRow[] {
  return changes.flatMap(({ threadId, participants }) =>
    participants.flatMap((participant): ParticipantRow[] => {
      const position = participant[key];
      if (position === undefined || position === null) return [];
      return [[threadId, participant.accountId, position, createdAt.get(threadId) ?? 0]];
    }),
  );
}

async function join(transaction: Transaction, column: Column, rows: readonly ParticipantRow[]): Promise<void> {
  for (const chunk of chunksOf(rows, ROWS_IN_STATEMENT)) {
    await transaction.run(
      `INSERT INTO thread_participants (thread_id, account_id, ${column}, thread_created_at)
      VALUES ? ON DUPLICATE KEY UPDATE ${column} = VALUES(${column})`,
      [chunk],
    );
  }
}

async function leave(transaction: Transaction, { threadId, participants }: ThreadRowChanges): Promise<void> {
  const formerAdministrators = participants.filter((change) => change.administratorPosition === null);
  const formerMembers = participants.filter((change) => change.memberPosition === null);
  await clear(transaction, threadId, 'administrator_position', formerAdministrators);
  await clear(transaction, threadId, 'member_position', formerMembers);
  for (const chunk of chunksOf([...formerAdministrators, ...formerMembers], ROWS_IN_STATEMENT)) {
    await transaction.run(
      `DELETE FROM thread_participants
      WHERE thread_id = ? AND account_id IN (?) AND administrator_position IS NULL AND member_position IS NULL`,
      [threadId, chunk.map(({ accountId }) => accountId)],
    );
  }
}

async function clear(
  transaction: Transaction,
  threadId: string,
  column: Column,
  participants: readonly { readonly accountId: string }[],
): Promise<void> {
  for (const chunk of chunksOf(participants, ROWS_IN_STATEMENT)) {
    await transaction.run(`UPDATE thread_participants SET ${column} = NULL WHERE thread_id = ? AND account_id IN (?)`, [
      threadId,
      chunk.map(({ accountId }) => accountId),
    ]);
  }
}
