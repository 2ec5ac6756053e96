import { ulid } from 'ulid';
import { Database } from '../../platform/mysql/database.js';
import { migrateDatabase } from '../../platform/mysql/migrate-database.js';
import { startMySqlServer, type RunningServer } from '../../mesh/servers/index.js';
import { migrations } from '../../services/thread/projector/migrations/index.js';

/** A thread of the read model, and who may see it. */
export interface SeenThread {
  readonly threadId: string;
  readonly accountId: string;
}

/** A database server of its own, migrated, with `count` threads of one account each in the tables that queries read. */
export async function startReadModel(count: number): Promise<{ mySql: RunningServer; threads: SeenThread[] }> {
  const mySql = await startMySqlServer();
  try {
    await migrateDatabase({ url: mySql.url, migrations, report: () => undefined });
    return { mySql, threads: await addThreads(mySql.url, count) };
  } catch (error) {
    await mySql.stop();
    throw error;
  }
}

async function addThreads(url: string, count: number): Promise<SeenThread[]> {
  const threads = Array.from({ length: count }, () => ({ threadId: ulid(), accountId: ulid() }));
  const time = Date.now();
  const database = new Database({ url });
  await database.transaction(async (transaction) => {
    await transaction.run(
      'INSERT INTO threads (id, creator_id, title, remarks, created_at, committed_at, updated_at, version) VALUES ?',
      [threads.map(({ threadId, accountId }) => [threadId, accountId, 'a title', 'remarks', time, time, time, 1])],
    );
    await transaction.run(
      `INSERT INTO thread_participants (thread_id, account_id, administrator_position, member_position, thread_created_at)
      VALUES ?`,
      [threads.map(({ threadId, accountId }) => [threadId, accountId, 2 ** 20, 2 ** 20 + 1, time])],
    );
  });
  await database.close();
  return threads;
}
