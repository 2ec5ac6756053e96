import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT, type CryptoKey } from 'jose';
import type { Role } from '../kernel/principal.js';
import { SIGNING_ALGORITHM, signingKey, type KeyRing, type RingKey } from './key-ring.js';
import { ACCESS_AUDIENCE, ACCESS_TOKEN_LIFE_MS, ACCESS_TOKEN_TYPE, DEFAULT_ISSUER } from './token.js';

export interface TokenSignerOptions {
  /** The ring as it is at the moment. */
  readonly keys: () => KeyRing;
  /** @default 'threadweaver' */
  readonly issuer?: string;
}

/** What a token says. */
export interface TokenClaims {
  /** The id of an account, or `service:` and a service's name. */
  readonly subject: string;
  /** @default none: an account */
  readonly roles?: readonly Role[];
  /** The id of the device that it is for, by which it is known to be signed out. @default none */
  readonly session?: string | undefined;
  /** @default access */
  readonly audience?: string;
  /** The type in its header. @default that of access tokens */
  readonly type?: string;
  /** How long it counts, in milliseconds. @default 300000 */
  readonly lifeMs?: number;
  /** Its id. @default a random one */
  readonly id?: string;
}

/** Signs tokens by the key of the hour. */
export class TokenSigner {
  // Of a ring's few keys, each is imported once.
  readonly #imported = new WeakMap<RingKey, Promise<CryptoKey>>();

  constructor(private readonly options: TokenSignerOptions) {}

  /** @throws Fault reason NO_SIGNING_KEY */
  async sign({
    subject,
    roles = [],
    session,
    audience = ACCESS_AUDIENCE,
    type = ACCESS_TOKEN_TYPE,
    lifeMs = ACCESS_TOKEN_LIFE_MS,
    id = randomUUID(),
  }: TokenClaims): Promise<string> {
    const now = Date.now();
    const key = signingKey(this.options.keys(), now);
    const seconds = Math.floor(now / 1_000);
    return new SignJWT({ roles: [...roles], ...(session !== undefined && { sid: session }) })
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: key.id, typ: type })
      .setIssuer(this.options.issuer ?? DEFAULT_ISSUER)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + Math.ceil(lifeMs / 1_000))
      .setJti(id)
      .sign(await this.#privateKey(key));
  }

  #privateKey(key: RingKey): Promise<CryptoKey> {
    let imported = this.#imported.get(key);
    if (imported === undefined) {
      imported = importJWK(key.jwk, SIGNING_ALGORITHM) as Promise<CryptoKey>;
      this.#imported.set(key, imported);
    }
    return imported;
  }
}
