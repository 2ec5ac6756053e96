import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;
const TELL_AFTER_MS = 3_000;
const TELL_AT_LEAST_EVERY_MS = 30_000;

/** How to wait for a server. */
export interface WaitOptions {
  /** How long to go on asking. @default 30_000 */
  readonly timeoutMs?: number;
  /** Gives up at once, with the signal's reason, e.g. because the process is gone. @default never */
  readonly signal?: AbortSignal;
  /** Told what is wrong and for how many seconds, after some of them and then ever more rarely. @default nothing */
  readonly onWaiting?: (reason: string, seconds: number) => void;
}

/**
 * Asks until the server says that it serves.
 * @throws Error with the last answer when the time is over, or the signal's reason when it aborts
 */
export async function waitUntilHealthy(
  name: string,
  checkHealth: () => Promise<void>,
  { timeoutMs = 30_000, signal, onWaiting }: WaitOptions = {},
): Promise<void> {
  const started = performance.now();
  const deadline = started + timeoutMs;
  let tellAt = started + TELL_AFTER_MS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      await checkHealth();
      return;
    } catch (error) {
      signal?.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      if (performance.now() >= tellAt) {
        const waitedMs = performance.now() - started;
        onWaiting?.(reason, Math.round(waitedMs / 1_000));
        tellAt = performance.now() + Math.min(waitedMs, TELL_AT_LEAST_EVERY_MS);
      }
      if (performance.now() >= deadline) {
        throw new Error(`${name} did not become healthy within ${timeoutMs / 1000} s: ${reason}`, { cause: error });
      }
    }
    await sleep(POLL_MS);
  }
}
