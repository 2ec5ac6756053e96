import type { CallContext } from './unary-service.js';
import type { FairQueue } from '../process/fair-queue.js';

type Handler = (request: unknown, context: CallContext) => Promise<unknown>;

/**
 * The same handlers, whose callers take turns while more is asked for than can be read at once.
 * @throws (the handlers) Fault kind `exhausted`, reason OVERLOADED
 */
export function takingTurns<Handlers extends object>(handlers: Handlers, turns: FairQueue): Handlers {
  const queued = Object.entries(handlers as Record<string, Handler>).map(([method, handler]): [string, Handler] => [
    method,
    (request, context) => turns.run(context.client, () => handler(request, context)),
  ]);
  return Object.fromEntries(queued) as Handlers;
}
