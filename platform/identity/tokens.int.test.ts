import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, SignJWT, UnsecuredJWT, type CryptoKey, type JWTHeaderParameters } from 'jose';
import { Fault } from '../kernel/fault.js';
import { serveJwks } from './jwks-server.js';
import type { HttpEndpoint } from '../process/http-endpoint.js';
import { ensureKeyRing, followKeyRing, readKeyRing, rotateKeys } from './key-ring-file.js';
import { newKeyRing, signingKey, type KeyRing } from './key-ring.js';
import { REFRESH_AUDIENCE } from './token.js';
import { TokenSigner } from './token-signer.js';
import { TokenVerifier, type TokenVerifierOptions } from './token-verifier.js';

const ACCOUNT = '01DB5QXD4NP0XQTV92K42B3XBF';

describe('Tokens', () => {
  let ring: KeyRing;
  let jwks: HttpEndpoint;
  let signer: TokenSigner;
  const verifiers: TokenVerifier[] = [];

  const verifierWith = (options: Partial<TokenVerifierOptions> = {}): TokenVerifier => {
    const verifier = new TokenVerifier({ jwksUrl: `http://127.0.0.1:${jwks.port}/.well-known/jwks.json`, ...options });
    verifiers.push(verifier);
    return verifier;
  };
  const reasonOf = async (verifier: TokenVerifier, token: string): Promise<string> => {
    try {
      await verifier.verify(token);
      return 'none';
    } catch (error) {
      assert.ok(error instanceof Fault);
      return `${error.kind} ${error.reason}`;
    }
  };

  before(async () => {
    ring = await newKeyRing(Date.now());
    jwks = await serveJwks({ host: '127.0.0.1', port: 0, keys: () => ring });
    signer = new TokenSigner({ keys: () => ring });
  });

  after(async () => {
    for (const verifier of verifiers) verifier.stop();
    await jwks.close();
  });

  it('say who calls, and what else they may', async () => {
    const verifier = verifierWith();
    const token = await signer.sign({ subject: ACCOUNT, roles: ['administrator'] });
    const { subject, roles, expiresAt } = await verifier.verify(token);
    assert.deepEqual([subject, roles], [ACCOUNT, ['administrator']]);
    assert.ok(expiresAt > Date.now() && expiresAt <= Date.now() + 301_000);
    assert.ok(!(verifier.verify(token) instanceof Promise), 'a known one is not checked again');
    const service = await verifier.verify(await signer.sign({ subject: 'service:messenger', roles: ['service'] }));
    assert.deepEqual(service.roles, ['service']);
  });

  describe('are refused, and why:', () => {
    const seconds = (fromNow: number): number => Math.floor(Date.now() / 1_000) + fromNow;
    const claimsNow = () => ({
      ...{ iss: 'threadweaver', sub: ACCOUNT, aud: 'threadweaver', jti: 'x' },
      ...{ iat: seconds(0), exp: seconds(300) },
    });
    const forge = async (
      header: object,
      payload: object,
      key?: CryptoKey | KeyObject | Uint8Array,
    ): Promise<string> => {
      const signing = signingKey(ring, Date.now());
      const whole = { alg: 'ES256', kid: signing.id, typ: 'at+jwt', ...header } as JWTHeaderParameters;
      return new SignJWT({ ...claimsNow(), ...payload })
        .setProtectedHeader(whole)
        .sign(key ?? signing.jwk, { crit: { more: true } });
    };
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const hostile: [what: string, token: () => Promise<string>, reason: string][] = [
      ['an empty one', () => Promise.resolve(''), 'TOKEN_INVALID'],
      ['no token at all', () => Promise.resolve('a.b.c'), 'TOKEN_INVALID'],
      [
        'JSON that is none',
        () => Promise.resolve(`${Buffer.from('{"alg"').toString('base64url')}.e30.e30`),
        'TOKEN_INVALID',
      ],
      ['over', () => forge({}, { exp: seconds(-10) }), 'TOKEN_EXPIRED'],
      ['not valid yet', () => forge({}, { nbf: seconds(60) }), 'TOKEN_NOT_YET_VALID'],
      ['of another issuer', () => forge({}, { iss: 'https://elsewhere' }), 'TOKEN_ISSUER'],
      ['of no issuer', () => forge({}, { iss: undefined }), 'TOKEN_ISSUER'],
      ['for refreshing', () => signer.sign({ subject: ACCOUNT, audience: REFRESH_AUDIENCE }), 'TOKEN_AUDIENCE'],
      ['for both', () => forge({}, { aud: ['threadweaver', REFRESH_AUDIENCE] }), 'TOKEN_AUDIENCE'],
      ['of another type', () => forge({ typ: 'JWT' }, {}), 'TOKEN_TYPE'],
      ['of no type', () => forge({ typ: undefined }, {}), 'TOKEN_TYPE'],
      ['without an end', () => forge({}, { exp: undefined }), 'TOKEN_INVALID'],
      ['with an end that is no number', () => forge({}, { exp: 'never' }), 'TOKEN_INVALID'],
      ['without a subject', () => forge({}, { sub: undefined }), 'TOKEN_INVALID'],
      ['of a huge subject', () => forge({}, { sub: 'x'.repeat(1_000) }), 'TOKEN_INVALID'],
      ['of a role that there is not', () => forge({}, { roles: ['root'] }), 'TOKEN_INVALID'],
      ['with roles that are no list', () => forge({}, { roles: 'service' }), 'TOKEN_INVALID'],
      ['of a service that is none', () => forge({}, { roles: ['service'] }), 'TOKEN_INVALID'],
      ['of an account that is called a service', () => forge({}, { sub: 'service:x' }), 'TOKEN_INVALID'],
      ['signed by somebody else', () => forge({}, {}, other.privateKey), 'TOKEN_SIGNATURE'],
      ['of a key that there is not', () => forge({ kid: 'nobody' }, {}, other.privateKey), 'TOKEN_KEY_UNKNOWN'],
      ['whose key is a path', () => forge({ kid: '../../../dev/null' }, {}, other.privateKey), 'TOKEN_KEY_UNKNOWN'],
      ['that wants an extension', () => forge({ crit: ['more'], more: 1 }, {}), 'TOKEN_INVALID'],
      ['by no algorithm', () => Promise.resolve(new UnsecuredJWT(claimsNow()).encode()), 'TOKEN_INVALID'],
      [
        'by a secret that is the public key',
        async () => {
          const { d: _, ...half } = signingKey(ring, Date.now()).jwk;
          const text = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
          const head = `${text({ alg: 'HS256', kid: signingKey(ring, Date.now()).id, typ: 'at+jwt' })}.${text(claimsNow())}`;
          return `${head}.${createHmac('sha256', JSON.stringify(half)).update(head).digest('base64url')}`;
        },
        'TOKEN_INVALID',
      ],
      [
        'that brings its own key',
        async () => forge({ jwk: await exportJWK(other.publicKey) }, {}, other.privateKey),
        'TOKEN_SIGNATURE',
      ],
      ['with huge claims', () => forge({}, { more: 'x'.repeat(100_000) }), 'TOKEN_TOO_LARGE'],
      ['deep within', () => Promise.resolve(`${'['.repeat(4_000)}.e30.e30`), 'TOKEN_INVALID'],
    ];
    for (const [what, token, reason] of hostile) {
      it(what, async () => {
        assert.equal(await reasonOf(verifierWith(), await token()), `unauthenticated ${reason}`);
      });
    }

    it('no header makes it ask elsewhere for a key', async () => {
      let asked = 0;
      const elsewhere: Server = createServer((_request, response) => {
        asked += 1;
        void exportJWK(other.publicKey).then((key) =>
          response.end(JSON.stringify({ keys: [{ ...key, kid: 'theirs' }] })),
        );
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => elsewhere.once('listening', resolve));
      const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/keys`;
      const token = await forge({ kid: 'theirs', jku: url, x5u: url }, {}, other.privateKey);
      assert.equal(await reasonOf(verifierWith(), token), 'unauthenticated TOKEN_KEY_UNKNOWN');
      assert.equal(asked, 0);
      elsewhere.close();
    });
  });

  it('are over for those who know them, too', async () => {
    const verifier = verifierWith({ clockToleranceMs: 0 });
    const token = await signer.sign({ subject: ACCOUNT, lifeMs: 1_000 });
    const { expiresAt } = await verifier.verify(token);
    await new Promise((resolve) => setTimeout(resolve, expiresAt - Date.now() + 5));
    assert.equal(await reasonOf(verifier, token), 'unauthenticated TOKEN_EXPIRED');
  });

  it('are remembered in a bounded number', async () => {
    const verifier = verifierWith({ maxRemembered: 2 });
    const tokens = await Promise.all([1, 2, 3].map(() => signer.sign({ subject: ACCOUNT })));
    for (const token of tokens) await verifier.verify(token);
    assert.deepEqual(
      tokens.map((token) => verifier.verify(token) instanceof Promise),
      [true, false, false],
    );
  });

  it('cannot be checked while nobody has the keys, which is no fault of theirs, and can be as long as they are known', async () => {
    const own = await serveJwks({ host: '127.0.0.1', port: 0, keys: () => ring });
    const troubles: Error[] = [];
    const jwksUrl = `http://127.0.0.1:${own.port}/.well-known/jwks.json`;
    const knows = verifierWith({ jwksUrl, keysEveryMs: 50, onTrouble: (error) => troubles.push(error) });
    await knows.verify(await signer.sign({ subject: ACCOUNT }));
    await own.close();
    assert.equal(
      await reasonOf(verifierWith({ jwksUrl }), await signer.sign({ subject: ACCOUNT })),
      'unavailable KEYS_UNAVAILABLE',
    );
    while (troubles.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(await reasonOf(knows, await signer.sign({ subject: ACCOUNT })), 'none');
  });

  it('of a key that is new are good at once: keys are asked for when one is not known', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'threadweaver-keys-'));
    const path = join(folder, 'keys.json');
    await ensureKeyRing(path);
    const followed = followKeyRing(path, assert.fail);
    const own = await serveJwks({ host: '127.0.0.1', port: 0, keys: () => readKeyRing(path) });
    const jwksUrl = `http://127.0.0.1:${own.port}/.well-known/jwks.json`;
    const verifier = verifierWith({ jwksUrl, keysEveryMs: 1e6, keysCooldownMs: 1 });
    const ofFile = new TokenSigner({ keys: () => followed.value });
    try {
      await verifier.verify(await ofFile.sign({ subject: ACCOUNT }));
      const { keys } = await rotateKeys(path, { publishAheadMs: 0, tokenLifeMs: 60_000 });
      assert.equal(keys.length, 2);
      while (followed.value.keys.length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(await reasonOf(verifier, await ofFile.sign({ subject: ACCOUNT })), 'none');
    } finally {
      followed.close();
      await own.close();
      rmSync(folder, { recursive: true });
    }
  });
});
