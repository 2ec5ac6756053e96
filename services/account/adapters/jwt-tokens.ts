import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose';
import { ACCESS_TOKEN_LIFE_MS, REFRESH_AUDIENCE } from '../../../platform/identity/token.js';
import type { TokenSigner } from '../../../platform/identity/token-signer.js';
import { parseUlid } from '../../../platform/kernel/ulid.js';
import type { Device, TokenPair, Tokens } from '../runtime/account-store.js';

export interface JwtTokensOptions {
  readonly signer: TokenSigner;
  readonly issuer: string;
  /** How long a refresh token counts that nobody uses, in milliseconds. */
  readonly refreshLifeMs: number;
}

/** A longer one is none of ours. */
const MAX_REFRESH_TOKEN_LENGTH = 1_024;
const REFRESH_TOKEN_TYPE = 'rt+jwt';
const ALGORITHM = 'HS256';
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Access tokens by the installation's keys. Refresh tokens are for nobody but us: JWTs under a secret of their device's own,
 * so that a spent one can be told from a made-up one for as long as the device is signed in, with nothing kept of it. What
 * makes one good is that the device's row has its hash.
 */
export class JwtTokens implements Tokens {
  constructor(private readonly options: JwtTokensOptions) {}

  async issue(
    { id, accountId, tokenSecret }: Pick<Device, 'id' | 'accountId' | 'tokenSecret'>,
    isAdministrator: boolean,
    now: number,
  ): Promise<{ pair: TokenPair; tokenHash: string }> {
    const { signer, issuer, refreshLifeMs } = this.options;
    const refreshExpiresAt = now + refreshLifeMs;
    const roles = isAdministrator ? (['administrator'] as const) : [];
    const accessToken = await signer.sign({ subject: accountId, roles, session: id });
    const refreshToken = await new SignJWT({ sid: id })
      .setProtectedHeader({ alg: ALGORITHM, typ: REFRESH_TOKEN_TYPE })
      .setIssuer(issuer)
      .setSubject(accountId)
      .setAudience(REFRESH_AUDIENCE)
      .setIssuedAt(Math.floor(now / 1_000))
      .setExpirationTime(Math.floor(refreshExpiresAt / 1_000))
      .setJti(randomBytes(32).toString('base64url'))
      .sign(Buffer.from(tokenSecret, 'base64url'));
    // By the second in which it was signed.
    const accessExpiresAt = Math.floor(now / 1_000) * 1_000 + ACCESS_TOKEN_LIFE_MS;
    const pair = { accessToken, refreshToken, accessExpiresAt, refreshExpiresAt };
    return { pair, tokenHash: this.hashOf(refreshToken) };
  }

  deviceOf(refreshToken: string): string | undefined {
    if (refreshToken.length > MAX_REFRESH_TOKEN_LENGTH) return undefined;
    try {
      const { sid } = decodeJwt(refreshToken);
      const id = parseUlid(typeof sid === 'string' ? sid : '');
      return id.ok ? id.value : undefined;
    } catch {
      return undefined;
    }
  }

  async isOf(refreshToken: string, { tokenSecret }: Device): Promise<boolean> {
    try {
      await jwtVerify(refreshToken, Buffer.from(tokenSecret, 'base64url'), {
        algorithms: [ALGORITHM],
        typ: REFRESH_TOKEN_TYPE,
        issuer: this.options.issuer,
        audience: REFRESH_AUDIENCE,
      });
      return true;
    } catch (error) {
      if (error instanceof errors.JOSEError) return false;
      throw error;
    }
  }

  hashOf(refreshToken: string): string {
    return createHash('sha256').update(refreshToken).digest('base64url');
  }

  seal(pair: TokenPair, refreshToken: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, sealingKey(refreshToken), nonce);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(pair)), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  unseal(sealed: string, refreshToken: string): TokenPair {
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv(CIPHER, sealingKey(refreshToken), bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString()) as TokenPair;
  }
}

/** From the token's 256 random bits, which are nowhere kept. */
function sealingKey(refreshToken: string): Buffer {
  return Buffer.from(hkdfSync('sha256', refreshToken, '', 'threadweaver successor of a refresh token', 32));
}
