import { Server, ServerCredentials, type handleUnaryCall, type ServiceDefinition } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { createPool } from 'mysql2';
import {
  ThreadRestQueryServiceService,
  type GetThreadRequest as RestGetThreadRequest,
  type GetThreadResponse as RestGetThreadResponse,
} from '../../services/gen/threadweaver/legacy/thread/v1/thread_rest_query_service.js';
import {
  ThreadQueryServiceService,
  type GetThreadRequest,
  type GetThreadResponse,
} from '../../services/gen/threadweaver/thread/v1/thread_query_service.js';
import { connectionSettings } from '../../services/shared/adapters/mysql/database.js';
import type { ThreadRow } from '../../services/thread-query/adapters/read-model-rows.js';
import { findThread } from '../../services/thread-query/adapters/thread-statements.js';

/**
 * The reference of GetThread, in a process of its own: grpc-js as it comes, one prepared SELECT on a pool, the row as the answer. No
 * checks, deadlines, retries, logs or metrics. Settings: MYSQL_URL, GRPC_PORT (0).
 */
const pool = createPool({ uri: process.env.MYSQL_URL, ...connectionSettings, connectionLimit: 10 });

function find(accountId: string, threadId: string, done: (error: Error | null, row?: ThreadRow) => void): void {
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
    respond(null, { result: { id, creatorId, parentThreadId, title, remarks, createdAt, updatedAt }, errorMessages: [] });
  });

const server = new Server();
serve(ThreadQueryServiceService, { getThread });
serve(ThreadRestQueryServiceService, { getThread: restGetThread });
// Envoy asks for it.
new HealthImplementation({ '': 'SERVING' }).addToServer(server);
server.bindAsync(`127.0.0.1:${process.env.GRPC_PORT ?? '0'}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(JSON.stringify({ msg: 'listening', port }));
});

/** Adds the method that there is. */
function serve(definition: ServiceDefinition, implementation: { readonly getThread: unknown }): void {
  const { getThread: method } = definition;
  if (method !== undefined) server.addService({ getThread: method }, implementation as never);
}
