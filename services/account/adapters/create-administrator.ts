import { ulid } from 'ulid';
import { Fault } from '../../../platform/kernel/fault.js';
import { orInvalidRequest, RequestChecks } from '../../../platform/kernel/request-checks.js';
import { Database } from '../../../platform/mysql/database.js';
import type { Account, Profile } from '../domain/account.js';
import { normalizedPassword } from '../domain/password.js';
import { parseEmail, parseNewPassword, parseProfile } from './account-parsing.js';
import { Argon2Passwords } from './argon2-passwords.js';
import { MySqlAccountStore } from './mysql-account-store.js';

/** Where nobody has set another length. */
const MIN_PASSWORD_LENGTH = 15;

/**
 * Makes an account that also looks after the installation, for operators, who reach the database.
 * @returns its id
 * @throws Fault reason EMAIL_IN_USE; InvalidRequest
 */
export async function createAdministrator(
  url: string,
  given: { readonly email: string; readonly name: string; readonly password: string },
): Promise<string> {
  const checks = new RequestChecks();
  const email = parseEmail(checks, 'email', given.email);
  const who = { email, name: given.name, surname: '' };
  const password = parseNewPassword(checks, 'password', given.password, MIN_PASSWORD_LENGTH, who);
  const nothingSaid = { surname: '', birthday: undefined, sex: '', city: '', interests: '' };
  const profile = { ...nothingSaid, ...parseProfile(checks, { name: given.name }, ['name']) } as Profile;
  orInvalidRequest(checks.finish({}));
  const passwords = new Argon2Passwords({ maxRunning: 1, maxWaitingPerClient: 1, maxWaiting: 1 });
  const passwordHash = await passwords.hash(normalizedPassword(password), 'operator');
  const account: Account = { id: ulid(), email, passwordHash, isAdministrator: true, createdAt: Date.now(), profile };
  const database = new Database({ url, maxConnections: 1 });
  try {
    if (await new MySqlAccountStore(database).insert(account)) return account.id;
  } finally {
    await database.close();
  }
  throw new Fault('already-exists', 'EMAIL_IN_USE', 'the e-mail address is in use');
}
