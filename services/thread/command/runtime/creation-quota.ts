/** A place in an account's quota that a call has taken. */
export interface Place {
  readonly sequence: number;
  /** Just this call has taken it, and may give it back. */
  readonly isReturnable: boolean;
}

/** Bounds how many threads an account creates, in all instances together. */
export interface CreationQuota {
  /** So many threads may an account create. */
  readonly limit: number;
  /**
   * Takes a place for a thread that the account wants to create; again for the same thread, it is the same place.
   * @returns undefined when the account has no place left
   * @throws JournalUnavailable no answer; perhaps it was taken
   */
  take(accountId: string, threadId: string): Promise<Place | undefined>;
  /**
   * Gives back a place of a thread that was not created.
   * @throws JournalUnavailable no answer; perhaps it was given back
   */
  giveBack(place: Place): Promise<void>;
}
