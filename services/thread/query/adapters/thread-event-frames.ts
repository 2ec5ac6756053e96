import { ThreadCommit } from '../../../../gen/threadweaver/thread/v1/thread_watch.js';
import { Fault } from '../../../../platform/kernel/fault.js';
import type { ThreadNews } from '../runtime/thread-watch.js';
import { commitMessage } from './thread-event-message.js';

/** Clients come back after so long, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Frames of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). A commit is one frame,
 * because its id, the version, is where a client resumes. JSON has no line breaks outside of its strings' escapes.
 */
export function newsFrame(news: ThreadNews): string {
  if (news.kind === 'heartbeat') return `: at version ${news.version}\n\n`;
  const [event, ...others] = news.events;
  // Nearly all commits have one event, whose type is then the frame's.
  const type = event !== undefined && others.length === 0 ? event.type : 'commit';
  const data = JSON.stringify(ThreadCommit.toJSON(commitMessage(news)));
  return `id: ${news.version}\nevent: ${type}\ndata: ${data}\n\n`;
}

/** Comes first: the watch has begun, and how to come back. */
export const openingFrame = `retry: ${RETRY_MS}\n: watching\n\n`;

/** Comes last, because an error that comes after the first byte gets lost on the way: why it ends, and where to resume. */
export function endFrame(error: unknown): string {
  const { reason, message, metadata } =
    error instanceof Fault ? error : new Fault('internal', 'INTERNAL', 'internal error');
  return `event: end\ndata: ${JSON.stringify({ reason, message, ...metadata })}\n\n`;
}
