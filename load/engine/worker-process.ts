import { serveLoad } from './serve-load.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

// A worker process: `run-load.ts` forks it. Signals are for the parent, who says when to stop; without a parent there is
// nobody to work for.
const ignore = (): void => undefined;
process.on('SIGINT', ignore).on('SIGTERM', ignore);
process.on('disconnect', () => process.exit(1));
const handle = serveLoad((message: FromWorker) => {
  process.send?.(message, undefined, undefined, () => {
    if (message.type === 'ended' || message.type === 'failed') process.disconnect?.();
  });
});
process.on('message', (message) => handle(message as ToWorker));
