/** Calls `work` at random moments, so many a second (exponential gaps), each with the moment at which it was due. */
export async function atRandom(
  perSecond: number,
  isOver: () => boolean,
  work: (index: number, dueAt: number) => Promise<void>,
): Promise<void> {
  let dueAt = performance.now();
  for (let index = 0; !isOver(); index += 1) {
    dueAt += (-Math.log(1 - Math.random()) * 1_000) / perSecond;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    await work(index, Math.min(dueAt, performance.now()));
  }
}
