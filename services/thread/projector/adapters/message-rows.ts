import type { Transaction } from '../../../../platform/mysql/database.js';
import type { ThreadRowChanges } from '../domain/thread-rows.js';
import { asUlid, chunksOf, ROWS_IN_STATEMENT } from './row-chunks.js';

/** Inserts the messages that were added, writes the texts that were edited, and deletes what was removed. */
export async function writeMessages(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const rows = changes.flatMap(({ threadId, addedMessages }) =>
    addedMessages.map(({ position, id, senderId, text, replyMessageId, toAccountIds, createdAt, updatedAt }) => [
      threadId,
      position,
      id,
      senderId,
      text,
      replyMessageId,
      JSON.stringify(toAccountIds),
      createdAt,
      updatedAt,
    ]),
  );
  for (const chunk of chunksOf(rows, ROWS_IN_STATEMENT)) {
    await transaction.run(
      `INSERT INTO messages
        (thread_id, position, id, sender_id, text, reply_message_id, to_account_ids, created_at, updated_at)
      VALUES ?`,
      [chunk],
    );
  }
  await editMessages(transaction, changes);
  for (const { threadId, removedMessageIds } of changes) {
    for (const chunk of chunksOf(removedMessageIds, ROWS_IN_STATEMENT)) {
      await transaction.run('DELETE FROM messages WHERE thread_id = ? AND id IN (?)', [threadId, chunk]);
    }
  }
}

async function editMessages(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const edits = changes.flatMap(({ threadId, editedMessages }) =>
    editedMessages.map(({ id, text, updatedAt }) => [threadId, id, text, updatedAt]),
  );
  const select = 'SELECT ? AS thread_id, ? AS id, ? AS text, ? AS updated_at';
  for (const chunk of chunksOf(edits, ROWS_IN_STATEMENT)) {
    await transaction.run(
      `UPDATE (${chunk.map(() => select).join(' UNION ALL ')}) edited
      STRAIGHT_JOIN messages m ON m.thread_id = ${asUlid('edited.thread_id')} AND m.id = ${asUlid('edited.id')}
      SET m.text = edited.text, m.updated_at = edited.updated_at`,
      chunk.flat(),
      { isPrepared: false },
    );
  }
}
