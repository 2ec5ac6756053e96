import { Fault } from '../../../platform/kernel/fault.js';
import { parseUlid } from '../../../platform/kernel/ulid.js';
import type { AccountStore } from './account-store.js';

/** What a good access token says. */
export interface AccessToken {
  readonly subject: string;
  readonly roles: readonly string[];
  readonly session: string | undefined;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** An account, by a token of its own that counts at this moment. */
export interface SignedIn {
  readonly accountId: string;
  /** Undefined: the token was not got by signing in. */
  readonly deviceId: string | undefined;
  readonly isAdministrator: boolean;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

const EDGE = 'service:edge';

/** Says whose an access token is, and that nobody has signed it out. */
export class Bearers {
  /** @param verify throws Fault kind `unauthenticated` saying what is wrong with a token */
  constructor(
    private readonly store: AccountStore,
    private readonly verify: (token: string) => AccessToken | Promise<AccessToken>,
  ) {}

  /**
   * The account that a call is from.
   * @param authorization the header: a token, with or without `Bearer` before it
   * @throws Fault kind `unauthenticated` there is none, or it does not count (any more)
   */
  async signedIn(authorization: string | undefined): Promise<SignedIn> {
    return this.#signedIn(await this.verify(tokenIn(authorization)));
  }

  async #signedIn({ subject, session, expiresAt }: AccessToken): Promise<SignedIn> {
    const accountId = parseUlid(subject);
    if (!accountId.ok) throw new Fault('unauthenticated', 'TOKEN_NOT_OF_ACCOUNT', 'the token is not of an account');
    const bearer = await this.store.findBearer(accountId.value, session);
    if (bearer === undefined)
      throw new Fault('unauthenticated', 'ACCOUNT_DELETED', 'the account is not there any more');
    if (bearer.isSignedIn === false) throw new Fault('unauthenticated', 'SIGNED_OUT', 'the device is signed out');
    return { accountId: accountId.value, deviceId: session, isAdministrator: bearer.isAdministrator, expiresAt };
  }

  /** As `signedIn`, but a service may call as well; not the edge, which speaks for clients that have proved nothing. */
  async known(authorization: string | undefined): Promise<void> {
    const token = await this.verify(tokenIn(authorization));
    if (!token.roles.includes('service') || token.subject === EDGE) await this.#signedIn(token);
  }
}

function tokenIn(authorization: string | undefined): string {
  const token = authorization?.replace(/^Bearer +/i, '').trim() ?? '';
  if (token === '') throw new Fault('unauthenticated', 'TOKEN_MISSING', 'authorization: an access token is required');
  return token;
}
