import type {
  Account as AccountMessage,
  Person,
  Tokens,
} from '../../../gen/threadweaver/account/v1/account_service.js';
import type { Account } from '../domain/account.js';
import { birthdayText } from '../domain/birthday.js';
import type { TokenPair } from '../runtime/account-store.js';

export function tokensMessage({ accessToken, refreshToken, accessExpiresAt, refreshExpiresAt }: TokenPair): Tokens {
  return {
    accessToken,
    refreshToken,
    accessExpireTime: new Date(accessExpiresAt),
    refreshExpireTime: new Date(refreshExpiresAt),
  };
}

export function accountMessage(account: Account): AccountMessage {
  const { email, isAdministrator, createdAt } = account;
  return { email: email.shown, person: personMessage(account), isAdministrator, createTime: new Date(createdAt) };
}

export function personMessage({ id, profile: { birthday, ...texts } }: Account): Person {
  return { accountId: id, ...texts, birthday: birthday === undefined ? '' : birthdayText(birthday) };
}
