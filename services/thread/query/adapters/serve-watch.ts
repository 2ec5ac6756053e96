import { tokenIsOver, whenTokenIsOver } from '../../../../platform/grpc/token-end.js';
import type { CallContext } from '../../../../platform/grpc/unary-service.js';
import type { ResponseStream } from '../../../../platform/grpc/streaming-service.js';
import type { ThreadNews, ThreadWatch } from '../runtime/thread-watch.js';

export interface ServeWatchOptions {
  /** A caller that takes nothing for so long is cut off. @default 30000 */
  readonly stallMs?: number;
}

/**
 * Writes a watch into a call's stream until either ends. What the caller has not taken yet is bounded: by the stream's
 * own buffer, and then by the hub's, which cuts the watch off.
 *
 * @throws whatever has ended the watch, unless the caller has gone
 */
export async function serveWatch<Response>(
  watch: ThreadWatch,
  stream: ResponseStream<Response>,
  responseOf: (news: ThreadNews) => Response,
  context: CallContext,
  { stallMs = 30_000 }: ServeWatchOptions = {},
): Promise<void> {
  const close = (): void => watch.close();
  stream.cancelled.addEventListener('abort', close);
  const forgetToken = whenTokenIsOver(context.principal, () => watch.cut(tokenIsOver()));
  let commits = 0;
  try {
    while (!stream.cancelled.aborted) {
      const news = await watch.next();
      if (news.kind === 'commit') commits += 1;
      if (!stream.write(responseOf(news))) await drained(watch, stream, stallMs);
    }
  } finally {
    forgetToken();
    stream.cancelled.removeEventListener('abort', close);
    watch.close();
    context.annotate({ commits, next_version: watch.nextVersion });
  }
}

async function drained(watch: ThreadWatch, stream: ResponseStream<unknown>, stallMs: number): Promise<void> {
  const stalled = setTimeout(() => watch.cutAsSlow(), stallMs);
  try {
    await stream.drained(watch.signal);
  } finally {
    clearTimeout(stalled);
  }
}
