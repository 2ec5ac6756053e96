import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Tries until it does not throw: queries follow the commands a little later.
 * @param timeoutMs how long to go on. @default 30_000
 * @throws what the last attempt threw
 */
export async function eventually<T>(attempt: () => Promise<T>, timeoutMs = 30_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}
