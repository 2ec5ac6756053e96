import { Fault } from '../../../../platform/kernel/fault.js';

/**
 * What the account sees.
 * @throws Fault kind `not-found`, reason THREAD_NOT_FOUND: it is not there, or not for this account, which shall not
 * learn the difference
 */
export function orThreadNotFound<T>(seen: T | undefined): T {
  if (seen === undefined) throw new Fault('not-found', 'THREAD_NOT_FOUND', 'thread is not found');
  return seen;
}
