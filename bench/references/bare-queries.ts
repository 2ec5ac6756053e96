import type { handleUnaryCall } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { createPool } from 'mysql2';
import {
  ThreadRestQueryServiceService,
  type GetThreadRequest as RestGetThreadRequest,
  type GetThreadResponse as RestGetThreadResponse,
} from '../../gen/threadweaver/legacy/thread/v1/thread_rest_query_service.js';
import {
  ThreadQueryServiceService,
  type GetThreadRequest,
  type GetThreadResponse,
} from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import { connectionSettings } from '../../platform/mysql/database.js';
import type { ThreadRow } from '../../services/thread/query/adapters/read-model-rows.js';
import { findThread } from '../../services/thread/query/adapters/thread-statements.js';
import { bareServer, listen } from './listening.js';

/**
 * The reference of thread-query: only what cannot be left out. Decodes the request, runs the same prepared SELECT on a pool
 * of the same size, answers with its row. No checks, deadlines, retries, log or metrics.
 */
const pool = createPool({ uri: process.env.MYSQL_URL, ...connectionSettings, connectionLimit: 10 });

/** BENCH_SELECT=none answers at once with this in place of a row: what is left is grpc-js alone. */
const made: ThreadRow = {
  id: '',
  creatorId: '01DB5QXD4NP0XQTV92K42B3XBF',
  parentThreadId: null,
  title: 'a title',
  remarks: 'remarks',
  createdAt: 1_700_000_000_000,
  updatedAt: 1_700_000_000_000,
  version: 1,
};

function find(accountId: string, threadId: string, done: (error: Error | null, row?: ThreadRow) => void): void {
  if (process.env.BENCH_SELECT === 'none') return done(null, { ...made, id: threadId });
  pool.execute(findThread, [threadId, accountId], (error, rows) => {
    const [row] = (rows ?? []) as unknown as ThreadRow[];
    if (error !== null || row === undefined) done(error ?? new Error('not found'));
    else done(null, row);
  });
}

const getThread: handleUnaryCall<GetThreadRequest, GetThreadResponse> = ({ request }, respond) =>
  find(request.accountId, request.threadId, (error, row) => {
    if (row === undefined) return respond(error);
    respond(null, {
      thread: {
        id: row.id,
        creatorId: row.creatorId,
        parentThreadId: row.parentThreadId ?? undefined,
        title: row.title,
        remarks: row.remarks ?? undefined,
        createTime: new Date(row.createdAt),
        updateTime: new Date(row.updatedAt),
        version: BigInt(row.version),
      },
    });
  });

const restGetThread: handleUnaryCall<RestGetThreadRequest, RestGetThreadResponse> = ({ request }, respond) =>
  find(request.accountId, request.threadId, (error, row) => {
    if (row === undefined) return respond(error);
    const { id, creatorId, parentThreadId, title, remarks, createdAt, updatedAt } = row;
    respond(null, {
      result: { id, creatorId, parentThreadId, title, remarks, createdAt, updatedAt },
      errorMessages: [],
    });
  });

const server = bareServer();
server.addService(ThreadQueryServiceService, { getThread } as never);
server.addService(ThreadRestQueryServiceService, { getThread: restGetThread } as never);
// Envoy asks for it.
new HealthImplementation({ '': 'SERVING' }).addToServer(server);
listen(server, () => new Promise((resolve) => pool.end(resolve)));
