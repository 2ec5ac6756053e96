/** What the projection writes. Ids are ULIDs, times epoch milliseconds. */
export interface ThreadRow {
  readonly id: string;
  readonly creatorId: string;
  readonly parentThreadId: string | null;
  readonly title: string;
  readonly remarks: string | null;
  /** As its creator has said. */
  readonly createdAt: number;
  /** When it was created by our own clock, which threads are ordered by. */
  readonly committedAt: number;
}

/** One account's part in a thread; a position is its place in the order of joining, null when it is none of those. */
export interface ParticipantChange {
  readonly accountId: string;
  /** Undefined: as it was. */
  readonly administratorPosition?: number | null;
  /** Undefined: as it was. */
  readonly memberPosition?: number | null;
}

export interface MessageRow {
  /** Place in the order of posting. */
  readonly position: number;
  readonly id: string;
  readonly senderId: string;
  readonly text: string;
  readonly replyMessageId: string | null;
  readonly toAccountIds: readonly string[];
  readonly createdAt: number;
  /** When its text was written last. */
  readonly updatedAt: number;
}

/** A new text of a message that was there before. */
export interface MessageEdit {
  readonly id: string;
  readonly text: string;
  readonly updatedAt: number;
}

/** One account's reaction to a message. */
export interface ReactionChange {
  readonly messageId: string;
  readonly reaction: string;
  readonly accountId: string;
  /** Its place in the order in which the thread's reactions were added; null when it was removed. */
  readonly position: number | null;
}

/** How far an account has read: up to a position, or to a message that was there before. */
export type ReadMark = { readonly accountId: string } & (
  { readonly position: number } | { readonly messageId: string; readonly position: undefined }
);

/** New texts of a thread that was there before. */
export interface ThreadTexts {
  /** Undefined: as it was. */
  readonly title?: string | undefined;
  /** Undefined: as they were. Null: it has none any more. */
  readonly remarks?: string | null | undefined;
}

/** What some successive commits of one thread change, as one step. */
export interface ThreadRowChanges {
  readonly threadId: string;
  /** The thread's version after them. */
  readonly version: number;
  /** The thread's row, when one of them created it. */
  readonly created: ThreadRow | undefined;
  readonly texts: ThreadTexts | undefined;
  /** Time of the last event that was no read mark; undefined when there was none. */
  readonly updatedAt: number | undefined;
  /** When a message was posted last, by our own clock; undefined when none was. */
  readonly lastActivityAt: number | undefined;
  /** When the thread was destroyed; then only its row stays, and nothing below matters. */
  readonly removedAt: number | undefined;
  readonly participants: readonly ParticipantChange[];
  readonly addedMessages: readonly MessageRow[];
  readonly editedMessages: readonly MessageEdit[];
  /** Messages that were there before. */
  readonly removedMessageIds: readonly string[];
  /** None is to a removed message. */
  readonly reactions: readonly ReactionChange[];
  /** At most one an account. Those that name a message mean one that may be among the removed. */
  readonly readMarks: readonly ReadMark[];
}
