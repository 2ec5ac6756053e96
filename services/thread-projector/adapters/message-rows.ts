import type { Transaction } from '../../shared/adapters/mysql/database.js';
import type { ThreadRowChanges } from '../domain/thread-rows.js';
import { chunksOf, ROWS_IN_STATEMENT } from './row-chunks.js';

/** Inserts the messages that were added and deletes those that were removed. */
export async function writeMessages(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const rows = changes.flatMap(({ threadId, addedMessages }) =>
    addedMessages.map(({ position, id, senderId, text, replyMessageId, toAccountIds, createdAt }) => [
      threadId,
      position,
      id,
      senderId,
      text,
      replyMessageId,
      JSON.stringify(toAccountIds),
      createdAt,
      createdAt,
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
  for (const { threadId, removedMessageIds } of changes) {
    for (const chunk of chunksOf(removedMessageIds, ROWS_IN_STATEMENT)) {
      await transaction.run('DELETE FROM messages WHERE thread_id = ? AND id IN (?)', [threadId, chunk]);
    }
  }
}
