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

export function threadOf({ parentThreadId, remarks, ...row }: ThreadRow): ThreadView {
  return { ...row, parentThreadId: parentThreadId ?? undefined, remarks: remarks ?? undefined };
}

export function messageOf(
  threadId: string,
  { position: _, replyMessageId, toAccountIds, ...row }: MessageRow,
): MessageView {
  return {
    ...row,
    threadId,
    replyMessageId: replyMessageId ?? undefined,
    toAccountIds: JSON.parse(toAccountIds) as string[],
  };
}
