import type { Database } from '../../../../platform/mysql/database.js';
import type {
  ChatReader,
  MessageSearch,
  ReactionView,
  ReadStateView,
  RecentThreadView,
} from '../runtime/chat-reader.js';
import type { Listed, Window } from '../../../../platform/queries/window.js';
import type { MessageView, ThreadView } from '../runtime/thread-reader.js';
import * as statements from './chat-statements.js';
import { MessageSearcher, type ListedMessageRow, type MessageSearcherOptions } from './message-search.js';
import { messageOf, threadOf, type ListedThreadRow, type MessageRow, type ThreadRow } from './read-model-rows.js';
import { findViewer } from './thread-statements.js';

interface ReactionRow {
  readonly messageId: string;
  readonly reaction: string;
  readonly count: number;
  readonly addedByAccount: number;
  readonly position: number;
}

interface RecentThreadRow extends ThreadRow {
  readonly accountId: string;
  readonly lastActivityAt: number;
  readonly readPosition: number | null;
}

interface SummaryRow {
  readonly threadId: string;
  readonly unreadCount: number;
  readonly lastPosition: number | null;
}

/** Behind every position, time and id. */
const beginning = { position: Number.MAX_SAFE_INTEGER, id: 'Z'.repeat(26) };

/** Reads what a chat's users need from the projector's tables. */
export class MySqlChatReader implements ChatReader {
  readonly #searcher: MessageSearcher;

  constructor(
    private readonly database: Database,
    search?: MessageSearcherOptions,
  ) {
    this.#searcher = new MessageSearcher(database, search);
  }

  async findPosition(accountId: string, threadId: string, messageId: string) {
    const rows = await this.database.rows<{ position: number | null }>(statements.findPosition, [
      messageId,
      threadId,
      accountId,
    ]);
    return rows[0] && { position: rows[0].position ?? undefined };
  }

  async listMessagesBackwards(
    accountId: string,
    threadId: string,
    { after = beginning, limit }: Window,
  ): Promise<Listed<MessageView>[]> {
    const values = [after.position, threadId, accountId, limit];
    const rows = await this.database.rows<MessageRow>(statements.listMessagesBackwards, values);
    return rows.map((row) => ({ value: messageOf(threadId, row), cursor: { position: row.position, id: '' } }));
  }

  async listReactions(accountId: string, messages: readonly MessageView[]) {
    const reactions = new Map<string, ReactionView[]>();
    if (messages.length === 0) return reactions;
    const pairs = messages.map(({ threadId, id }) => [threadId, id]);
    const rows = await this.database.rows<ReactionRow>(statements.listReactions, [accountId, pairs]);
    for (const { messageId, reaction, count, addedByAccount } of rows.toSorted(byPosition)) {
      const ofMessage = reactions.get(messageId) ?? [];
      reactions.set(messageId, ofMessage);
      ofMessage.push({ reaction, count, addedByAccount: addedByAccount === 1 });
    }
    return reactions;
  }

  async findReadState(accountId: string, threadId: string): Promise<ReadStateView | undefined> {
    const [row] = await this.database.rows<{ unreadCount: number; lastReadMessageId: string | null }>(
      statements.findReadState,
      [threadId, accountId],
    );
    return row && { unreadCount: row.unreadCount, lastReadMessageId: row.lastReadMessageId ?? undefined };
  }

  async listRecentThreads(
    accountId: string,
    { after = beginning, limit }: Window,
  ): Promise<Listed<RecentThreadView>[]> {
    const values = [accountId, after.position, after.position, after.id, limit];
    const rows = await this.database.rows<RecentThreadRow>(statements.listRecentThreads, values);
    const summaries = await this.#summaries(rows);
    const lastMessages = await this.#messagesAt([...summaries.values()]);
    return rows.map(({ accountId: _, readPosition: __, lastActivityAt, ...row }) => ({
      value: {
        thread: threadOf(row),
        lastMessage: lastMessages.get(row.id),
        unreadCount: summaries.get(row.id)?.unreadCount ?? 0,
        lastActivityAt,
      },
      cursor: { position: lastActivityAt, id: row.id },
    }));
  }

  async listChildThreads(
    accountId: string,
    threadId: string,
    { after = { position: -1, id: '' }, limit }: Window,
  ): Promise<Listed<ThreadView>[] | undefined> {
    const values = [threadId, accountId, after.position, after.position, after.id, limit];
    const rows = await this.database.rows<ListedThreadRow>(statements.listChildThreads, values);
    if (rows.length === 0 && !(await this.#sees(accountId, threadId))) return undefined;
    return rows.map((row) => ({ value: threadOf(row), cursor: { position: row.position, id: row.id } }));
  }

  async searchMessages(
    accountId: string,
    search: MessageSearch,
    { after = beginning, limit }: Window,
  ): Promise<Listed<MessageView>[] | undefined> {
    const rows = await this.#searcher.find(accountId, search, after.id, limit);
    const { threadId } = search;
    if (rows.length === 0 && threadId !== undefined && !(await this.#sees(accountId, threadId))) return undefined;
    return rows.map(({ threadId: ofThread, ...row }) => ({
      value: messageOf(ofThread, row),
      cursor: { position: 0, id: row.id },
    }));
  }

  async #summaries(threads: readonly RecentThreadRow[]): Promise<ReadonlyMap<string, SummaryRow>> {
    if (threads.length === 0) return new Map();
    const rows = await this.database.rows<SummaryRow>(
      statements.summarizeThreads(threads.length),
      threads.flatMap(({ id, accountId, readPosition }) => [id, id, readPosition ?? -1, accountId, id]),
    );
    return new Map(rows.map((row) => [row.threadId, row]));
  }

  async #messagesAt(summaries: readonly SummaryRow[]): Promise<ReadonlyMap<string, MessageView>> {
    const places = summaries.flatMap(({ threadId, lastPosition }) =>
      lastPosition === null ? [] : [[threadId, lastPosition]],
    );
    if (places.length === 0) return new Map();
    const rows = await this.database.rows<ListedMessageRow>(statements.listMessagesAt, [places]);
    return new Map(rows.map(({ threadId, ...row }) => [threadId, messageOf(threadId, row)]));
  }

  async #sees(accountId: string, threadId: string): Promise<boolean> {
    return (await this.database.rows(findViewer, [threadId, accountId])).length > 0;
  }
}

function byPosition(left: ReactionRow, right: ReactionRow): number {
  return left.position - right.position;
}
