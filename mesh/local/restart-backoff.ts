/** How long to wait before a process that died is started again. */
export interface BackoffSettings {
  /** Before the second restart in a row; the first comes at once. @default 250 */
  readonly firstDelayMs?: number;
  /** @default 10_000 */
  readonly longestDelayMs?: number;
}

/**
 * The delay doubles with each restart. Half of it is random: services that died of the same cause shall not come back
 * in the same instant.
 * @param restartsInARow restarts so far without a healthy time between
 * @param random from 0 to 1
 * @returns milliseconds
 */
export function restartDelayMs(
  restartsInARow: number,
  random: number,
  { firstDelayMs = 250, longestDelayMs = 10_000 }: BackoffSettings = {},
): number {
  if (restartsInARow === 0) return 0;
  const full = Math.min(longestDelayMs, firstDelayMs * 2 ** (restartsInARow - 1));
  return Math.round(full / 2 + (full / 2) * random);
}
