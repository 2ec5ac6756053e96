import { ulid } from 'ulid';
import { Fault } from '../../../platform/kernel/fault.js';
import type { Account, Profile } from '../domain/account.js';
import type { EmailAddress } from '../domain/email-address.js';
import { normalizedPassword } from '../domain/password.js';
import type { AccountStore, Passwords } from './account-store.js';
import type { SignIns } from './sign-in.js';

/** What a new account is made of. */
export interface NewAccount {
  readonly email: EmailAddress;
  readonly password: string;
  readonly profile: Profile;
  /** @default false */
  readonly isAdministrator?: boolean;
}

/** Accounts from their sign-up to their deletion. `client` is whom a call is from, as counts have it. */
export class Accounts {
  constructor(
    private readonly store: AccountStore,
    private readonly passwords: Passwords,
    private readonly signIns: SignIns,
  ) {}

  /**
   * @returns its id
   * @throws Fault reason EMAIL_IN_USE, OVERLOADED
   */
  async signUp({ email, password, profile, isAdministrator = false }: NewAccount, client: string): Promise<string> {
    const passwordHash = await this.passwords.hash(normalizedPassword(password), client);
    const id = ulid();
    const account: Account = { id, email, passwordHash, isAdministrator, createdAt: Date.now(), profile };
    if (await this.store.insert(account)) return id;
    throw new Fault('already-exists', 'EMAIL_IN_USE', 'the e-mail address is in use');
  }

  /** @throws Fault reason ACCOUNT_NOT_FOUND */
  async get(id: string): Promise<Account> {
    const account = await this.store.find(id);
    if (account === undefined) throw accountNotFound();
    return account;
  }

  /** @throws Fault reason ACCOUNT_NOT_FOUND */
  async findId(email: EmailAddress): Promise<string> {
    const account = await this.store.findByEmail(email.key);
    if (account === undefined) throw accountNotFound();
    return account.id;
  }

  /** @returns the account as it is then. @throws Fault reason ACCOUNT_NOT_FOUND */
  async updateProfile(id: string, changes: Partial<Profile>): Promise<Account> {
    const account = await this.get(id);
    const profile = { ...account.profile, ...changes };
    await this.store.updateProfile(id, profile);
    return { ...account, profile };
  }

  /** Signs out all other devices. @throws Fault reason WRONG_PASSWORD, TOO_MANY_ATTEMPTS, OVERLOADED */
  async changePassword(
    id: string,
    { current, next, device }: { current: string; next: string; device: string | undefined },
    client: string,
  ): Promise<void> {
    await this.#checkPassword(id, current, client);
    await this.store.changePassword(id, await this.passwords.hash(normalizedPassword(next), client), device);
  }

  /** @throws Fault reason WRONG_PASSWORD, TOO_MANY_ATTEMPTS, OVERLOADED */
  async delete(id: string, password: string, client: string): Promise<void> {
    await this.#checkPassword(id, password, client);
    await this.store.delete(id);
  }

  async #checkPassword(id: string, password: string, client: string): Promise<void> {
    const account = await this.get(id);
    if (await this.signIns.isRightPassword(account.email.key, account, password, client)) return;
    throw new Fault('permission-denied', 'WRONG_PASSWORD', 'the password is wrong');
  }
}

function accountNotFound(): Fault {
  return new Fault('not-found', 'ACCOUNT_NOT_FOUND', 'there is no such account');
}
