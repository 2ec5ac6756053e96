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
