import type { ThreadQueryServiceServer } from '../../../../gen/threadweaver/thread/v1/thread_query_service.js';
import type { WatchThreadResponse } from '../../../../gen/threadweaver/thread/v1/thread_watch.js';
import type { StreamingHandlers } from '../../../../platform/grpc/streaming-service.js';
import { orInvalidRequest, RequestChecks } from '../../../../platform/kernel/request-checks.js';
import type { ThreadNews, ThreadWatches } from '../runtime/thread-watch.js';
import { parseMinVersion } from '../../../../platform/grpc/read-your-writes.js';
import { serveWatch, type ServeWatchOptions } from './serve-watch.js';
import { commitMessage } from './thread-event-message.js';

/** The streams of threadweaver.thread.v1.ThreadQueryService. */
export function threadWatchService(
  watches: ThreadWatches,
  options: ServeWatchOptions,
): StreamingHandlers<ThreadQueryServiceServer> {
  return {
    async watchThread(request, context, stream) {
      const checks = new RequestChecks();
      const accountId = checks.ulid('accountId', request.accountId);
      const threadId = checks.ulid('threadId', request.threadId);
      const bounds = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
      const from = checks.integer('fromVersion', Number(request.fromVersion), bounds);
      const { minVersion, violations } = parseMinVersion(request.minVersion, context);
      for (const { path, fault } of violations) checks.add(path, fault);
      orInvalidRequest(checks.finish({}));
      const fromVersion = Math.max(1, from);
      context.annotate({ thread_id: threadId, account_id: accountId, from_version: fromVersion });
      const watch = await watches.open({ client: context.client, accountId, threadId, fromVersion, minVersion });
      await serveWatch(watch, stream, responseOf, context, options);
    },
  };
}

function responseOf(news: ThreadNews): WatchThreadResponse {
  return news.kind === 'commit'
    ? { content: { $case: 'commit', value: commitMessage(news) } }
    : { content: { $case: 'heartbeat', value: { version: BigInt(news.version) } } };
}
