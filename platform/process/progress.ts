/** Is told how far a long task is. */
export interface Progress {
  /** A part begins. `total` of `unit`s are to be done in it, if that is known. */
  begin(task: string, total: number | undefined, unit: string): void;
  /** So many more are done. */
  advance(count: number): void;
  /** The part is over, well or not. */
  end(): void;
}

export const noProgress: Progress = { begin: () => undefined, advance: () => undefined, end: () => undefined };
