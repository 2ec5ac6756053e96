import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;
const TELL_EVERY_MS = 3_000;

/** How to wait for a server. */
export interface WaitOptions {
  /** How long to go on asking. @default 30_000 */
  readonly timeoutMs?: number;
  /** Gives up at once, with the signal's reason, e.g. because the process is gone. @default never */
  readonly signal?: AbortSignal;
  /** Told what is wrong, after some seconds and then now and again. @default nothing */
  readonly onWaiting?: (reason: string) => void;
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
  const deadline = performance.now() + timeoutMs;
  let tellAt = performance.now() + TELL_EVERY_MS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      await checkHealth();
      return;
    } catch (error) {
      signal?.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      if (performance.now() >= tellAt) {
        onWaiting?.(reason);
        tellAt = performance.now() + TELL_EVERY_MS;
      }
      if (performance.now() >= deadline) {
        throw new Error(`${name} did not become healthy within ${timeoutMs / 1000} s: ${reason}`, { cause: error });
      }
    }
    await sleep(POLL_MS);
  }
}
