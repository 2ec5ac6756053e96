import { messageColumns, threadColumns } from './thread-statements.js';

/** The SQL of MySqlChatReader; see thread-statements.ts. */

/** Values: message, thread, account. A row when the account sees the thread. */
export const findPosition = `SELECT m.position
FROM thread_participants viewer LEFT JOIN messages m ON m.thread_id = viewer.thread_id AND m.id = ?
WHERE viewer.thread_id = ? AND viewer.account_id = ?`;

/** Values: position to go on before, thread, account, limit. */
export const listMessagesBackwards = `SELECT ${messageColumns}
FROM thread_participants viewer
JOIN messages m ON m.thread_id = viewer.thread_id AND m.position < ?
WHERE viewer.thread_id = ? AND viewer.account_id = ?
ORDER BY m.position DESC
LIMIT ?`;

/** Values: account, pairs of thread and message. */
export const listReactions = `SELECT r.message_id AS messageId, r.reaction, COUNT(*) AS count,
  MAX(r.account_id = ?) AS addedByAccount, MIN(r.position) AS position
FROM message_reactions r FORCE INDEX (PRIMARY)
WHERE (r.thread_id, r.message_id) IN (?)
GROUP BY r.thread_id, r.message_id, r.reaction`;

/** Values: thread, account. Counts at most the messages that a thread may hold. */
export const findReadState = `SELECT
  (SELECT COUNT(*) FROM messages m FORCE INDEX (PRIMARY)
  WHERE m.thread_id = viewer.thread_id AND m.position > COALESCE(mark.position, -1)
    AND m.sender_id <> viewer.account_id) AS unreadCount,
  (SELECT m.id FROM messages m FORCE INDEX (PRIMARY)
  WHERE m.thread_id = viewer.thread_id AND m.position <= mark.position
  ORDER BY m.position DESC LIMIT 1) AS lastReadMessageId
FROM thread_participants viewer
LEFT JOIN read_marks mark ON mark.thread_id = viewer.thread_id AND mark.account_id = viewer.account_id
WHERE viewer.thread_id = ? AND viewer.account_id = ?`;

const lastActivity = 'COALESCE(t.last_activity_at, t.committed_at)';

/**
 * Values: account, time, time and id of the thread to go on after, limit. Sorts all threads of the account: an index in this
 * order would have to be written for each member at each message.
 */
export const listRecentThreads = `SELECT page.*, mark.position AS readPosition
FROM (
  SELECT STRAIGHT_JOIN ${threadColumns}, viewer.account_id AS accountId, ${lastActivity} AS lastActivityAt
  FROM thread_participants viewer JOIN threads t ON t.id = viewer.thread_id
  WHERE viewer.account_id = ? AND (${lastActivity} < ? OR (${lastActivity} = ? AND t.id < ?))
  ORDER BY lastActivityAt DESC, t.id DESC
  LIMIT ?
) page
LEFT JOIN read_marks mark ON mark.thread_id = page.id AND mark.account_id = page.accountId
ORDER BY page.lastActivityAt DESC, page.id DESC`;

/**
 * Values for each thread: thread, thread, position of the account's mark, account, thread. Spelled out for each of them, because
 * servers read a range of positions by the index only when they know its bounds beforehand.
 */
export function summarizeThreads(count: number): string {
  const summary = `SELECT ? AS threadId,
  (SELECT COUNT(*) FROM messages m FORCE INDEX (PRIMARY)
  WHERE m.thread_id = ? AND m.position > ? AND m.sender_id <> ?) AS unreadCount,
  (SELECT m.position FROM messages m FORCE INDEX (PRIMARY)
  WHERE m.thread_id = ? ORDER BY m.position DESC LIMIT 1) AS lastPosition`;
  return Array.from({ length: count }, () => summary).join('\nUNION ALL ');
}

/** Values: pairs of thread and position. */
export const listMessagesAt = `SELECT m.thread_id AS threadId, ${messageColumns}
FROM messages m FORCE INDEX (PRIMARY) WHERE (m.thread_id, m.position) IN (?)`;

/** Values: parent, account, time, time and id of the thread to go on after, limit. */
export const listChildThreads = `SELECT STRAIGHT_JOIN ${threadColumns}, t.committed_at AS position
FROM thread_participants parent
JOIN threads t FORCE INDEX (children_by_commit) ON t.parent_thread_id = parent.thread_id
JOIN thread_participants viewer ON viewer.thread_id = t.id AND viewer.account_id = parent.account_id
WHERE parent.thread_id = ? AND parent.account_id = ?
  AND t.committed_at >= ? AND NOT (t.committed_at = ? AND t.id <= ?)
ORDER BY t.committed_at, t.id
LIMIT ?`;

/**
 * Values: account, expression, id of the message to go on after, sender if one is chosen, limit. The full-text index gives
 * all messages with these words, whoever sees them; those that the account sees are sorted.
 */
export function searchMessages(chosen: { readonly sender: boolean }): string {
  return `SELECT m.thread_id AS threadId, ${messageColumns}
FROM messages m JOIN thread_participants viewer ON viewer.thread_id = m.thread_id AND viewer.account_id = ?
WHERE MATCH (m.text) AGAINST (? IN BOOLEAN MODE) AND m.id < ?
  ${chosen.sender ? 'AND m.sender_id = ?' : ''}
ORDER BY m.id DESC
LIMIT ?`;
}

/**
 * Values: id of the message to go on after, account, thread if one is chosen, sender if one is chosen, pattern with "|" as
 * its escape character, limit. Reads all messages of the account's threads.
 */
export function readMessagesWith(chosen: { readonly thread: boolean; readonly sender: boolean }): string {
  return `SELECT STRAIGHT_JOIN m.thread_id AS threadId, ${messageColumns}
FROM thread_participants viewer JOIN messages m FORCE INDEX (PRIMARY) ON m.thread_id = viewer.thread_id AND m.id < ?
WHERE viewer.account_id = ?
  ${chosen.thread ? 'AND viewer.thread_id = ?' : ''} ${chosen.sender ? 'AND m.sender_id = ?' : ''}
  AND m.text LIKE ? ESCAPE '|'
ORDER BY m.id DESC
LIMIT ?`;
}
