import type { Metrics } from '../../../platform/telemetry/metrics.js';
import type { Argon2Passwords } from './argon2-passwords.js';

/** What is measured besides calls. */
export function accountMetrics(
  metrics: Metrics,
  passwords: Argon2Passwords,
  maxWaiting: number,
): { readonly countReuse: () => void } {
  let reuses = 0;
  metrics.gauge('threadweaver_password_hashes_waiting', 'Passwords that wait to be hashed.', () => passwords.waiting);
  metrics.gauge(
    'threadweaver_password_hashes_waiting_limit',
    'PASSWORD_HASHES_WAITING: so many may wait; more are refused.',
    () => maxWaiting,
  );
  metrics.counterOf(
    'threadweaver_refresh_tokens_reused_total',
    'Spent refresh tokens that came again, so that a device was signed out.',
    () => reuses,
  );
  return { countReuse: () => void (reuses += 1) };
}
