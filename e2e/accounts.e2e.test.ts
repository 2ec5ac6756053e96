import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { protoClient, type ProtoClient } from '../platform/testing/proto-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import type { RunningMesh } from '../mesh/local/index.js';

const PASSWORD = '1234567890';

/** What curl prints of an answer. */
interface Answer {
  readonly status: number;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test looks into it as it likes
  readonly json: any;
}

describe("The older messenger's accounts", function () {
  this.timeout(60_000);
  let mesh: RunningMesh;
  let port: number;
  let v1: ProtoClient;
  let count = 0;

  before(async () => {
    mesh = await sharedMesh();
    port = mesh.ports.messenger;
    const file = 'threadweaver/account/v1/account_service.proto';
    v1 = protoClient(file, 'threadweaver.account.v1.AccountService', `127.0.0.1:${mesh.ports.envoy}`);
  });

  after(() => v1.close());

  /** Calls as their documents do: by curl. @param args behind the path */
  const curl = async (path: string, ...args: readonly string[]): Promise<Answer> => {
    const options = ['-s', '-w', '\n%{http_code}', `http://127.0.0.1:${port}${path}`, ...args];
    const { stdout } = await promisify(execFile)('curl', options);
    const [, text = '', status] = /^([^]*)\n(\d+)$/.exec(stdout) ?? [];
    return { status: Number(status), text, json: text.startsWith('{') ? JSON.parse(text) : undefined };
  };
  const json = ['-H', 'Content-Type: application/json'];
  const post = (path: string, body: unknown, ...args: readonly string[]): Promise<Answer> =>
    curl(path, '-X', 'POST', ...json, '-d', typeof body === 'string' ? body : JSON.stringify(body), ...args);
  const newEmail = (): string => `user-${process.pid}-${(count += 1)}@example.com`;
  const signedUp = async (profile: object = {}) => {
    const email = newEmail();
    const said = { name: 'Ivan', surname: 'Ivanov', birthday: '1990-01-02T00:00:00Z', sex: 'male', city: 'Moscow' };
    const body = { email, password: PASSWORD, ...said, interests: 'chess', ...profile };
    const answer = await post('/auth/sign-up', body);
    assert.deepEqual([answer.status, answer.text], [200, '{}']);
    const { json: tokens } = await post('/auth/sign-in', { email, password: PASSWORD });
    const { access_token: token, refresh_token: refreshToken } = tokens as Record<string, string>;
    assert.deepEqual(Object.keys(tokens as object), ['access_token', 'refresh_token']);
    return { email, body, token: token ?? '', refreshToken: refreshToken ?? '' };
  };

  for (const name of ['messenger', 'envoy'] as const) {
    it(`are served as their documents print it, on the port of ${name}`, async () => {
      port = mesh.ports[name];
      const { email, token, refreshToken, body } = await signedUp({ name: `Walk${name}` });
      const { password: _, ...profile } = body;

      const authenticated = await post(
        '/auth/authenticate',
        { resource: '/messenger/chats' },
        '-H',
        `Authorization: ${token}`,
      );
      assert.deepEqual([authenticated.status, authenticated.text], [200, '{"is_authenticated":true}']);

      const byEmail = await curl(`/auth/user/get-by-email?email=${email}`, '-H', `Authorization: ${token}`);
      const { user_id: id } = byEmail.json as { user_id: string };
      assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
      assert.equal((await curl(`/auth/user?email=${email}`, '-H', `Authorization: Bearer ${token}`)).json.user_id, id);

      const byToken = await curl('/auth/user/get-by-token', '-H', `Authorization: ${token}`);
      assert.deepEqual([byToken.status, byToken.json], [200, { id, ...profile }]);
      assert.equal((await curl('/auth/user/get-by-token', '-I', '-H', `Authorization: ${token}`)).status, 200);

      const path = `/auth/user/get-by-anthroponym?anthroponym=walk${name}&limit=1&offset=0`;
      const found = await curl(path, '-H', `Authorization: ${token}`);
      assert.deepEqual([found.status, found.json], [200, { count: 1, users: [{ id, ...profile }] }]);

      const ids = [id, 'a1b2c3d4-0000-4000-8000-000000000000'];
      const byIds = await post('/auth/user/get-by-ids', { user_ids: ids }, '-H', `Authorization: ${token}`);
      assert.deepEqual([byIds.status, byIds.json], [200, { users: [{ id, ...profile }] }]);

      const refresh = ['-X', 'PUT', ...json, '-d', JSON.stringify({ refresh_token: refreshToken })];
      const refreshed = await curl('/auth/token', ...refresh);
      assert.equal(refreshed.status, 200);
      assert.deepEqual((await curl('/auth/token', ...refresh)).json, refreshed.json, 'a lost answer');
      const next = (refreshed.json as { access_token: string }).access_token;
      assert.equal((await curl('/auth/user/get-by-token', '-H', `Authorization: ${next}`)).json.id, id);
    });
  }

  it('are refused in the older form, with the right status, also where nobody answers', async () => {
    port = mesh.ports.messenger;
    const { email, token, body } = await signedUp();
    const header = ['-H', `Authorization: ${token}`];
    const refused: readonly (readonly [call: Promise<Answer>, status: number, message: RegExp])[] = [
      [post('/auth/sign-up', body), 409, /^the e-mail address is in use$/],
      [post('/auth/sign-up', {}), 400, /^email: must not be empty; password: must not be empty; name: must not be empty; .*interests/],
      [post('/auth/sign-up', { ...body, email: newEmail(), birthday: 'yesterday', sex: 5 }), 400, /^sex: must be a string; birthday: must be a date/],
      [post('/auth/sign-up', '{"email":'), 400, /^body: malformed JSON/],
      [post('/auth/sign-up', "{'email': 'x'}"), 400, /^body: malformed JSON/],
      [post('/auth/sign-up', '[]'), 400, /^body: must be a JSON object/],
      [post('/auth/sign-up', ''), 400, /./],
      [post('/auth/sign-up', '{"email":"\\ud800@x.de"}'), 400, /./],
      [post('/auth/sign-up', `{"email":"${'x'.repeat(100_000)}"}`), 400, /^email: must be an e-mail address/],
      [post('/auth/sign-in', { email, password: 'wrong' }), 401, /^the e-mail address or the password is wrong$/],
      [post('/auth/sign-in', { email: 'nobody@example.com', password: 'wrong' }), 401, /^the e-mail address or the password is wrong$/],
      [curl('/auth/token', '-X', 'PUT', '-d', '{"refresh_token":"x"}'), 401, /^the refresh token is not valid$/],
      [curl('/auth/token', '-X', 'PUT', '-d', '{}'), 400, /^refresh_token: /],
      [post('/auth/authenticate', { resource: 'x' }), 401, /^authorization: an access token is required$/],
      [post('/auth/authenticate', { resource: 'x' }, '-H', 'Authorization: nonsense'), 401, /token/],
      [curl('/auth/user/get-by-token'), 401, /token/],
      [curl('/auth/user/get-by-email?email=nobody@example.com', ...header), 404, /^there is no such account$/],
      [curl('/auth/user/get-by-email', ...header), 400, /^email: /],
      [curl('/auth/user/get-by-anthroponym?anthroponym=x&limit=-1&offset=y', ...header), 400, /^offset: .*; limit: /],
      [post('/auth/user/get-by-ids', { user_ids: 'x' }, ...header), 400, /^user_ids: must be a list of strings$/],
      [curl('/auth/sign-up'), 405, /^method is not allowed$/],
      [post('/auth/token', {}), 405, /^method is not allowed$/],
      [curl('/auth/nothing'), 404, /^path is not found$/],
      [curl('/messenger/nothing'), 404, /^path is not found$/],
      [curl('/nothing'), 404, /^path is not found$/],
    ]; // prettier-ignore
    for (const [index, [call, status, message]] of refused.entries()) {
      const answer = await call;
      assert.equal(answer.status, status, `${index}: ${answer.text}`);
      assert.deepEqual(Object.keys(answer.json as object), ['code', 'message'], `${index}: ${answer.text}`);
      assert.equal(answer.json.code, status, answer.text);
      assert.match(answer.json.message as string, message, `${index}`);
    }
    // 100,000 ids are too long for a command line.
    const many = await fetch(`http://127.0.0.1:${port}/auth/user/get-by-ids`, {
      method: 'POST',
      headers: { authorization: token },
      body: JSON.stringify({ user_ids: Array.from({ length: 100_000 }, () => 'x') }),
    });
    assert.deepEqual(
      [many.status, await many.json()],
      [400, { code: 400, message: 'user_ids: must have at most 1000 entries' }],
    );
    // Elsewhere, errors look as they did.
    assert.match((await curl('/v1/threads/x')).text, /^\{"error_messages":/);
    port = mesh.ports.envoy;
    assert.match((await curl('/nothing')).text, /^\{"error_messages":/);
  });

  it('are the same to the new API, through the same port, which wants better passwords', async () => {
    port = mesh.ports.envoy;
    const { email, token } = await signedUp();
    const metadata = { authorization: `Bearer ${token}` };
    const { account } = await v1.call('GetAccount', {}, { metadata });
    assert.equal((account as { email: string }).email, email);
    await assert.rejects(
      v1.call('SignUp', { email: newEmail(), password: PASSWORD, name: 'x' }),
      /at least 15 characters/,
    );
    await v1.call('SignOut', {}, { metadata });
    assert.equal((await curl('/auth/user/get-by-token', '-H', `Authorization: ${token}`)).status, 401);
  });

  it('leave neither passwords, tokens nor addresses in any log', () => {
    const logs = ['account', 'envoy'].map((name) => readFileSync(join(mesh.dataDir, 'logs', `${name}.log`), 'utf8'));
    assert.match(logs.join(''), /sign-up/);
    for (const secret of [PASSWORD, '@example.com', 'eyJ', '$argon2']) {
      assert.ok(
        logs.every((log) => !log.includes(secret)),
        secret,
      );
    }
  });
});
