import { status, type handleUnaryCall, type ServiceError } from '@grpc/grpc-js';
import { createPool, type PoolConnection, type RowDataPacket, type ResultSetHeader } from 'mysql2/promise';
import { monotonicFactory } from 'ulid';
import {
  type AddMessagesRequest,
  type AddMessagesResponse,
  type CreateThreadRequest,
  type CreateThreadResponse,
  ThreadCommandServiceService,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { randomFraction } from '../../platform/process/random-pool.js';
import { bareServer, listen } from './listening.js';

/**
 * The service that one would write instead of an event-sourced one: rows in MySQL, one durable transaction a call. As a
 * good engineer writes it: a pool, prepared statements, the thread's row as the lock, as few round trips as there can be.
 */
const { MYSQL_URL = '', BENCH_CONNECTIONS = '32' } = process.env;
const pool = createPool({ uri: MYSQL_URL, connectionLimit: Number(BENCH_CONNECTIONS), maxPreparedStatements: 100 });
const newId = monotonicFactory(randomFraction);

const id = 'CHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL';
await pool.query(`CREATE TABLE threads (
  id ${id} PRIMARY KEY, creator_id ${id}, title VARCHAR(255) NOT NULL, created_at BIGINT NOT NULL, version BIGINT NOT NULL)`);
await pool.query(`CREATE TABLE participants (
  thread_id ${id}, account_id ${id}, is_administrator BOOLEAN NOT NULL, PRIMARY KEY (thread_id, account_id))`);
await pool.query(`CREATE TABLE messages (
  thread_id ${id}, version BIGINT NOT NULL, position INT NOT NULL, id ${id}, sender_id ${id}, text VARCHAR(255) NOT NULL,
  created_at BIGINT NOT NULL, PRIMARY KEY (thread_id, version, position), UNIQUE KEY (id))`);

/** One durable transaction. */
async function inTransaction<T>(work: (connection: PoolConnection) => Promise<T>): Promise<T> {
  const connection = await pool.getConnection();
  try {
    await connection.query('BEGIN');
    const result = await work(connection);
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    await connection.query('ROLLBACK');
    throw error;
  } finally {
    connection.release();
  }
}

const createThread: handleUnaryCall<CreateThreadRequest, CreateThreadResponse> = ({ request }, respond) => {
  const threadId = newId();
  const { accountId, title, administratorIds, memberIds } = request;
  inTransaction(async (connection) => {
    await connection.execute('INSERT INTO threads VALUES (?, ?, ?, ?, 1)', [threadId, accountId, title, Date.now()]);
    for (const account of new Set([...administratorIds, ...memberIds])) {
      const row = [threadId, account, administratorIds.includes(account)];
      await connection.execute('INSERT INTO participants VALUES (?, ?, ?)', row);
    }
  }).then(
    () => respond(null, { threadId, version: 1n }),
    (error: Error) => respond(error),
  );
};

const addMessages: handleUnaryCall<AddMessagesRequest, AddMessagesResponse> = ({ request }, respond) => {
  const { threadId, accountId, messages } = request;
  inTransaction(async (connection) => {
    const [participants] = await connection.execute<RowDataPacket[]>(
      'SELECT 1 FROM participants WHERE thread_id = ? AND account_id = ?',
      [threadId, accountId],
    );
    if (participants.length === 0) throw denied();
    // Locks the thread, and tells the new version without another round trip.
    const [{ insertId: version }] = await connection.execute<ResultSetHeader>(
      'UPDATE threads SET version = LAST_INSERT_ID(version + 1) WHERE id = ?',
      [threadId],
    );
    const now = Date.now();
    const rows = messages.map(({ text }, position) => [threadId, version, position, newId(), accountId, text, now]);
    const places = rows.map(() => '(?, ?, ?, ?, ?, ?, ?)').join(', ');
    await connection.execute(`INSERT INTO messages VALUES ${places}`, rows.flat());
    return { version: BigInt(version), messageIds: rows.map((row) => String(row[3])) };
  }).then(
    (response) => respond(null, response),
    (error: Error) => respond(error),
  );
};

function denied(): Partial<ServiceError> & Error {
  return Object.assign(new Error('no participant'), { code: status.PERMISSION_DENIED });
}

const server = bareServer();
server.addService(ThreadCommandServiceService, { createThread, addMessages } as never);
listen(server, () => pool.end());
