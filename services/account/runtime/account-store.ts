import type { Account, Profile } from '../domain/account.js';
import type { RefreshState } from '../domain/refresh.js';

/** A device on which an account is signed in. Times are epoch milliseconds. */
export interface Device extends RefreshState {
  /** A ULID. */
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly signedInAt: number;
  /** 256 bits by which it is known that a refresh token was once this device's. */
  readonly tokenSecret: string;
  /** The pair of tokens that the good one came in, sealed by the one before. */
  readonly successor: string | undefined;
}

/** What replaces a spent refresh token. */
export interface Rotation {
  readonly tokenHash: string;
  /** As Device's. */
  readonly successor: string;
  readonly rotatedAt: number;
  readonly expiresAt: number;
}

/** An account as the bearer of a token has it, and whether the token's device is still signed in. */
export interface Bearer {
  readonly isAdministrator: boolean;
  /** Undefined when it was not asked for one. */
  readonly isSignedIn: boolean | undefined;
}

/** People whose name or surname begins with the same text. */
export interface FoundPeople {
  readonly total: number;
  readonly accounts: readonly Account[];
}

/** Keeps accounts, and where they are signed in. Each change is made whole or not at all. */
export interface AccountStore {
  /** False: there is an account with the e-mail address. Of several at once one succeeds. */
  insert(account: Account): Promise<boolean>;
  find(id: string): Promise<Account | undefined>;
  findByEmail(key: string): Promise<Account | undefined>;
  /** Those that are there, in the order of the ids. */
  findAll(ids: readonly string[]): Promise<Account[]>;
  /** In the order of ids, those after one, without so many. */
  search(prefix: string, page: { after: string; offset: number; limit: number }): Promise<Account[]>;
  /** How many a search finds, counted up to 100,000. */
  count(prefix: string): Promise<number>;
  updateProfile(id: string, profile: Profile): Promise<void>;
  /** Also signs out all other devices. */
  changePassword(id: string, passwordHash: string, keptDevice: string | undefined): Promise<void>;
  delete(id: string): Promise<void>;
  findBearer(accountId: string, deviceId: string | undefined): Promise<Bearer | undefined>;

  /**
   * Signs out the devices beyond the `most` that were used last.
   * @param passwordHash what the password was checked by. False: it is not the account's any more
   */
  signIn(device: Device, passwordHash: string, most: number): Promise<boolean>;
  findDevice(id: string): Promise<Device | undefined>;
  /** The latest used first. */
  listDevices(accountId: string): Promise<Device[]>;
  /** False: the good token is another one by now. Of several at once one succeeds. */
  rotate(device: Device, rotation: Rotation): Promise<boolean>;
  /** @param deviceId undefined: all of the account's */
  signOut(accountId: string, deviceId: string | undefined): Promise<void>;
}

/** Wrong passwords that are remembered. */
export interface PastAttempts {
  readonly failures: number;
  /** For how long, in milliseconds, nothing more is tried; 0: it may be. */
  readonly blockedForMs: number;
}

/** Counts wrong passwords for an account, or what is none, from a client. */
export interface FailedAttempts {
  of(emailKey: string, client: string): Promise<PastAttempts>;
  add(emailKey: string, client: string): Promise<void>;
  forget(emailKey: string, client: string): Promise<void>;
}

/** Hashes passwords, as many at once as there are cores; clients take turns. */
export interface Passwords {
  /** @throws Fault kind `exhausted`, reason OVERLOADED */
  hash(password: string, client: string): Promise<string>;
  /**
   * Takes as long without a hash, and is false then.
   * @throws Fault kind `exhausted`, reason OVERLOADED
   */
  isRight(password: string, hash: string | undefined, client: string): Promise<boolean>;
}

/** A pair of tokens. Times are epoch milliseconds. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly accessExpiresAt: number;
  readonly refreshExpiresAt: number;
}

/** Makes and reads tokens. */
export interface Tokens {
  /** A pair for a device, and a hash of its refresh token. */
  issue(
    device: Pick<Device, 'id' | 'accountId' | 'tokenSecret'>,
    isAdministrator: boolean,
    now: number,
  ): Promise<{ pair: TokenPair; tokenHash: string }>;
  /** The id of the device whose a refresh token says it is; undefined: it is none. */
  deviceOf(refreshToken: string): string | undefined;
  /** Whether the device was once given it. */
  isOf(refreshToken: string, device: Device): Promise<boolean>;
  hashOf(refreshToken: string): string;
  /** So that only who has the token reads it. */
  seal(pair: TokenPair, refreshToken: string): string;
  unseal(sealed: string, refreshToken: string): TokenPair;
}
