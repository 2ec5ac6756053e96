import type { Database } from '../../../../platform/mysql/database.js';
import type { Listed, Window } from '../../../../platform/queries/window.js';
import type { MessageView, ThreadReader, ThreadView } from '../runtime/thread-reader.js';
import type { MessageSearcherOptions } from './message-search.js';
import { MySqlChatReader } from './mysql-chat-reader.js';
import { messageOf, threadOf, type ListedThreadRow, type MessageRow } from './read-model-rows.js';
import { ThreadLookups } from './thread-lookups.js';
import * as statements from './thread-statements.js';

interface ParticipantRow {
  readonly accountId: string;
  readonly position: number;
}

/** Reads threads from the projector's tables. */
export class MySqlThreadReader implements ThreadReader {
  readonly chat: MySqlChatReader;
  readonly #lookups: ThreadLookups;

  constructor(
    private readonly database: Database,
    search?: MessageSearcherOptions,
  ) {
    this.chat = new MySqlChatReader(database, search);
    this.#lookups = new ThreadLookups(database);
  }

  async findThread(accountId: string, threadId: string): Promise<ThreadView | undefined> {
    const row = await this.#lookups.find(accountId, threadId);
    return row && threadOf(row);
  }

  async listThreads(
    accountId: string,
    { after = { position: -1, id: '' }, offset = 0, limit }: Window,
  ): Promise<Listed<ThreadView>[]> {
    const values = [accountId, after.position, after.position, after.id, limit, offset];
    const rows = await this.database.rows<ListedThreadRow>(statements.listThreads, values);
    return rows.map((row) => ({ value: threadOf(row), cursor: { position: row.position, id: row.id } }));
  }

  async listAdministratorIds(accountId: string, threadId: string, window: Window) {
    const rows = await this.#list<ParticipantRow>(statements.listAdministratorIds, accountId, threadId, window);
    return rows?.map(participantOf);
  }

  async listMemberIds(accountId: string, threadId: string, window: Window) {
    const rows = await this.#list<ParticipantRow>(statements.listMemberIds, accountId, threadId, window);
    return rows?.map(participantOf);
  }

  async listMessages(accountId: string, threadId: string, window: Window): Promise<Listed<MessageView>[] | undefined> {
    const rows = await this.#list<MessageRow>(statements.listMessages, accountId, threadId, window);
    return rows?.map((row) => ({ value: messageOf(threadId, row), cursor: { position: row.position, id: '' } }));
  }

  async #list<Row>(
    statement: string,
    accountId: string,
    threadId: string,
    { after, offset = 0, limit }: Window,
  ): Promise<Row[] | undefined> {
    const values = [after?.position ?? -1, threadId, accountId, limit, offset];
    const rows = await this.database.rows<Row>(statement, values);
    if (rows.length > 0) return rows;
    const viewers = await this.database.rows(statements.findViewer, [threadId, accountId]);
    return viewers.length > 0 ? [] : undefined;
  }
}

function participantOf({ accountId, position }: ParticipantRow): Listed<string> {
  return { value: accountId, cursor: { position, id: '' } };
}
