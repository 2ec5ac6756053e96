import { ThreadQueryServiceService as LegacyThreadQueryService } from '../../../../gen/thread/thread_services.js';
import { ThreadRestQueryServiceService } from '../../../../gen/threadweaver/legacy/thread/v1/thread_rest_query_service.js';
import { ThreadQueryServiceService } from '../../../../gen/threadweaver/thread/v1/thread_query_service.js';
import { bindStreamingService } from '../../../../platform/grpc/streaming-service.js';
import { bindUnaryService, type BoundService } from '../../../../platform/grpc/unary-service.js';
import { inLegacyWords } from '../../../../platform/grpc/legacy-texts.js';
import type { ObserveCalls } from '../../../../platform/grpc/call-context.js';
import type { Logger } from '../../../../platform/telemetry/logger.js';
import { readingYourWrites } from '../../../../platform/grpc/read-your-writes.js';
import { takingTurns } from '../../../../platform/grpc/taking-turns.js';
import type { FairQueue } from '../../../../platform/process/fair-queue.js';
import type { ReadModelVersions, ViewedAggregate } from '../../../../platform/queries/read-model-versions.js';
import type { ThreadReader } from '../runtime/thread-reader.js';
import type { ThreadWatches } from '../runtime/thread-watch.js';
import { legacyGrpcService, refuseLegacyGrpc } from './legacy-grpc-service.js';
import { legacyRestService, legacyRestWording } from './legacy-rest-service.js';
import type { ServeWatchOptions } from './serve-watch.js';
import { threadEventStreamService } from './thread-event-stream-service.js';
import { threadQueryService } from './thread-query-service.js';
import { threadWatchService } from './thread-watch-service.js';

/** What the services stand on. */
export interface QueryServices extends ServeWatchOptions {
  readonly reader: ThreadReader;
  readonly versions: ReadModelVersions;
  readonly watches: ThreadWatches;
  /** Has clients take turns at the read model. */
  readonly turns: FairQueue;
  readonly logger: Logger;
  /** Measures calls. @default nobody */
  readonly observe?: ObserveCalls;
  /** How long a query without a deadline waits for a version. @default 5000 */
  readonly minVersionWaitMs?: number;
}

/** Fields that a request may have, known or not: no query has a list. */
const MAX_FIELDS = 1_000;

/** All that thread-query serves: the new API, and the older ones in their own words. */
export function bindQueryServices(services: QueryServices): BoundService[] {
  const { reader, versions, watches, turns, logger, observe, minVersionWaitMs: waitMs } = services;
  const calls = { logger, observe, decodeBounds: { fields: MAX_FIELDS } };
  const waiting = { versions, aggregateName: 'thread', aggregateOf: threadOf, waitMs };
  const rest = {
    ...calls,
    rephrase: (error: Parameters<typeof inLegacyWords>[0]) => inLegacyWords(error, legacyRestWording),
  };
  return [
    bindUnaryService(
      ThreadQueryServiceService,
      readingYourWrites(takingTurns(threadQueryService(reader), turns), waiting),
      calls,
    ),
    bindStreamingService(ThreadQueryServiceService, threadWatchService(watches, services), calls),
    bindUnaryService(
      LegacyThreadQueryService,
      readingYourWrites(takingTurns(legacyGrpcService(reader), turns), { ...waiting, refuse: refuseLegacyGrpc }),
      calls,
    ),
    bindUnaryService(
      ThreadRestQueryServiceService,
      readingYourWrites(takingTurns(legacyRestService(reader), turns), { ...waiting, hasNoDeadlines: true }),
      rest,
    ),
    bindStreamingService(ThreadRestQueryServiceService, threadEventStreamService(watches, services), rest),
  ];
}

/** Also of a search, which may name no thread: there only the version is checked. */
function threadOf(request: { readonly accountId?: string; readonly threadId?: string }): ViewedAggregate | undefined {
  if (!('threadId' in request)) return undefined;
  const { accountId = '', threadId: aggregateId = '' } = request;
  return { accountId, aggregateId };
}
