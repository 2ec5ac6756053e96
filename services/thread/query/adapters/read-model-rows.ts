import type { MessageView, ThreadView } from '../runtime/thread-reader.js';

/** A row of `threadColumns`. */
export interface ThreadRow {
  readonly id: string;
  readonly creatorId: string;
  readonly parentThreadId: string | null;
  readonly title: string;
  readonly remarks: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly version: number;
}

/** A row of a list of threads that is in the order of `position`. */
export interface ListedThreadRow extends ThreadRow {
  readonly position: number;
}

/** A row of `messageColumns`. */
export interface MessageRow {
  readonly position: number;
  readonly id: string;
  readonly senderId: string;
  readonly text: string;
  readonly replyMessageId: string | null;
  readonly toAccountIds: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

// Property by property: this runs for each row, where copying the rest of an object costs ten times as much.
export function threadOf(row: ThreadRow): ThreadView {
  return {
    id: row.id,
    creatorId: row.creatorId,
    parentThreadId: row.parentThreadId ?? undefined,
    title: row.title,
    remarks: row.remarks ?? undefined,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    version: row.version,
  };
}

export function messageOf(threadId: string, row: MessageRow): MessageView {
  return {
    id: row.id,
    threadId,
    senderId: row.senderId,
    replyMessageId: row.replyMessageId ?? undefined,
    toAccountIds: row.toAccountIds === '[]' ? [] : (JSON.parse(row.toAccountIds) as string[]),
    text: row.text,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
