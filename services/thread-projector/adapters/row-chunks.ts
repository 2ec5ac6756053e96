/** Rows in one statement: some hundred kilobytes, far below what servers take. */
export const ROWS_IN_STATEMENT = 1_000;

/** Pieces of at most `size`; none for an empty list. */
export function* chunksOf<T>(items: readonly T[], size: number): Iterable<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
