import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { Fault, toError } from '../kernel/fault.js';
import type { Role } from '../kernel/principal.js';
import { SIGNING_ALGORITHM } from './key-ring.js';
import { ACCESS_AUDIENCE, ACCESS_TOKEN_TYPE, DEFAULT_ISSUER, SERVICE_PREFIX } from './token.js';

export interface TokenVerifierOptions {
  /** Where the installation's public keys are. */
  readonly jwksUrl: string;
  /** @default 'threadweaver' */
  readonly issuer?: string;
  /** How often keys are asked for, in milliseconds; they are kept while nobody answers. @default 60000 */
  readonly keysEveryMs?: number;
  /** After a token names a key that is not known, they are asked for at once, but not again for so long. @default 5000 */
  readonly keysCooldownMs?: number;
  /** By how much the clocks of two machines may differ, in milliseconds. @default 5000 */
  readonly clockToleranceMs?: number;
  /** Tokens that are remembered, so that each is checked once: the least recently used are forgotten. @default 10000 */
  readonly maxRemembered?: number;
  /** Is told when keys cannot be had. */
  readonly onTrouble?: (error: Error) => void;
}

/** What a good token says. */
export interface VerifiedToken {
  readonly subject: string;
  readonly roles: readonly Role[];
  /** The id of the device that it is for. @default none: it was not got by signing in */
  readonly session: string | undefined;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
}

/** A longer one is none of ours. */
const MAX_TOKEN_BYTES = 4_096;
const MAX_SUBJECT_LENGTH = 128;

/**
 * Checks access tokens: signature, issuer, audience, type and times. A header says neither by which algorithm nor by whose
 * key (`jku`, `x5u`, `jwk`) a token is checked: only which of the installation's keys it is.
 */
export class TokenVerifier {
  readonly #keys;
  readonly #remembered = new Map<string, VerifiedToken>();
  readonly #options: Required<Omit<TokenVerifierOptions, 'jwksUrl' | 'keysEveryMs' | 'keysCooldownMs'>>;
  readonly #refresh: NodeJS.Timeout;

  constructor({ jwksUrl, keysEveryMs = 60_000, keysCooldownMs = 5_000, ...options }: TokenVerifierOptions) {
    this.#options = {
      issuer: DEFAULT_ISSUER,
      clockToleranceMs: 5_000,
      maxRemembered: 10_000,
      onTrouble: () => undefined,
      ...options,
    };
    // It asks by itself only for keys that it does not know: what it has stays good while the other side is away.
    const keys = createRemoteJWKSet(new URL(jwksUrl), {
      cacheMaxAge: Infinity,
      cooldownDuration: keysCooldownMs,
      timeoutDuration: 2_000,
    });
    this.#keys = keys;
    let known: string | undefined;
    const refresh = async (): Promise<void> => {
      try {
        await keys.reload();
        const present = JSON.stringify(keys.jwks()?.keys.map(({ kid }) => kid));
        // What a key that has retired has signed counts no longer, whoever was seen with it before.
        if (present !== known) this.#remembered.clear();
        known = present;
      } catch (error) {
        this.#options.onTrouble(toError(error));
      }
    };
    this.#refresh = setInterval(() => void refresh(), keysEveryMs).unref();
  }

  /** Asks for keys no more. */
  stop(): void {
    clearInterval(this.#refresh);
  }

  /**
   * @throws Fault (the promise: with) kind `unauthenticated` saying what is wrong with the token; kind `unavailable`,
   *   reason KEYS_UNAVAILABLE, when it cannot be known
   */
  verify(token: string): VerifiedToken | Promise<VerifiedToken> {
    const known = this.#remembered.get(token);
    if (known === undefined) return this.#check(token);
    // The latest used come last.
    this.#remembered.delete(token);
    if (known.expiresAt + this.#options.clockToleranceMs <= Date.now()) throw refusal('TOKEN_EXPIRED', EXPIRED);
    this.#remembered.set(token, known);
    return known;
  }

  async #check(token: string): Promise<VerifiedToken> {
    if (token.length > MAX_TOKEN_BYTES) {
      throw refusal('TOKEN_TOO_LARGE', `the token has more than ${MAX_TOKEN_BYTES} bytes`);
    }
    const { issuer, clockToleranceMs, maxRemembered } = this.#options;
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, this.#keys, {
        algorithms: [SIGNING_ALGORITHM],
        issuer,
        audience: ACCESS_AUDIENCE,
        typ: ACCESS_TOKEN_TYPE,
        requiredClaims: ['sub', 'exp', 'iat', 'jti'],
        clockTolerance: clockToleranceMs / 1_000,
      }));
    } catch (error) {
      throw this.#refusalFor(toError(error));
    }
    const verified = readClaims(payload);
    this.#remembered.set(token, verified);
    if (this.#remembered.size > maxRemembered) {
      const [oldest] = this.#remembered.keys();
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    return verified;
  }

  #refusalFor(error: Error): Fault {
    if (error instanceof errors.JWTExpired) return refusal('TOKEN_EXPIRED', EXPIRED, error);
    if (error instanceof errors.JWTClaimValidationFailed) {
      if (error.claim === 'nbf') return refusal('TOKEN_NOT_YET_VALID', 'the token is not valid yet', error);
      const [reason, what] = wrongClaims[error.claim] ?? ['TOKEN_INVALID', `has no good claim ${error.claim}`];
      return refusal(reason, `the token ${what}`, error);
    }
    if (error instanceof errors.JWKSNoMatchingKey) {
      return refusal('TOKEN_KEY_UNKNOWN', 'the token is signed by a key that is not known here', error);
    }
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      return refusal('TOKEN_SIGNATURE', "the token's signature is wrong", error);
    }
    const isOfKeys = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
    if (error instanceof errors.JOSEError && !isOfKeys && error.code !== 'ERR_JOSE_GENERIC') {
      return refusal('TOKEN_INVALID', 'the token cannot be read', error);
    }
    this.#options.onTrouble(error);
    return new Fault('unavailable', 'KEYS_UNAVAILABLE', 'tokens cannot be checked at the moment, try again', {
      cause: error,
    });
  }
}

const EXPIRED = 'the token has expired';
const wrongClaims: Readonly<Record<string, readonly [reason: string, what: string]>> = {
  iss: ['TOKEN_ISSUER', 'is of another issuer'],
  aud: ['TOKEN_AUDIENCE', 'is not for this'],
  typ: ['TOKEN_TYPE', 'is no access token'],
};

/** That nobody has proved anything. */
export function refusal(reason: string, message: string, cause?: Error): Fault {
  return new Fault('unauthenticated', reason, message, { cause });
}

function readClaims({ sub = '', aud, exp = 0, roles = [], sid }: JWTPayload): VerifiedToken {
  // A token for several purposes would be good for each of them.
  if (aud !== ACCESS_AUDIENCE) throw refusal('TOKEN_AUDIENCE', 'the token is not for this');
  const known = Array.isArray(roles) && roles.every((role) => role === 'administrator' || role === 'service');
  const isService = known && roles.includes('service');
  if (!known || sub === '' || sub.length > MAX_SUBJECT_LENGTH || isService !== sub.startsWith(SERVICE_PREFIX)) {
    throw refusal('TOKEN_INVALID', 'the token names nobody');
  }
  const session = typeof sid === 'string' ? sid : undefined;
  return { subject: sub, roles: roles as Role[], session, expiresAt: exp * 1_000 };
}
