import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JWK } from 'jose';
import { type KeyRing, publicKeys, SIGNING_ALGORITHM, signingKey } from '../../platform/identity/key-ring.js';
import { ACCESS_AUDIENCE, ACCESS_TOKEN_TYPE, DEFAULT_ISSUER, REFRESH_AUDIENCE } from '../../platform/identity/token.js';

type Json = Readonly<Record<string, unknown>>;

const base64 = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Tokens for an account that nobody may take, by what is wrong with them: forged ones, and ones that the installation's
 * own key has signed though they say something else.
 */
export async function forgedTokens(ring: KeyRing, account: string): Promise<Readonly<Record<string, string>>> {
  const now = Math.floor(Date.now() / 1_000);
  const own = signingKey(ring, Date.now());
  const ownKey = (await importJWK(own.jwk, SIGNING_ALGORITHM)) as CryptoKey;
  const publicKey = publicKeys(ring, Date.now()).keys.find(({ kid }) => kid === own.id) as JWK;
  const stranger = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const strangerKey = { ...(await exportJWK(stranger.publicKey)), kid: 'stranger', alg: SIGNING_ALGORITHM };

  const header = { alg: SIGNING_ALGORITHM, kid: own.id, typ: ACCESS_TOKEN_TYPE };
  const claims = {
    ...{ iss: DEFAULT_ISSUER, aud: ACCESS_AUDIENCE, sub: account, iat: now, exp: now + 300 },
    ...{ jti: 'forged', roles: [] as string[] },
  };
  const sign = (key: CryptoKey, more: Json = {}, said: Json = {}): Promise<string> =>
    new SignJWT({ ...claims, ...said }).setProtectedHeader({ ...header, ...more }).sign(key);
  const unsigned = (more: Json, signature: string): string =>
    `${base64({ ...header, ...more })}.${base64(claims)}.${signature}`;
  const hmac = (secret: string): string => {
    const text = `${base64({ ...header, alg: 'HS256' })}.${base64(claims)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const byStranger = (more: Json = {}, said: Json = {}): Promise<string> => sign(stranger.privateKey, more, said);
  const [goodHeader = '', , goodSignature = ''] = (await sign(ownKey)).split('.');

  return {
    'alg none': unsigned({ alg: 'none' }, ''),
    'alg None, with a signature': unsigned({ alg: 'None' }, goodSignature),
    'alg HS256, by the public key as the secret': hmac(JSON.stringify(publicKey)),
    'alg HS256, by its coordinate': hmac(String(publicKey.x)),
    'alg RS256, of a key that is none': unsigned({ alg: 'RS256' }, goodSignature),
    'alg as a list': unsigned({ alg: [SIGNING_ALGORITHM] }, goodSignature),
    'a signature of zeros': unsigned({}, Buffer.alloc(64).toString('base64url')),
    'no signature': unsigned({}, ''),
    'another payload': `${goodHeader}.${base64({ ...claims, roles: ['administrator'] })}.${goodSignature}`,
    "a stranger's key under our name": await byStranger(),
    'a stranger’s key, which it brings': await byStranger({ kid: 'stranger', jwk: strangerKey }),
    'a key that is elsewhere': await byStranger({ kid: 'stranger', jku: 'http://127.0.0.1:1/keys', x5u: 'file:///x' }),
    'kid: a path': await byStranger({ kid: '../../../../dev/null' }),
    'kid: SQL': await byStranger({ kid: "' OR '1'='1" }),
    'kid: nothing': await byStranger({ kid: '' }),
    'kid: a name of objects': await byStranger({ kid: '__proto__' }),
    'kid: long': await byStranger({ kid: 'k'.repeat(10_000) }),
    'kid: a number': unsigned({ kid: 7 }, goodSignature),
    'a header that must be understood': unsigned({ crit: ['b64'], b64: false }, goodSignature),
    'huge claims': await byStranger({}, { more: 'x'.repeat(15_000) }),
    'huge claims of our own': await sign(ownKey, {}, { more: 'x'.repeat(5_000) }),
    'claims nested deeply': `${base64(header)}.${Buffer.from('['.repeat(6_000)).toString('base64url')}.${goodSignature}`,
    'no end': await sign(ownKey, {}, { exp: undefined }),
    expired: await sign(ownKey, {}, { iat: now - 900, exp: now - 600 }),
    'not valid yet': await sign(ownKey, {}, { nbf: now + 600 }),
    'another issuer': await sign(ownKey, {}, { iss: 'elsewhere' }),
    'for refreshing': await sign(ownKey, {}, { aud: REFRESH_AUDIENCE }),
    'of another type': await sign(ownKey, { typ: 'JWT' }),
    'nobody in particular': await sign(ownKey, {}, { sub: undefined }),
    'a very long name': await sign(ownKey, {}, { sub: 's'.repeat(1_000) }),
  };
}
