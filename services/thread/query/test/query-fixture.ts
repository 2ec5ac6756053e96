import { pino } from 'pino';
import { GrpcServer } from '../../../../platform/grpc/grpc-server.js';
import type { CommitHub } from '../../../../platform/watching/commit-hub.js';
import { Fault } from '../../../../platform/kernel/fault.js';
import { FairQueue } from '../../../../platform/process/fair-queue.js';
import { protoClient, type ProtoClient } from '../../../../platform/testing/proto-client.js';
import { openReadModel } from '../../projector/test/projection-fixture.js';
import { threadEventCodec } from '../../events/thread-event-codec.js';
import { bindQueryServices } from '../adapters/bind-services.js';
import type { MessageSearcherOptions } from '../adapters/message-search.js';
import { mySqlParticipationReader } from '../adapters/mysql-participation-reader.js';
import { MySqlThreadReader } from '../adapters/mysql-thread-reader.js';
import { mySqlThreadVersions } from '../adapters/mysql-thread-versions.js';
import { ReadModelVersions } from '../../../../platform/queries/read-model-versions.js';
import { ThreadWatches } from '../runtime/thread-watch.js';

export interface QueriesOptions {
  /** Where watchers' commits come from. @default nowhere */
  readonly hub?: CommitHub;
  /** @default 5000 */
  readonly minVersionWaitMs?: number;
  /** @default 30000 */
  readonly stallMs?: number;
  /** Queries of one client that may wait for their turn. @default as in the services */
  readonly maxQueuedPerClient?: number;
  /** Watches of one client, and of one account. @default as in the services */
  readonly maxWatchesOfOne?: number;
  readonly search?: MessageSearcherOptions;
}

/** The three services on a read model of their own, and a client of each. */
export async function openQueries({
  hub,
  search,
  maxWatchesOfOne: ofOne,
  maxQueuedPerClient,
  ...options
}: QueriesOptions = {}) {
  const model = await openReadModel();
  const { database } = model;
  const turns = new FairQueue({ maxRunning: database.maxConnections, maxWaitingPerClient: maxQueuedPerClient });
  const versions = new ReadModelVersions(mySqlThreadVersions(database));
  const server = new GrpcServer({
    host: '127.0.0.1',
    port: 0,
    services: bindQueryServices({
      ...options,
      reader: new MySqlThreadReader(database, search),
      versions,
      turns,
      watches: new ThreadWatches({
        hub() {
          if (hub === undefined) throw new Fault('unavailable', 'JOURNAL_UNAVAILABLE', 'no journal here');
          return hub;
        },
        participations: mySqlParticipationReader(database),
        codec: threadEventCodec,
        turns,
        ...(ofOne !== undefined && { maxPerClient: ofOne, maxPerAccount: ofOne }),
      }),
      logger: pino({ level: 'silent' }),
    }),
  });
  await server.start();
  const { v1, legacy, rest, close } = queryClients(`127.0.0.1:${server.port}`);
  return {
    model,
    versions,
    address: `127.0.0.1:${server.port}`,
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
