import assert from 'node:assert/strict';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  newPerson,
  openAccounts,
  PASSWORD,
  signIn,
  type GivenTokens,
  type RunningAccounts,
} from './account-fixture.js';
import { reasonOf } from './reason-of.js';

describe('Signing in', () => {
  let running: RunningAccounts;
  let v1: RunningAccounts['v1'];
  const refresh = async (refresh_token: string): Promise<GivenTokens> =>
    (await v1.call('RefreshTokens', { refresh_token })).tokens as GivenTokens;
  const getAccount = (access_token: string): Promise<string> =>
    reasonOf(v1.call('GetAccount', {}, { metadata: { authorization: access_token } }));
  /** As if so much time had passed since the device's token was last spent. */
  const age = (accountId: string, ms: number): Promise<unknown> =>
    running.database.transaction((transaction) =>
      transaction.run('UPDATE devices SET rotated_at = rotated_at - ? WHERE account_id = ?', [ms, accountId]),
    );

  before(async () => {
    running = await openAccounts({ maxDevicesPerAccount: 3, maxFailedAttempts: 3 });
    ({ v1 } = running);
  });

  after(() => running.close());

  it('gives an access token for five minutes, and a refresh token that is none', async () => {
    const { tokens, accountId } = await newPerson(running, 'tokens@example.com');
    const { sub, aud, exp = 0, iat = 0, sid } = decodeJwt(tokens.access_token);
    assert.deepEqual([sub, aud, exp - iat], [accountId, 'threadweaver', 300]);
    assert.ok(decodeProtectedHeader(tokens.access_token).kid);
    for (const token of [tokens.access_token, `Bearer ${tokens.access_token}`, `bearer ${tokens.access_token}`]) {
      assert.equal(await getAccount(token), 'OK');
    }
    assert.equal(await getAccount(tokens.refresh_token), 'UNAUTHENTICATED TOKEN_INVALID');
    assert.equal(await reasonOf(refresh(tokens.access_token)), 'UNAUTHENTICATED REFRESH_TOKEN_INVALID');
    const authenticated = await v1.call('Authenticate', { access_token: tokens.access_token });
    assert.deepEqual([authenticated.account_id, authenticated.device_id], [accountId, sid]);
  });

  it('says the same of an unknown address and a wrong password', async () => {
    await newPerson(running, 'same@example.com');
    const messages = new Set<string>();
    for (const email of ['same@example.com', 'nobody@example.com']) {
      await v1.call('SignIn', { email, password: 'wrong' }).catch((error: Error) => messages.add(error.message));
    }
    assert.deepEqual([...messages], ['16 UNAUTHENTICATED: the e-mail address or the password is wrong']);
  });

  it('asks for patience after some wrong passwords, also for an address that nobody has, but only who tried', async () => {
    await newPerson(running, 'guessed@example.com');
    const tries = async (email: string, client: string, password = 'wrong'): Promise<string> =>
      reasonOf(v1.call('SignIn', { email, password }, { metadata: { 'x-forwarded-for': client } }));
    for (const email of ['guessed@example.com', 'nobody-else@example.com']) {
      for (let count = 0; count < 3; count += 1) {
        assert.equal(await tries(email, '198.51.100.7'), 'UNAUTHENTICATED WRONG_CREDENTIALS');
      }
      assert.equal(await tries(email, '198.51.100.7', PASSWORD), 'RESOURCE_EXHAUSTED TOO_MANY_ATTEMPTS');
      assert.equal(await tries(email.toUpperCase(), '198.51.100.7', PASSWORD), 'RESOURCE_EXHAUSTED TOO_MANY_ATTEMPTS');
    }
    assert.equal(await tries('guessed@example.com', '203.0.113.9', PASSWORD), 'OK');
    await newPerson(running, 'neighbour@example.com');
    assert.equal(await tries('neighbour@example.com', '198.51.100.7', PASSWORD), 'OK');
  });

  it('lasts by tokens that are each good once', async () => {
    const { tokens, accountId } = await newPerson(running, 'rotating@example.com');
    const second = await refresh(tokens.refresh_token);
    const third = await refresh(second.refresh_token);
    assert.equal(new Set([tokens, second, third].map((pair) => pair.refresh_token)).size, 3);
    assert.equal(await getAccount(third.access_token), 'OK');
    const rows = await running.database.rows<object>('SELECT * FROM devices WHERE account_id = ?', [accountId]);
    for (const { refresh_token, access_token } of [tokens, second, third]) {
      assert.ok(!JSON.stringify(rows).includes(refresh_token) && !JSON.stringify(rows).includes(access_token));
    }
  });

  it('gives the same pair to all who spend a token at once, and to who did not hear the answer', async () => {
    const { tokens } = await newPerson(running, 'twice@example.com');
    const pairs = await Promise.all(Array.from({ length: 8 }, () => refresh(tokens.refresh_token)));
    const given = new Set(pairs.map((pair) => JSON.stringify(pair)));
    assert.equal(given.size, 1);
    assert.deepEqual(await refresh(tokens.refresh_token), pairs[0]);
    assert.equal(await getAccount((await refresh(pairs[0]?.refresh_token ?? '')).access_token), 'OK');
  });

  for (const [when, prepare] of [
    ['its successor was used', async (_id: string, successor: string) => void (await refresh(successor))],
    ['ten seconds have passed', (id: string) => age(id, 10_001)],
  ] as const) {
    it(`ends for the device whose spent token comes again once ${when}, and for no other`, async () => {
      const { tokens, accountId } = await newPerson(running, `stolen-${when.length}@example.com`);
      const other = await signIn(running, `stolen-${when.length}@example.com`);
      const next = await refresh(tokens.refresh_token);
      await prepare(accountId, next.refresh_token);
      assert.equal(await reasonOf(refresh(tokens.refresh_token)), 'UNAUTHENTICATED REFRESH_TOKEN_REUSED');
      assert.equal(await getAccount(next.access_token), 'UNAUTHENTICATED SIGNED_OUT');
      assert.equal(await reasonOf(refresh(next.refresh_token)), 'UNAUTHENTICATED REFRESH_TOKEN_INVALID');
      assert.equal(await getAccount(other.tokens.access_token), 'OK');
      if (when.startsWith('its')) await refresh(other.tokens.refresh_token);
    });
  }

  it('does not end by tokens that were made up or changed', async () => {
    const { tokens } = await newPerson(running, 'forged@example.com');
    const [header = '', payload = '', signature = ''] = tokens.refresh_token.split('.');
    const others = JSON.stringify({ ...decodeJwt(tokens.refresh_token), jti: 'x' });
    const forged = [
      `${header}.${payload}.${signature.slice(0, -2)}AA`,
      `${header}.${Buffer.from(others).toString('base64url')}.${signature}`,
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`,
      ...['x', 'a.b.c', '..', '\0', '🍣'.repeat(300), tokens.refresh_token.repeat(3)],
    ];
    for (const token of forged) {
      assert.equal(await reasonOf(refresh(token)), 'UNAUTHENTICATED REFRESH_TOKEN_INVALID', token.slice(0, 80));
    }
    assert.equal(await reasonOf(refresh('x'.repeat(5_000))), 'INVALID_ARGUMENT refresh_token');
    await refresh(tokens.refresh_token);
  });

  it('ends when nobody has refreshed for long', async () => {
    const { tokens, accountId } = await newPerson(running, 'asleep@example.com');
    await running.database.transaction((transaction) =>
      transaction.run('UPDATE devices SET expires_at = ? WHERE account_id = ?', [Date.now(), accountId]),
    );
    assert.equal(await reasonOf(refresh(tokens.refresh_token)), 'UNAUTHENTICATED REFRESH_TOKEN_INVALID');
  });

  it('is seen, and ended, device by device or everywhere', async () => {
    const first = await newPerson(running, 'devices@example.com');
    const second = await signIn(running, 'devices@example.com');
    const stranger = await newPerson(running, 'stranger@example.com');
    const listed = async (): Promise<{ device_id: string; is_current: boolean }[]> =>
      (await v1.call('ListDevices', {}, first)).devices as { device_id: string; is_current: boolean }[];
    const [other] = (await listed()).filter(({ is_current }) => !is_current);
    const request = { device_id: other?.device_id };
    await v1.call('SignOut', request, stranger);
    assert.equal((await listed()).length, 2, 'not for others to do');
    await v1.call('SignOut', request, first);
    await v1.call('SignOut', request, first);
    assert.equal(await getAccount(second.tokens.access_token), 'UNAUTHENTICATED SIGNED_OUT');
    await signIn(running, 'devices@example.com');
    await v1.call('SignOutEverywhere', {}, first);
    assert.equal(await getAccount(first.tokens.access_token), 'UNAUTHENTICATED SIGNED_OUT');
    const again = await signIn(running, 'devices@example.com');
    await v1.call('SignOut', {}, again);
    assert.equal(await getAccount(again.tokens.access_token), 'UNAUTHENTICATED SIGNED_OUT');
  });

  it('is on so many devices at most: of more, the least recently used is signed out', async () => {
    const first = await newPerson(running, 'many@example.com');
    const others = [];
    for (let count = 0; count < 3; count += 1) others.push(await signIn(running, 'many@example.com'));
    assert.equal(await getAccount(first.tokens.access_token), 'UNAUTHENTICATED SIGNED_OUT');
    for (const { tokens } of others) assert.equal(await getAccount(tokens.access_token), 'OK');
  });

  it('goes by the new password once it is changed, on all devices but the one that changed it', async () => {
    const first = await newPerson(running, 'changed@example.com');
    const second = await signIn(running, 'changed@example.com');
    const change = { current_password: PASSWORD, new_password: 'quite another long phrase' };
    assert.equal(
      await reasonOf(v1.call('ChangePassword', { ...change, current_password: 'wrong' }, first)),
      'PERMISSION_DENIED WRONG_PASSWORD',
    );
    assert.equal(
      await reasonOf(v1.call('ChangePassword', { ...change, new_password: 'short' }, first)),
      'INVALID_ARGUMENT new_password',
    );
    await v1.call('ChangePassword', change, first);
    assert.equal(await getAccount(first.tokens.access_token), 'OK');
    assert.equal(await getAccount(second.tokens.access_token), 'UNAUTHENTICATED SIGNED_OUT');
    assert.equal(await reasonOf(signIn(running, 'changed@example.com')), 'UNAUTHENTICATED WRONG_CREDENTIALS');
    await signIn(running, 'changed@example.com', change.new_password);
  });

  it('is told of where it ends, to whoever keeps connections open, also after a while', async () => {
    const first = await newPerson(running, 'watched@example.com');
    const stream = running.revocations.stream('WatchRevocations', {});
    const told: { device_id: string }[] = [];
    const places: string[] = [];
    const started = new Promise((resolve) => stream.once('data', resolve));
    const heard = new Promise<void>((resolve) =>
      stream.on(
        'data',
        ({ place, revocations }: { place: string; revocations: { account_id: string; device_id: string }[] }) => {
          places.push(place);
          told.push(...revocations.filter(({ account_id }) => account_id === first.accountId));
          if (told.length === 2) resolve();
        },
      ),
    );
    stream.on('error', () => undefined);
    await started;
    await v1.call('SignOut', {}, first);
    const again = await signIn(running, 'watched@example.com');
    await v1.call('DeleteAccount', { password: PASSWORD }, again);
    await heard;
    stream.cancel();
    assert.deepEqual(
      told.map(({ device_id }) => device_id !== ''),
      [true, false],
    );
    const resumed = running.revocations.stream('WatchRevocations', { after: places[0] });
    resumed.on('error', () => undefined);
    const [news] = (await new Promise<object[]>((resolve) =>
      resumed.once('data', (data: object) => resolve([data])),
    )) as {
      revocations: { account_id: string }[];
    }[];
    resumed.cancel();
    assert.equal(news?.revocations.filter(({ account_id }) => account_id === first.accountId).length, 2);
    assert.equal(
      await reasonOf(
        new Promise((_, reject) =>
          running.revocations.stream('WatchRevocations', { after: 'x' }).on('error', reject).resume(),
        ),
      ),
      'INVALID_ARGUMENT after',
    );
  });
});
