import { createHash } from 'node:crypto';
import type { Database } from '../../../platform/mysql/database.js';
import type { FailedAttempts, PastAttempts } from '../runtime/account-store.js';

export interface FailedAttemptsOptions {
  /** So many wrong passwords, then the client waits. @default 10 */
  readonly most?: number;
  /** For so long after the first, in milliseconds. @default 900000 */
  readonly rememberMs?: number;
}

/**
 * Failed attempts in MySQL, so that another instance, or the same after its restart, counts on. An account is never
 * blocked for all: somebody else could see to that.
 */
export class MySqlFailedAttempts implements FailedAttempts {
  readonly #most: number;
  readonly #rememberMs: number;

  constructor(
    private readonly database: Database,
    { most = 10, rememberMs = 15 * 60_000 }: FailedAttemptsOptions = {},
  ) {
    this.#most = most;
    this.#rememberMs = rememberMs;
  }

  async of(emailKey: string, client: string): Promise<PastAttempts> {
    const [row] = await this.database.rows<{ failures: number; forgottenAt: number }>(
      'SELECT failures, forgotten_at AS forgottenAt FROM failed_attempts WHERE id = ?',
      [idOf(emailKey, client)],
    );
    const { failures = 0, forgottenAt = 0 } = row ?? {};
    return { failures, blockedForMs: failures < this.#most ? 0 : Math.max(0, forgottenAt - Date.now()) };
  }

  async add(emailKey: string, client: string): Promise<void> {
    const now = Date.now();
    const values = [idOf(emailKey, client), now + this.#rememberMs, now, now, now + this.#rememberMs];
    await this.database.transaction((transaction) =>
      transaction.run(
        `INSERT INTO failed_attempts (id, failures, forgotten_at) VALUES (?, 1, ?)
        ON DUPLICATE KEY UPDATE failures = IF(forgotten_at <= ?, 1, failures + 1), forgotten_at = IF(forgotten_at <= ?, ?, forgotten_at)`,
        values,
      ),
    );
  }

  async forget(emailKey: string, client: string): Promise<void> {
    await this.database.transaction((transaction) =>
      transaction.run('DELETE FROM failed_attempts WHERE id = ?', [idOf(emailKey, client)]),
    );
  }
}

function idOf(emailKey: string, client: string): string {
  return createHash('sha256').update(`${emailKey}\n${client}`).digest('base64url');
}
