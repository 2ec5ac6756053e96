import type { Database } from '../../../platform/mysql/database.js';

const HOUR_MS = 60 * 60_000;
const ROWS_AT_ONCE = 1_000;

/** Deletes what counts no more: devices whose tokens are over, revocations that everybody has heard of, old attempts. */
export async function forgetOldRows(database: Database, now: number): Promise<void> {
  for (const [table, column, before] of [
    ['devices', 'expires_at', now],
    ['revocations', 'revoked_at', now - HOUR_MS],
    ['failed_attempts', 'forgotten_at', now],
  ] as const) {
    for (let deleted = ROWS_AT_ONCE; deleted === ROWS_AT_ONCE;) {
      deleted = await database.transaction((transaction) =>
        transaction.run(`DELETE FROM ${table} WHERE ${column} < ? LIMIT ${ROWS_AT_ONCE}`, [before]),
      );
    }
  }
}
