import { LoadWorker, type WorkerAssignment, type WorkerReport } from './load-worker.js';
import type { WorkerCost } from './worker-meter.js';

/** What a worker process is told. */
export type ToWorker =
  | { readonly type: 'prepare'; readonly assignment: WorkerAssignment }
  | { readonly type: 'run'; readonly startAt: number }
  | { readonly type: 'stop' };

/** What it tells. `prepared`, and later `ended`, come once; `failed` is its last word. */
export type FromWorker =
  | { readonly type: 'preparing'; readonly done: number; readonly total: number }
  | { readonly type: 'prepared' }
  | { readonly type: 'report'; readonly report: WorkerReport }
  | { readonly type: 'ended'; readonly cost: WorkerCost }
  | { readonly type: 'failed'; readonly message: string };

// `run-load.ts` forks it. Signals are for the parent, who says when to stop; without a parent there is nobody to work for.
const ignore = (): void => undefined;
process.on('SIGINT', ignore).on('SIGTERM', ignore);
process.on('disconnect', () => process.exit(1));
let worker: LoadWorker | undefined;
process.on('message', (message: ToWorker) => {
  hear(message).catch(async (error: unknown) => {
    worker?.stop();
    await worker?.close();
    tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  });
});

async function hear(message: ToWorker): Promise<void> {
  switch (message.type) {
    case 'prepare':
      worker = new LoadWorker(message.assignment);
      await worker.prepare((done, total) => tell({ type: 'preparing', done, total }));
      return tell({ type: 'prepared' });
    case 'run': {
      const cost = await worker?.run(message.startAt, (report) => tell({ type: 'report', report }));
      await worker?.close();
      if (cost !== undefined) tell({ type: 'ended', cost });
      return;
    }
    case 'stop':
      return worker?.stop();
  }
}

function tell(message: FromWorker): void {
  process.send?.(message, undefined, undefined, () => {
    if (message.type === 'ended' || message.type === 'failed') process.disconnect?.();
  });
}
