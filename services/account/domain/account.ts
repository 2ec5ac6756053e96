import type { EmailAddress } from './email-address.js';

/** What people say of themselves. What they do not is empty. */
export interface Profile {
  readonly name: string;
  readonly surname: string;
  /** Epoch milliseconds. */
  readonly birthday: number | undefined;
  readonly sex: string;
  readonly city: string;
  readonly interests: string;
}

export interface Account {
  /** A ULID, which is the account id of the thread API. */
  readonly id: string;
  readonly email: EmailAddress;
  /** In the PHC format, which names its own parameters. */
  readonly passwordHash: string;
  readonly isAdministrator: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly profile: Profile;
}
