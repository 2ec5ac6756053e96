import type { Listed, Window } from '../../../../platform/queries/window.js';
import type { MessageView, ThreadView } from './thread-views.js';

/** A reaction to a message, by all who have added it. */
export interface ReactionView {
  /** One emoji. */
  readonly reaction: string;
  readonly count: number;
  /** Whether the account that reads is among them. */
  readonly addedByAccount: boolean;
}

export interface ReadStateView {
  /** The last message that is still there of those that are marked as read. */
  readonly lastReadMessageId: string | undefined;
  /** Messages of others behind the mark that are still there. */
  readonly unreadCount: number;
}

export interface RecentThreadView {
  readonly thread: ThreadView;
  /** The last one that is still there. */
  readonly lastMessage: MessageView | undefined;
  readonly unreadCount: number;
  /** Epoch milliseconds. */
  readonly lastActivityAt: number;
}

/** What is looked for. Nothing of it is interpreted: it is made of words. */
export interface MessageSearch {
  /** At least one; each must occur, and the last at the beginning of a word. */
  readonly words: readonly string[];
  /** @default all threads that the account sees */
  readonly threadId?: string | undefined;
  /** @default all senders */
  readonly senderId?: string | undefined;
}

/** What a chat's users read besides threads and their messages; sees and throws as ThreadReader does. */
export interface ChatReader {
  /** A message's place in its thread; undefined there when it is not in the thread. Undefined when the thread is not seen. */
  findPosition(
    accountId: string,
    threadId: string,
    messageId: string,
  ): Promise<{ readonly position: number | undefined } | undefined>;
  /**
   * Against the order of posting, from before `window.after` on. An empty list also when the account does not see the
   * thread.
   */
  listMessagesBackwards(accountId: string, threadId: string, window: Window): Promise<Listed<MessageView>[]>;
  /** Reactions to messages that the account sees, by the messages' ids, in the order in which they were first added. */
  listReactions(
    accountId: string,
    messages: readonly MessageView[],
  ): Promise<ReadonlyMap<string, readonly ReactionView[]>>;
  /** Undefined when the account does not see the thread. */
  findReadState(accountId: string, threadId: string): Promise<ReadStateView | undefined>;
  /** The account's threads, the most recently active first. */
  listRecentThreads(accountId: string, window: Window): Promise<Listed<RecentThreadView>[]>;
  /** The threads under a thread, in the order of creation. Undefined when the account does not see the parent. */
  listChildThreads(accountId: string, threadId: string, window: Window): Promise<Listed<ThreadView>[] | undefined>;
  /** The newest first. Undefined when the search is for one thread that the account does not see. */
  searchMessages(accountId: string, search: MessageSearch, window: Window): Promise<Listed<MessageView>[] | undefined>;
}
