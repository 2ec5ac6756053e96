import { pino } from 'pino';
import { GrpcServer } from '../../shared/adapters/grpc/grpc-server.js';
import { protoClient, type ProtoClient } from '../../shared/testing/proto-client.js';
import { openReadModel } from '../../thread-projector/test/projection-fixture.js';
import { MySqlThreadReader } from '../adapters/mysql-thread-reader.js';
import { threadQueryServices } from '../adapters/thread-query-services.js';

/** The three services on a read model of their own, and a client of each. */
export async function openQueries() {
  const model = await openReadModel();
  const reader = new MySqlThreadReader(model.database);
  const logger = pino({ level: 'silent' });
  const server = new GrpcServer({
    host: '127.0.0.1',
    port: 0,
    services: threadQueryServices(reader, logger),
  });
  await server.start();
  const { v1, legacy, rest, close } = queryClients(`127.0.0.1:${server.port}`);
  return {
    model,
    v1,
    legacy,
    rest,
    async close() {
      close();
      await server.drain({ noticeMs: 0, timeoutMs: 1_000 });
      await model.close();
    },
  };
}

export type Queries = Awaited<ReturnType<typeof openQueries>>;

export function queryClients(address: string) {
  const v1 = client('threadweaver.thread.v1.ThreadQueryService', 'threadweaver/thread/v1/thread_query_service.proto');
  const legacy = client('thread.ThreadQueryService', 'thread/thread_services.proto');
  const rest = client(
    'threadweaver.legacy.thread.v1.ThreadRestQueryService',
    'threadweaver/legacy/thread/v1/thread_rest_query_service.proto',
  );
  return { v1, legacy, rest, close: () => [v1, legacy, rest].forEach((each) => each.close()) };

  function client(service: string, file: string): ProtoClient {
    return protoClient(file, service, address);
  }
}
