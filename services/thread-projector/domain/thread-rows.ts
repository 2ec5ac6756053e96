/** What the projection writes. Ids are ULIDs, times epoch milliseconds. */
export interface ThreadRow {
  readonly id: string;
  readonly creatorId: string;
  readonly parentThreadId: string | null;
  readonly title: string;
  readonly remarks: string | null;
  readonly createdAt: number;
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
}

/** What some successive commits of one thread change, as one step. */
export interface ThreadRowChanges {
  readonly threadId: string;
  /** The thread's version after them. */
  readonly version: number;
  /** The thread's row, when one of them created it. */
  readonly created: ThreadRow | undefined;
  /** Time of the last event; undefined when there was none. */
  readonly updatedAt: number | undefined;
  /** When the thread was destroyed; then only its row stays, and nothing below matters. */
  readonly removedAt: number | undefined;
  readonly participants: readonly ParticipantChange[];
  readonly addedMessages: readonly MessageRow[];
  /** Messages that were there before. */
  readonly removedMessageIds: readonly string[];
}
