import { randomBytes } from 'node:crypto';
import { ulid } from 'ulid';
import { Fault } from '../../../platform/kernel/fault.js';
import type { Account } from '../domain/account.js';
import type { EmailAddress } from '../domain/email-address.js';
import { normalizedPassword } from '../domain/password.js';
import { judgeRefresh } from '../domain/refresh.js';
import type { AccountStore, Device, FailedAttempts, Passwords, TokenPair, Tokens } from './account-store.js';

/** What signing in and out stands on. */
export interface SignInParts {
  readonly store: AccountStore;
  readonly passwords: Passwords;
  readonly attempts: FailedAttempts;
  readonly tokens: Tokens;
  /** Of one account; of more, the least recently used is signed out. */
  readonly maxDevices: number;
  /** Is told that a spent refresh token came again, which was signed out for it. */
  readonly onReuse: (device: Device) => void;
}

/** Signing in and staying so: a password gives a pair of tokens, and its refresh token the next pair. */
export class SignIns {
  constructor(private readonly parts: SignInParts) {}

  /**
   * @param client whom the call is from, as counts have it
   * @throws Fault reason WRONG_CREDENTIALS, TOO_MANY_ATTEMPTS or OVERLOADED
   */
  async signIn(
    email: EmailAddress,
    password: string,
    deviceName: string,
    client: string,
  ): Promise<{ accountId: string; tokens: TokenPair }> {
    const { store, tokens, maxDevices } = this.parts;
    const account = await store.findByEmail(email.key);
    const isRight = await this.isRightPassword(email.key, account, password, client);
    if (account === undefined || !isRight) throw wrongCredentials();
    const now = Date.now();
    const fresh = { id: ulid(), accountId: account.id, tokenSecret: randomBytes(32).toString('base64url') };
    const { pair, tokenHash } = await tokens.issue(fresh, account.isAdministrator, now);
    const device: Device = {
      ...fresh,
      name: deviceName,
      signedInAt: now,
      tokenHash,
      previousHash: undefined,
      successor: undefined,
      rotatedAt: now,
      expiresAt: pair.refreshExpiresAt,
    };
    // The password may have been changed, or the account deleted, since it was looked at.
    if (!(await store.signIn(device, account.passwordHash, maxDevices))) throw wrongCredentials();
    return { accountId: account.id, tokens: pair };
  }

  /**
   * The same statements and the same work, whether or not there is an account.
   * @throws Fault reason TOO_MANY_ATTEMPTS or OVERLOADED
   */
  async isRightPassword(
    emailKey: string,
    account: Account | undefined,
    password: string,
    client: string,
  ): Promise<boolean> {
    const { passwords, attempts } = this.parts;
    const { failures, blockedForMs } = await attempts.of(emailKey, client);
    if (blockedForMs > 0) {
      const seconds = Math.ceil(blockedForMs / 1_000);
      const message = `too many wrong passwords from here, try again in ${seconds} s`;
      throw new Fault('exhausted', 'TOO_MANY_ATTEMPTS', message, {
        metadata: { retry_after_seconds: String(seconds) },
      });
    }
    const isRight = await passwords.isRight(normalizedPassword(password), account?.passwordHash, client);
    if (!isRight) await attempts.add(emailKey, client);
    else if (failures > 0) await attempts.forget(emailKey, client);
    return isRight;
  }

  /** @throws Fault reason REFRESH_TOKEN_INVALID or REFRESH_TOKEN_REUSED */
  async refresh(refreshToken: string): Promise<TokenPair> {
    const { store, tokens } = this.parts;
    const deviceId = tokens.deviceOf(refreshToken);
    if (deviceId === undefined) throw invalidRefreshToken();
    const now = Date.now();
    // A second look, if another call has rotated between the first one and the change.
    for (let look = 0; look < 2; look += 1) {
      const device = await store.findDevice(deviceId);
      if (device === undefined || !(await tokens.isOf(refreshToken, device))) throw invalidRefreshToken();
      switch (judgeRefresh(device, tokens.hashOf(refreshToken), now)) {
        case 'rotate': {
          const rotated = await this.#rotate(device, refreshToken, now);
          if (rotated !== undefined) return rotated;
          break;
        }
        case 'repeat':
          return tokens.unseal(device.successor ?? '', refreshToken);
        case 'reused':
          await store.signOut(device.accountId, device.id);
          this.parts.onReuse(device);
          throw new Fault(
            'unauthenticated',
            'REFRESH_TOKEN_REUSED',
            'the refresh token was used before, so its device is signed out',
          );
        case 'expired':
          throw invalidRefreshToken();
      }
    }
    throw new Fault('unavailable', 'REFRESH_CONTENDED', 'the token is being refreshed by others, try again');
  }

  async #rotate(device: Device, refreshToken: string, now: number): Promise<TokenPair | undefined> {
    const { store, tokens } = this.parts;
    const bearer = await store.findBearer(device.accountId, undefined);
    if (bearer === undefined) throw invalidRefreshToken();
    const { pair, tokenHash } = await tokens.issue(device, bearer.isAdministrator, now);
    const successor = tokens.seal(pair, refreshToken);
    const rotation = { tokenHash, successor, rotatedAt: now, expiresAt: pair.refreshExpiresAt };
    return (await store.rotate(device, rotation)) ? pair : undefined;
  }
}

/** The same for an unknown address and a wrong password. */
function wrongCredentials(): Fault {
  return new Fault('unauthenticated', 'WRONG_CREDENTIALS', 'the e-mail address or the password is wrong');
}

function invalidRefreshToken(): Fault {
  return new Fault('unauthenticated', 'REFRESH_TOKEN_INVALID', 'the refresh token is not valid');
}
