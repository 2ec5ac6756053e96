const { timeOrigin } = performance;

/**
 * The time of day as it was when this process started, and since then the time that has passed: epoch milliseconds that
 * never jump, whatever is done to the machine's clock. Deadlines are times of this clock. Other processes have others:
 * what they are told is how much time is left.
 */
export function steadyNow(): number {
  return timeOrigin + performance.now();
}
