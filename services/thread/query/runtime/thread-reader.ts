import type { ChatReader } from './chat-reader.js';
import type { Listed, Window } from '../../../../platform/queries/window.js';
import type { MessageView, ThreadView } from './thread-views.js';

export type { MessageView, ThreadView } from './thread-views.js';

/**
 * Reads threads as one account sees them: only an administrator or a member sees a thread, and nobody a destroyed one.
 * Every method throws Fault kind `unavailable` when the read model does not answer.
 */
export interface ThreadReader {
  /** What a chat's users read besides. */
  readonly chat: ChatReader;
  /** Undefined when the account does not see such a thread. */
  findThread(accountId: string, threadId: string): Promise<ThreadView | undefined>;
  /** The account's threads, in the order of creation. */
  listThreads(accountId: string, window: Window): Promise<Listed<ThreadView>[]>;
  /** In the order of joining. Undefined when the account does not see the thread. */
  listAdministratorIds(accountId: string, threadId: string, window: Window): Promise<Listed<string>[] | undefined>;
  /** In the order of joining. Undefined when the account does not see the thread. */
  listMemberIds(accountId: string, threadId: string, window: Window): Promise<Listed<string>[] | undefined>;
  /** In the order of posting. Undefined when the account does not see the thread. */
  listMessages(accountId: string, threadId: string, window: Window): Promise<Listed<MessageView>[] | undefined>;
}
