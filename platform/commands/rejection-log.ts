/** That one command was rejected, in a form that means nothing on the way. */
export interface LoggedRejection {
  readonly partition: number;
  /** Of the command, the same for all attempts at it. */
  readonly key: string;
  readonly rejection: Uint8Array;
}

/**
 * What owners of partitions have rejected lately, for those who own them next. It is short: entries go after a time, the
 * oldest sooner when there are too many, and all may go with the broker.
 */
export interface RejectionLog {
  /**
   * Settles when every later `read` sees it, by whichever instance. A later one of the same key replaces it.
   * @throws Error it may not be there
   */
  write(rejection: LoggedRejection): Promise<void>;
  /**
   * Those of these partitions, in the order of writing.
   * @throws Error they cannot all be read
   */
  read(partitions: ReadonlySet<number>): Promise<LoggedRejection[]>;
}
