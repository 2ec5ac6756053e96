import type { HttpBody } from '../../../../gen/google/api/httpbody.js';
import type { ThreadRestQueryServiceServer } from '../../../../gen/threadweaver/legacy/thread/v1/thread_rest_query_service.js';
import type { StreamingHandlers } from '../../../../platform/grpc/streaming-service.js';
import { orInvalidRequest, RequestChecks } from '../../../../platform/kernel/request-checks.js';
import { Fault } from '../../../../platform/kernel/fault.js';
import type { ThreadWatches } from '../runtime/thread-watch.js';
import { parseMinVersion } from '../../../../platform/grpc/read-your-writes.js';
import { serveWatch, type ServeWatchOptions } from './serve-watch.js';
import { endFrame, newsFrame, openingFrame } from './thread-event-frames.js';

/** What browsers send when they come back: the id of the last frame that they have seen. */
const LAST_EVENT_ID = 'last-event-id';

/** A thread's events as server-sent events, as Envoy transcodes them. What is wrong before they begin is an ordinary error. */
export function threadEventStreamService(
  watches: ThreadWatches,
  options: ServeWatchOptions,
): StreamingHandlers<ThreadRestQueryServiceServer> {
  return {
    async watchThread(request, context, stream) {
      const checks = new RequestChecks();
      const accountId = checks.ulid('accountId', request.accountId);
      const threadId = checks.ulid('threadId', request.threadId);
      const asked = parseVersion(checks, 'fromVersion', request.fromVersion ?? '0');
      // An empty one means that nothing was seen yet.
      const lastId = context.header(LAST_EVENT_ID) || undefined;
      const seen = lastId === undefined ? undefined : parseVersion(checks, LAST_EVENT_ID, lastId);
      const { minVersion, violations } = parseMinVersion(undefined, context);
      for (const { path, fault } of violations) checks.add(path, fault);
      orInvalidRequest(checks.finish({}));
      const fromVersion = Math.max(1, seen === undefined ? asked : seen + 1);
      context.annotate({ thread_id: threadId, account_id: accountId, from_version: fromVersion });
      const watch = await watches.open({ client: context.client, accountId, threadId, fromVersion, minVersion });
      try {
        stream.write(bodyOf(openingFrame));
        await serveWatch(watch, stream, (news) => bodyOf(newsFrame(news)), context, options);
      } catch (error) {
        if (stream.cancelled.aborted) throw error;
        stream.write(bodyOf(endFrame(error)));
        if (!(error instanceof Fault)) throw error;
        context.annotate({ end: error.reason });
      }
    },
  };
}

function parseVersion(checks: RequestChecks, path: string, text: string): number {
  const version = /^-?\d{1,19}$/.test(text) ? Number(text) : NaN;
  return checks.integer(path, version, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER - 1 });
}

function bodyOf(frames: string): HttpBody {
  return { contentType: 'text/event-stream; charset=utf-8', data: Buffer.from(frames), extensions: [] };
}
