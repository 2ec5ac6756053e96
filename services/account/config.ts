import { availableParallelism } from 'node:os';
import { accountMysqlUrl, databaseSettings } from '../../platform/composition/backend-settings.js';
import { jwksSettings, signerSettings } from '../../platform/composition/identity-settings.js';
import { serverSettings } from '../../platform/composition/server-settings.js';
import { integer } from '../../platform/process/settings.js';

const accountsSettings = {
  accountMysqlUrl,
  minPasswordLength: integer(
    'PASSWORD_MIN_CHARACTERS',
    { default: 15, minimum: 8, maximum: 64 },
    'of a new password in the new API; NIST 800-63B-4 has 15 where a password is all that is asked for',
  ),
  refreshTokenLifeMs: days(
    'REFRESH_TOKEN_LIFE_DAYS',
    30,
    'a device that has not got new tokens for so long is signed out',
  ),
  maxDevicesPerAccount: integer(
    'MAX_DEVICES_PER_ACCOUNT',
    { default: 100, minimum: 1, maximum: 1_000 },
    'of more, the least recently used is signed out',
  ),
  maxFailedAttempts: integer(
    'MAX_FAILED_ATTEMPTS',
    { default: 10, minimum: 1 },
    'wrong passwords for one account from one address within 15 minutes; more are RESOURCE_EXHAUSTED (TOO_MANY_ATTEMPTS)',
  ),
  passwordHashesAtOnce: integer(
    'PASSWORD_HASHES_AT_ONCE',
    { default: availableParallelism(), minimum: 1, maximum: 1_024, shown: 'the cores of the machine' },
    'each takes a core for some 20 ms, and 19 MiB',
  ),
  passwordHashesWaitingPerClient: integer(
    'PASSWORD_HASHES_WAITING_PER_CLIENT',
    { default: 64, minimum: 1 },
    'so many passwords of one client may wait to be hashed; more are RESOURCE_EXHAUSTED (OVERLOADED)',
  ),
  passwordHashesWaiting: integer(
    'PASSWORD_HASHES_WAITING',
    { default: 256, minimum: 1 },
    'so many in all; of more, the latest of whoever has most waiting is refused',
  ),
};

/** Settings of account. */
export const accountSettings = {
  ...serverSettings(50_055),
  ...databaseSettings,
  ...signerSettings,
  ...jwksSettings(50_056),
  ...accountsSettings,
};

function days(name: string, byDefault: number, meaning: string) {
  const setting = integer(name, { default: byDefault, minimum: 1, maximum: 3_650 }, meaning);
  return {
    ...setting,
    read: (variables: Parameters<typeof setting.read>[0]) => setting.read(variables) * 24 * 60 * 60_000,
  };
}
