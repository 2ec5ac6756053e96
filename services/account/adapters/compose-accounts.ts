import type { TokenSigner } from '../../../platform/identity/token-signer.js';
import type { Database } from '../../../platform/mysql/database.js';
import type { Logger } from '../../../platform/telemetry/logger.js';
import type { Metrics } from '../../../platform/telemetry/metrics.js';
import { Accounts } from '../runtime/accounts.js';
import { Bearers, type AccessToken } from '../runtime/bearers.js';
import { SignIns } from '../runtime/sign-in.js';
import type { AccountServices } from './account-services.js';
import { accountMetrics } from './account-metrics.js';
import { Argon2Passwords } from './argon2-passwords.js';
import { forgetOldRows } from './forget-old-rows.js';
import { JwtTokens } from './jwt-tokens.js';
import { MySqlAccountStore } from './mysql-account-store.js';
import { MySqlFailedAttempts } from './mysql-failed-attempts.js';
import { MySqlRevocations } from './mysql-revocations.js';

/** As config.ts has them. */
export interface AccountLimits {
  readonly minPasswordLength: number;
  readonly refreshTokenLifeMs: number;
  readonly maxDevicesPerAccount: number;
  readonly maxFailedAttempts: number;
  readonly passwordHashesAtOnce: number;
  readonly passwordHashesWaitingPerClient: number;
  readonly passwordHashesWaiting: number;
}

export interface AccountParts {
  readonly settings: AccountLimits;
  readonly database: Database;
  readonly signer: TokenSigner;
  readonly issuer: string;
  /** @throws Fault kind `unauthenticated` */
  readonly verify: (token: string) => AccessToken | Promise<AccessToken>;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const FORGET_EVERY_MS = 10 * 60_000;

/** Joins what the services stand on. `stop` ends what goes on by itself. */
export function composeAccounts(
  parts: AccountParts,
): AccountServices & { readonly revocations: MySqlRevocations; stop(): void } {
  const { settings, database, signer, issuer, verify, logger, metrics } = parts;
  const store = new MySqlAccountStore(database);
  const passwords = new Argon2Passwords({
    maxRunning: settings.passwordHashesAtOnce,
    maxWaitingPerClient: settings.passwordHashesWaitingPerClient,
    maxWaiting: settings.passwordHashesWaiting,
  });
  const { countReuse } = accountMetrics(metrics, passwords, settings.passwordHashesWaiting);
  const signIns = new SignIns({
    store,
    passwords,
    attempts: new MySqlFailedAttempts(database, { most: settings.maxFailedAttempts }),
    tokens: new JwtTokens({ signer, issuer, refreshLifeMs: settings.refreshTokenLifeMs }),
    maxDevices: settings.maxDevicesPerAccount,
    onReuse({ accountId, id }) {
      countReuse();
      logger.warn(
        { account_id: accountId, device_id: id },
        'a spent refresh token came again: the device is signed out',
      );
    },
  });
  const forgetting = setInterval(() => {
    forgetOldRows(database, Date.now()).catch((error: unknown) => logger.warn({ error }, 'old rows are not deleted'));
  }, FORGET_EVERY_MS).unref();
  return {
    store,
    signIns,
    accounts: new Accounts(store, passwords, signIns),
    bearers: new Bearers(store, verify),
    minPasswordLength: settings.minPasswordLength,
    revocations: new MySqlRevocations(database),
    stop: () => clearInterval(forgetting),
  };
}
