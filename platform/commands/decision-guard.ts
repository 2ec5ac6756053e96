/**
 * By what right an instance decides a command that others may have copies of. It holds the promise that a command which
 * was rejected is not applied, whichever of its copies and attempts.
 */
export interface DecisionGuard<Rejection> {
  /** False once another instance may decide: then the command is not decided here, and no rejection of it is told. */
  isValid(): boolean;
  /** How an attempt at the command was rejected, here or by an earlier owner; undefined when none is known of. */
  earlierRejection(): Rejection | undefined;
  /**
   * Settles when whoever decides next will know of the rejection. Only then may it be told.
   * @throws Error it may not be known
   */
  keepRejection(rejection: Rejection): Promise<void>;
}
