/** Something that runs until it is stopped. */
export interface Stoppable {
  stop(): Promise<void>;
}

/** Does `work`, and then stops all that it has named as started, the last one first, whatever came of it. */
export async function withStops<T>(
  work: (started: <Part extends Stoppable>(part: Part) => Part) => Promise<T>,
): Promise<T> {
  const parts: Stoppable[] = [];
  try {
    return await work((part) => {
      parts.push(part);
      return part;
    });
  } finally {
    for (const part of parts.reverse()) await part.stop();
  }
}
