import type { Database } from '../../shared/adapters/mysql/database.js';
import type { Listed, MessageView, ThreadReader, ThreadView, Window } from '../runtime/thread-reader.js';
import * as statements from './thread-statements.js';

interface ThreadRow {
  readonly id: string;
  readonly creatorId: string;
  readonly parentThreadId: string | null;
  readonly title: string;
  readonly remarks: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly version: number;
}

interface ParticipantRow {
  readonly accountId: string;
  readonly position: number;
}

interface MessageRow {
  readonly position: number;
  readonly id: string;
  readonly senderId: string;
  readonly text: string;
  readonly replyMessageId: string | null;
  readonly toAccountIds: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Reads threads from the projector's tables. */
export class MySqlThreadReader implements ThreadReader {
  constructor(private readonly database: Database) {}

  async findThread(accountId: string, threadId: string): Promise<ThreadView | undefined> {
    const [row] = await this.database.rows<ThreadRow>(statements.findThread, [threadId, accountId]);
    return row && threadOf(row);
  }

  async listThreads(
    accountId: string,
    { after = { position: -1, id: '' }, offset = 0, limit }: Window,
  ): Promise<Listed<ThreadView>[]> {
    const values = [accountId, after.position, after.position, after.id, limit, offset];
    const rows = await this.database.rows<ThreadRow>(statements.listThreads, values);
    return rows.map((row) => ({ value: threadOf(row), cursor: { position: row.createdAt, id: row.id } }));
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

function threadOf({ parentThreadId, remarks, ...row }: ThreadRow): ThreadView {
  return { ...row, parentThreadId: parentThreadId ?? undefined, remarks: remarks ?? undefined };
}

function participantOf({ accountId, position }: ParticipantRow): Listed<string> {
  return { value: accountId, cursor: { position, id: '' } };
}

function messageOf(threadId: string, { position: _, replyMessageId, toAccountIds, ...row }: MessageRow): MessageView {
  return {
    ...row,
    threadId,
    replyMessageId: replyMessageId ?? undefined,
    toAccountIds: JSON.parse(toAccountIds) as string[],
  };
}
