import { setTimeout as sleep } from 'node:timers/promises';
import { newCall } from '../engine/user.js';
import { type Call, CallFailed } from '../transports/thread-api.js';
import { PreparationFailed, type Stage } from './scenario.js';

const AT_ONCE = 16;
const RETRY_MS = 200;

/**
 * An unmeasured request, repeated until the deadline.
 * @throws PreparationFailed
 */
export async function sendPatiently<Answer>(
  { options }: Stage,
  send: (call: Call) => Promise<Answer>,
  call = newCall(options.timeoutMs),
): Promise<Answer> {
  for (;;) {
    try {
      return await send(call);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (!error.isRetryable || Date.now() + RETRY_MS > call.deadlineAt) {
        throw new PreparationFailed(`preparation: ${error.kind}`);
      }
      await sleep(RETRY_MS);
    }
  }
}

/** Makes so many, some at a time; fewer when the run shall end. */
export async function makeMany<T>(
  { stop }: Stage,
  count: number,
  make: () => Promise<T>,
  report: (done: number, total: number) => void,
): Promise<T[]> {
  const made: T[] = [];
  let begun = 0;
  report(0, count);
  const makeSome = async (): Promise<void> => {
    while (begun < count && !stop.aborted) {
      begun += 1;
      made.push(await make());
      report(made.length, count);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, makeSome));
  return made;
}
