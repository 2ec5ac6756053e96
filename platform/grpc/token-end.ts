import { Fault } from '../kernel/fault.js';
import type { Principal } from '../kernel/principal.js';

/** The longest time that Node's timers know. */
const LONGEST_MS = 2 ** 31 - 1;

/** That a stream ends because its caller's token does: with a new one it can go on. */
export function tokenIsOver(): Fault {
  return new Fault('unauthenticated', 'TOKEN_EXPIRED', 'the token has expired: come back with a new one');
}

/**
 * Calls `end` so long after what proves who calls is over.
 * @returns what has it forgotten
 */
export function whenTokenIsOver({ expiresAt }: Principal, end: () => void, graceMs = 0): () => void {
  if (expiresAt === undefined) return () => undefined;
  const inMs = Math.max(0, expiresAt - Date.now()) + graceMs;
  const timer = setTimeout(end, Math.min(inMs, LONGEST_MS));
  return () => clearTimeout(timer);
}
