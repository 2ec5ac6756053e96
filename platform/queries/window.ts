/** A place in a list: the number that the list is ordered by, and an id where numbers may be equal. */
export interface Cursor {
  readonly position: number;
  /** Empty where the position alone is unique. */
  readonly id: string;
}

/** Which part of a list is wanted: what follows a place, or after so many entries. */
export interface Window {
  /** @default from the start */
  readonly after?: Cursor | undefined;
  /** So many entries are left out. @default 0 */
  readonly offset?: number;
  readonly limit: number;
}

/** An entry of a list and its place. */
export interface Listed<T> {
  readonly value: T;
  readonly cursor: Cursor;
}
