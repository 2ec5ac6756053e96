/** Waits for work, but no longer than so many milliseconds. @returns whether it was done by then; else it goes on */
export async function doneWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  try {
    return await doneBefore(late.signal, work);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for work, but not beyond the signal, which keeps no listener of what is over.
 *
 * @returns whether it was done by then; else it goes on, and should it fail, nobody is told
 */
export async function doneBefore(signal: AbortSignal, work: Promise<unknown>): Promise<boolean> {
  const done = work.then(() => true);
  let stop = (): void => undefined;
  const aborted = new Promise<false>((resolve) => (stop = () => resolve(false)));
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([aborted, done]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
