import type { Transaction } from '../../../../platform/mysql/database.js';
import type { ThreadRowChanges } from '../domain/thread-rows.js';
import { asUlid, chunksOf, ROWS_IN_STATEMENT } from './row-chunks.js';

/** So that a mark never moves back, whatever is written twice. */
const MOVE_FORWARD = 'ON DUPLICATE KEY UPDATE position = GREATEST(read_marks.position, VALUES(position))';

/** Writes how far accounts have read. To be called while the messages that are removed are still there. */
export async function writeReadMarks(transaction: Transaction, changes: readonly ThreadRowChanges[]): Promise<void> {
  const known: [threadId: string, accountId: string, position: number][] = [];
  const named: [threadId: string, accountId: string, messageId: string][] = [];
  for (const { threadId, readMarks } of changes) {
    for (const mark of readMarks) {
      if (mark.position !== undefined) known.push([threadId, mark.accountId, mark.position]);
      else named.push([threadId, mark.accountId, mark.messageId]);
    }
  }
  for (const chunk of chunksOf(known, ROWS_IN_STATEMENT)) {
    await transaction.run(`INSERT INTO read_marks (thread_id, account_id, position) VALUES ? ${MOVE_FORWARD}`, [chunk]);
  }
  const select = 'SELECT ? AS thread_id, ? AS account_id, ? AS message_id';
  for (const chunk of chunksOf(named, ROWS_IN_STATEMENT)) {
    await transaction.run(
      `INSERT INTO read_marks (thread_id, account_id, position)
      SELECT marked.thread_id, marked.account_id, m.position
      FROM (${chunk.map(() => select).join(' UNION ALL ')}) marked
      STRAIGHT_JOIN messages m ON m.thread_id = ${asUlid('marked.thread_id')} AND m.id = ${asUlid('marked.message_id')}
      ${MOVE_FORWARD}`,
      chunk.flat(),
      { isPrepared: false },
    );
  }
}
