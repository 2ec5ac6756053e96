/** For so long, in milliseconds, a spent token gives the same new pair again: the answer may have been lost. */
export const REPEAT_WITHIN_MS = 10_000;

/** What is known of a device's refresh tokens: hashes, never a token itself. Times are epoch milliseconds. */
export interface RefreshState {
  /** Of the token that is good now. */
  readonly tokenHash: string;
  /** Of the token that it has replaced. */
  readonly previousHash: string | undefined;
  /** When it has replaced that. */
  readonly rotatedAt: number;
  readonly expiresAt: number;
}

/**
 * - `rotate`: it is the good one
 * - `repeat`: it was spent a moment ago, and nobody has used what came instead
 * - `reused`: it was spent, so two have it, one of them a thief
 * - `expired`: its time was over before anybody used it
 */
export type RefreshVerdict = 'rotate' | 'repeat' | 'reused' | 'expired';

/** Judges a token that the device was once given. */
export function judgeRefresh(state: RefreshState, presentedHash: string, now: number): RefreshVerdict {
  const { tokenHash, previousHash, rotatedAt, expiresAt } = state;
  if (expiresAt <= now) return 'expired';
  if (presentedHash === tokenHash) return 'rotate';
  // Had its successor been used, it would no longer be the previous one.
  if (presentedHash === previousHash && now - rotatedAt <= REPEAT_WITHIN_MS) return 'repeat';
  return 'reused';
}
