/** Where a commit begins that is to be carried out again, and all later ones of its aggregate. */
export interface ReplayFrom {
  readonly aggregateId: string;
  readonly version: number;
}

/** What an operator does to a reaction, running or not. Those that run notice each change by their fence. */
export interface ReactionOperations {
  /** Keeps it from carrying out anything until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Has the dead letters of an aggregate carried out again, by whoever runs the reaction. False when it has none. */
  retry(aggregateId: string): Promise<boolean>;
  /**
   * Takes the first dead letter of an aggregate, or all of them, as carried out; the rest are tried again. False when it
   * has none.
   */
  skip(aggregateId: string, which: 'first' | 'all'): Promise<boolean>;
  /** Has commits carried out again that were before; those that were not stay as they are. @returns how many aggregates go back */
  replay(from: readonly ReplayFrom[]): Promise<number>;
}
