/** A thread as its readers see it. Times are epoch milliseconds. */
export interface ThreadView {
  readonly id: string;
  readonly creatorId: string;
  readonly parentThreadId: string | undefined;
  readonly title: string;
  readonly remarks: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Commits of the thread that the read model has seen. */
  readonly version: number;
}

export interface MessageView {
  readonly id: string;
  readonly threadId: string;
  readonly senderId: string;
  readonly replyMessageId: string | undefined;
  readonly toAccountIds: readonly string[];
  readonly text: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A place in a list: the number that the list is ordered by, and an id where numbers may be equal. */
export interface Cursor {
  readonly position: number;
  /** Empty where the position alone is unique. */
  readonly id: string;
}

/** Which part of a list is wanted: what follows a place, or after so many entries. */
export interface Window {
  /** @default from the start */
  readonly after?: Cursor | undefined;
  /** So many entries are left out. @default 0 */
  readonly offset?: number;
  readonly limit: number;
}

/** An entry of a list and its place. */
export interface Listed<T> {
  readonly value: T;
  readonly cursor: Cursor;
}
