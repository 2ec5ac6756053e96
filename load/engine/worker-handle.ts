import { fork } from 'node:child_process';
import { serveLoad } from './serve-load.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

/** A worker, wherever it runs. */
export interface WorkerHandle {
  tell(message: ToWorker): void;
  /** Ends it at once. */
  kill(): void;
}

/**
 * Starts a worker in a process of its own.
 * @param hear takes what it tells; `failed` also when the process ends without a last word
 */
export function forkWorker(hear: (message: FromWorker) => void): WorkerHandle {
  // Sources in tests, compiled otherwise.
  const file = import.meta.url.endsWith('.ts') ? './worker-process.ts' : './worker-process.js';
  const child = fork(new URL(file, import.meta.url), { serialization: 'advanced' });
  let isOver = false;
  child.on('message', (message) => {
    const told = message as FromWorker;
    isOver ||= told.type === 'ended' || told.type === 'failed';
    hear(told);
  });
  const fail = (message: string): void => {
    if (isOver) return;
    isOver = true;
    hear({ type: 'failed', message });
  };
  child.once('error', (error) => fail(error.message));
  child.once('exit', (code, signal) => fail(`a worker process ended (${signal ?? `exit code ${code}`})`));
  return {
    tell: (message) => {
      if (child.connected) child.send(message);
    },
    kill: () => child.kill('SIGKILL'),
  };
}

/** A worker in this process. It cannot be killed. */
export function localWorker(hear: (message: FromWorker) => void): WorkerHandle {
  return { tell: serveLoad(hear), kill: () => undefined };
}
