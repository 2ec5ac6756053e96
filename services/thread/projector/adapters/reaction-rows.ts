import type { Transaction } from '../../../../platform/mysql/database.js';
import type { ThreadRowChanges } from '../domain/thread-rows.js';
import { asUlid, chunksOf, ROWS_IN_STATEMENT } from './row-chunks.js';

type ReactionRow = [threadId: string, messageId: string, reaction: string, accountId: string, position: number];

/** Writes the reactions that were added and removed; those to a removed message go with it. */
export async function writeReactions(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const added: ReactionRow[] = [];
  const removed: string[][] = [];
  for (const { threadId, reactions } of changes) {
    for (const { messageId, reaction, accountId, position } of reactions) {
      if (position === null) removed.push([threadId, messageId, reaction, accountId]);
      else added.push([threadId, messageId, reaction, accountId, position]);
    }
  }
  for (const chunk of chunksOf(added, ROWS_IN_STATEMENT)) {
    // One that is there was removed and added again since the last transaction.
    await transaction.run(
      `INSERT INTO message_reactions (thread_id, message_id, reaction, account_id, position)
      VALUES ? ON DUPLICATE KEY UPDATE position = VALUES(position)`,
      [chunk],
    );
  }
  const select = 'SELECT ? AS thread_id, ? AS message_id, ? AS reaction, ? AS account_id';
  for (const chunk of chunksOf(removed, ROWS_IN_STATEMENT)) {
    await transaction.run(
      `DELETE r FROM (${chunk.map(() => select).join(' UNION ALL ')}) removed
      STRAIGHT_JOIN message_reactions r ON r.thread_id = ${asUlid('removed.thread_id')}
        AND r.message_id = ${asUlid('removed.message_id')} AND r.reaction = removed.reaction COLLATE utf8mb4_bin
        AND r.account_id = ${asUlid('removed.account_id')}`,
      chunk.flat(),
      { isPrepared: false },
    );
  }
  for (const { threadId, removedMessageIds } of changes) {
    for (const chunk of chunksOf(removedMessageIds, ROWS_IN_STATEMENT)) {
      await transaction.run('DELETE FROM message_reactions WHERE thread_id = ? AND message_id IN (?)', [
        threadId,
        chunk,
      ]);
    }
  }
}
