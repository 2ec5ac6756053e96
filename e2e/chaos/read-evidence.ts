import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { NatsLink } from '../../platform/nats/nats-link.js';
import { openJournal, type JournalLayout } from '../../platform/nats/open-journal.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import { Fault } from '../../platform/kernel/fault.js';
import { inParallel } from '../../platform/process/in-parallel.js';
import type { Evidence } from './check-history.js';
import type { ThreadRows } from './history.js';
import { toThreadCommit, type ThreadCommit } from './thread-history.js';

/** All threads of a journal. @throws JournalUnavailable */
export async function readJournal(
  natsUrl: string,
  layout: JournalLayout,
): Promise<Pick<Required<Evidence>, 'journal' | 'unreadable'>> {
  const link = await NatsLink.open({ url: natsUrl, name: 'checker', logger: createLogger('e2e', 'silent') });
  try {
    const journal = openJournal(link, { prefix: 'THREAD', layout });
    const threads = new Map<string, ThreadCommit[]>();
    const unreadable = new Map<string, string>();
    await inParallel(journal.list(), 4, async ({ aggregateId }) => {
      const commits: ThreadCommit[] = [];
      threads.set(aggregateId, commits);
      try {
        for await (const commit of journal.read(aggregateId, 1)) commits.push(toThreadCommit(commit));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        unreadable.set(aggregateId, error.message);
      }
    });
    return { journal: threads, unreadable };
  } finally {
    await link.close();
  }
}

/** All threads of the read model. */
export async function readRows(mySqlUrl: string): Promise<Map<string, ThreadRows>> {
  const connection = await createConnection({ uri: mySqlUrl, connectTimeout: 5_000 });
  const select = async (sql: string): Promise<RowDataPacket[]> => (await connection.query<RowDataPacket[]>(sql))[0];
  try {
    // All tables as of one moment.
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    const threads = await select('SELECT id, version, title, creator_id, removed_at FROM threads');
    const participants = await select(
      'SELECT thread_id, account_id, administrator_position, member_position FROM thread_participants',
    );
    const messages = await select('SELECT thread_id, id, sender_id, text FROM messages ORDER BY thread_id, position');
    const reactions = await select('SELECT thread_id, message_id, reaction, account_id FROM message_reactions');
    const readMarks = await select('SELECT thread_id, account_id, position FROM read_marks');
    await connection.query('COMMIT');
    const [participantsOf, messagesOf] = [byThread(participants), byThread(messages)];
    const [reactionsOf, readMarksOf] = [byThread(reactions), byThread(readMarks)];
    return new Map(
      threads.map((row) => {
        const id = String(row.id);
        const those = participantsOf.get(id) ?? [];
        const holding = (column: string) =>
          those.filter((participant) => participant[column] !== null).map(({ account_id }) => String(account_id));
        const rows: ThreadRows = {
          version: Number(row.version),
          title: String(row.title),
          creatorId: String(row.creator_id),
          isRemoved: row.removed_at !== null,
          administratorIds: holding('administrator_position'),
          memberIds: holding('member_position'),
          messages: (messagesOf.get(id) ?? []).map((message) => ({
            id: String(message.id),
            senderId: String(message.sender_id),
            text: String(message.text),
          })),
          reactions: (reactionsOf.get(id) ?? []).map(
            ({ message_id, reaction, account_id }) => `${message_id}/${reaction}/${account_id}`,
          ),
          readMarks: (readMarksOf.get(id) ?? []).map(({ account_id, position }) => `${account_id}/${position}`),
        };
        return [id, rows];
      }),
    );
  } finally {
    await connection.end();
  }
}

function byThread(rows: readonly RowDataPacket[]): Map<string, RowDataPacket[]> {
  const found = new Map<string, RowDataPacket[]>();
  for (const row of rows) {
    const id = String(row.thread_id);
    const those = found.get(id);
    if (those === undefined) found.set(id, [row]);
    else those.push(row);
  }
  return found;
}
