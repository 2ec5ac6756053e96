import type { WorkerAssignment, WorkerReport } from './load-worker.js';
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
