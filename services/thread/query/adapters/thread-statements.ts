/**
 * The queries' SQL. An index serves each (test/indexes.int.test.ts asks the database for its plans), so none sorts or
 * scans more than it gives back. A list's statement finds the viewer's own row too, so that no moment lies between the
 * right to see and what is seen. (An outer join would tell an empty page from a thread that is not seen, but MariaDB
 * sorts it in a temporary table.)
 */

/** Of threads `t`. */
export const threadColumns = `t.id, t.creator_id AS creatorId, t.parent_thread_id AS parentThreadId, t.title, t.remarks,
  t.created_at AS createdAt, t.updated_at AS updatedAt, t.version`;

/** Of messages `m`. */
export const messageColumns = `m.position, m.id, m.sender_id AS senderId, m.text, m.reply_message_id AS replyMessageId,
  m.to_account_ids AS toAccountIds, m.created_at AS createdAt, m.updated_at AS updatedAt`;

/** Values: thread, account. */
export const findThread = findThreadWith(threadColumns);

const findThreadAtPlace = findThreadWith(`CAST(? AS SIGNED) AS place, ${threadColumns}`);
const findThreadsByCount: string[] = [];

/** As `findThread` for so many pairs of thread and account. Values: for each its place in the answer, thread, account. */
export function findThreads(count: number): string {
  return (findThreadsByCount[count] ??= Array.from({ length: count }, () => findThreadAtPlace).join('\nUNION ALL '));
}

function findThreadWith(columns: string): string {
  return `SELECT ${columns}
FROM thread_participants viewer JOIN threads t ON t.id = viewer.thread_id
WHERE viewer.thread_id = ? AND viewer.account_id = ?`;
}

/**
 * Values: account, time, time and id of the thread to go on after, limit, offset. In the order of creation by our own clock,
 * which thread_created_at is by, whatever a thread's creator has said.
 */
export const listThreads = `SELECT STRAIGHT_JOIN ${threadColumns}, viewer.thread_created_at AS position
FROM thread_participants viewer JOIN threads t ON t.id = viewer.thread_id
WHERE viewer.account_id = ? AND viewer.thread_created_at >= ?
  AND NOT (viewer.thread_created_at = ? AND viewer.thread_id <= ?)
ORDER BY viewer.thread_created_at, viewer.thread_id
LIMIT ? OFFSET ?`;

/** Values: position to go on after, thread, account, limit, offset. */
export const listAdministratorIds = participantIds('administrator_position', 'administrators_of_thread');

/** Values: position to go on after, thread, account, limit, offset. */
export const listMemberIds = participantIds('member_position', 'members_of_thread');

/** Values: position to go on after, thread, account, limit, offset. */
export const listMessages = `SELECT ${messageColumns}
FROM thread_participants viewer
JOIN messages m ON m.thread_id = viewer.thread_id AND m.position > ?
WHERE viewer.thread_id = ? AND viewer.account_id = ?
ORDER BY m.position
LIMIT ? OFFSET ?`;

/** Values: thread, account. A row when the account sees the thread. */
export const findViewer = `SELECT 1 AS found FROM thread_participants WHERE thread_id = ? AND account_id = ?`;

function participantIds(position: string, index: string): string {
  return `SELECT p.account_id AS accountId, p.${position} AS position
FROM thread_participants viewer
JOIN thread_participants p FORCE INDEX (${index}) ON p.thread_id = viewer.thread_id AND p.${position} > ?
WHERE viewer.thread_id = ? AND viewer.account_id = ?
ORDER BY p.${position}
LIMIT ? OFFSET ?`;
}
