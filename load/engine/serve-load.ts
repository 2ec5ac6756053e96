import { LoadWorker } from './load-worker.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

/** A worker behind messages. @returns takes what it is told */
export function serveLoad(tell: (message: FromWorker) => void): (message: ToWorker) => void {
  let worker: LoadWorker | undefined;
  const guarded = (work: () => Promise<void>): void => {
    work().catch(async (error: unknown) => {
      worker?.stop();
      await worker?.close();
      tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    });
  };
  return (message) => {
    switch (message.type) {
      case 'prepare':
        return guarded(async () => {
          worker = new LoadWorker(message.assignment);
          await worker.prepare((done, total) => tell({ type: 'preparing', done, total }));
          tell({ type: 'prepared' });
        });
      case 'run':
        return guarded(async () => {
          const cost = await worker?.run(message.startAt, (report) => tell({ type: 'report', report }));
          await worker?.close();
          if (cost !== undefined) tell({ type: 'ended', cost });
        });
      case 'stop':
        return worker?.stop();
    }
  };
}
