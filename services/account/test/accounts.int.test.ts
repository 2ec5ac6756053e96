import assert from 'node:assert/strict';
import { decodeTime } from 'ulid';
import { newPerson, openAccounts, PASSWORD, signIn, type RunningAccounts } from './account-fixture.js';
import { reasonOf } from './reason-of.js';

describe('Accounts', () => {
  let running: RunningAccounts;
  let v1: RunningAccounts['v1'];

  before(async () => {
    running = await openAccounts();
    ({ v1 } = running);
  });

  after(() => running.close());

  it('have an id as the thread API has it, and what their owners said of themselves', async () => {
    const profile = {
      ...{ name: 'Zoë', surname: 'O’Hara', birthday: '1990-02-28T23:00:00+02:00', sex: 'female', city: 'Kraków' },
      interests: 'chess\nrowing',
    };
    const { account_id: id } = await v1.call('SignUp', { email: 'Zoe@Example.com', password: PASSWORD, ...profile });
    assert.ok(decodeTime(id as string) <= Date.now());
    const { metadata } = await signIn(running, 'zoe@EXAMPLE.com');
    const { account } = await v1.call('GetAccount', {}, { metadata });
    const { create_time: _, ...shown } = account as Record<string, unknown>;
    const person = { account_id: id, ...profile, birthday: '1990-02-28T21:00:00Z' };
    assert.deepEqual(shown, { email: 'Zoe@example.com', person, is_administrator: false });
  });

  it('belong to one e-mail address, also when several want it at once', async () => {
    const spellings = [
      'one@münchen.example',
      'ONE@MÜNCHEN.example',
      'one@xn--mnchen-3ya.example',
      'One@xn--mnchen-3ya.EXAMPLE',
    ];
    const signUps = spellings.map((email) => reasonOf(v1.call('SignUp', { email, password: PASSWORD, name: 'x' })));
    const outcomes = await Promise.all(signUps);
    assert.deepEqual(outcomes.sort(), [
      'ALREADY_EXISTS EMAIL_IN_USE',
      'ALREADY_EXISTS EMAIL_IN_USE',
      'ALREADY_EXISTS EMAIL_IN_USE',
      'OK',
    ]);
  });

  it('are refused with all that is wrong named, and nothing of it shown', async () => {
    const bad = {
      email: 'a@b@',
      password: 'short',
      name: ' ',
      surname: 'x'.repeat(101),
      birthday: '2001-02-30',
      city: 'a\0b',
    };
    const call = v1.call('SignUp', { ...bad, sex: '\u202Eelam', interests: 'é'.repeat(1_001) });
    await assert.rejects(
      call,
      ({ details }: { details: string }) => !details.includes('short') && !details.includes('a@b'),
    );
    assert.equal(
      await reasonOf(v1.call('SignUp', { ...bad, sex: '\u202Eelam', interests: 'é'.repeat(1_001) })),
      'INVALID_ARGUMENT email password name surname sex city interests birthday',
    );
    assert.equal(await reasonOf(v1.call('SignUp', {})), 'INVALID_ARGUMENT email password name');
  });

  it('need a password that nobody guesses', async () => {
    const withPassword = (password: string): Promise<string> =>
      reasonOf(v1.call('SignUp', { email: 'guess@example.com', password, name: 'Bartholomew' }));
    const guessed = ['1234567890', 'passwordpassword', '123456789012345', 'qwertyuiopasdfgh', 'a'.repeat(30)];
    for (const password of [...guessed, 'guess@example.com', 'Bartholomew2026', 'x'.repeat(1_001)]) {
      assert.equal(await withPassword(password), 'INVALID_ARGUMENT password', password);
    }
    assert.equal(await withPassword('ﬁve blue ﬂags, torn ①'), 'OK');
    // As another keyboard writes the same.
    await signIn(running, 'guess@example.com', 'five blue flags, torn 1');
  });

  it('are found by people who are signed in, by address, by the beginning of a name and by ids', async () => {
    const names = [
      ['Ångström', 'Berg'], ['Angela', '50%_\\'], ['Berta', 'ANGELOVA'], ['Ivan', 'Иванов'], ['🍣', 'Sushi'], ['🍺', 'Beer'],
    ]; // prettier-ignore
    const ids: string[] = [];
    for (const [index, [name, surname]] of names.entries()) {
      const { account_id } = await v1.call('SignUp', {
        email: `p${index}@found.example`,
        password: PASSWORD,
        name,
        surname,
      });
      ids.push(account_id as string);
    }
    const { metadata } = await signIn(running, 'p0@found.example');
    const found = async (prefix: string): Promise<number[]> => {
      const { people } = await v1.call('SearchPeople', { prefix }, { metadata });
      return (people as { account_id: string }[]).map(({ account_id }) => ids.indexOf(account_id));
    };
    assert.deepEqual(await found('ang'), [0, 1, 2]);
    assert.deepEqual(await found('иВа'), [3]);
    assert.deepEqual(await found('50%_\\'), [1]);
    for (const wild of ['%', '_', '\\', '50_', "' OR 1=1 --"]) assert.deepEqual(await found(wild), [], wild);
    assert.deepEqual(await found('🍣'), [4]);
    const first = await v1.call('SearchPeople', { prefix: 'Ang', page_size: 2 }, { metadata });
    const rest = await v1.call(
      'SearchPeople',
      { prefix: 'Ang', page_size: 2, page_token: first.next_page_token },
      { metadata },
    );
    assert.deepEqual([(first.people as []).length, (rest.people as []).length, rest.next_page_token], [2, 1, '']);
    assert.equal(await reasonOf(v1.call('SearchPeople', { prefix: '' }, { metadata })), 'INVALID_ARGUMENT prefix');
    const { account_id } = await v1.call('FindAccount', { email: 'P3@found.example' }, { metadata });
    assert.equal(account_id, ids[3]);
    assert.equal(
      await reasonOf(v1.call('FindAccount', { email: 'x@found.example' }, { metadata })),
      'NOT_FOUND ACCOUNT_NOT_FOUND',
    );
    const asked = [ids[5], '01ARZ3NDEKTSV4RRFFQ69G5FAV', ids[0]];
    const { people } = await v1.call('BatchGetPeople', { account_ids: asked }, { metadata });
    assert.deepEqual(
      (people as { account_id: string }[]).map(({ account_id: id }) => id),
      [ids[5], ids[0]],
    );
    const many = Array.from({ length: 100_000 }, () => ids[0]);
    assert.equal(
      await reasonOf(v1.call('BatchGetPeople', { account_ids: many }, { metadata })),
      'INVALID_ARGUMENT account_ids',
    );
    for (const [method, request] of [
      ['SearchPeople', { prefix: 'a' }],
      ['FindAccount', { email: 'p0@found.example' }],
      ['BatchGetPeople', {}],
    ] as const) {
      assert.equal(await reasonOf(v1.call(method, request)), 'UNAUTHENTICATED TOKEN_MISSING');
    }
    const service = await running.signer.sign({ subject: 'service:messenger', roles: ['service'] });
    await v1.call('BatchGetPeople', { account_ids: ids }, { metadata: { authorization: service } });
  });

  it('change in what they say of themselves, field by field', async () => {
    const { metadata } = await newPerson(running, 'changing@example.com', { city: 'Rome', sex: 'male' });
    const changed = await v1.call(
      'UpdateProfile',
      { city: '', interests: 'none', birthday: '1999-12-31' },
      { metadata },
    );
    const { account } = await v1.call('GetAccount', {}, { metadata });
    assert.deepEqual(account, changed.account);
    const { person } = account as { person: Record<string, unknown> };
    assert.deepEqual(
      [person.name, person.city, person.sex, person.birthday],
      ['Ann', '', 'male', '1999-12-31T00:00:00Z'],
    );
    assert.equal(await reasonOf(v1.call('UpdateProfile', { name: '' }, { metadata })), 'INVALID_ARGUMENT name');
  });

  it('are gone at once when they are deleted, with all tokens, and the address is free', async () => {
    const { tokens, metadata, accountId } = await newPerson(running, 'leaving@example.com');
    assert.equal(
      await reasonOf(v1.call('DeleteAccount', { password: 'wrong' }, { metadata })),
      'PERMISSION_DENIED WRONG_PASSWORD',
    );
    await v1.call('DeleteAccount', { password: PASSWORD }, { metadata });
    assert.equal(await reasonOf(v1.call('GetAccount', {}, { metadata })), 'UNAUTHENTICATED ACCOUNT_DELETED');
    const { refresh_token } = tokens;
    assert.equal(await reasonOf(v1.call('RefreshTokens', { refresh_token })), 'UNAUTHENTICATED REFRESH_TOKEN_INVALID');
    assert.equal(await reasonOf(signIn(running, 'leaving@example.com')), 'UNAUTHENTICATED WRONG_CREDENTIALS');
    for (const table of ['accounts', 'devices', 'failed_attempts']) {
      const rows = await running.database.rows<object>(`SELECT * FROM ${table}`);
      assert.ok(!JSON.stringify(rows).includes(accountId), table);
    }
    assert.notEqual((await newPerson(running, 'leaving@example.com')).accountId, accountId);
  });

  it('leave nothing secret in the log', () => {
    const text = running.log.join('');
    assert.match(text, /AccountService\/SignIn/);
    for (const secret of [PASSWORD, '@example.com', '@found.example', 'eyJ', '$argon2'])
      assert.ok(!text.includes(secret), secret);
  });
});
