/** Rows in one statement: some hundred kilobytes, far below what servers take. */
export const ROWS_IN_STATEMENT = 1_000;

/** Pieces of at most `size`; none for an empty list. */
export function* chunksOf<T>(items: readonly T[], size: number): Iterable<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** A value of a row that a statement brings along, in the form of the columns that hold ids: so that their index serves. */
export function asUlid(value: string): string {
  return `CONVERT(${value} USING ascii) COLLATE ascii_bin`;
}
