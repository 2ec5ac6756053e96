import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata, status, type Client, type StatusObject } from '@grpc/grpc-js';
import { WatchThreadRequest, WatchThreadResponse } from '../gen/threadweaver/thread/v1/thread_watch.js';
import { callers, expectations, type Admission } from '../mesh/envoy/access-expectations.js';
import { restRules } from '../mesh/envoy/rest-paths.js';
import { type RunningMesh, startMesh } from '../mesh/local/index.js';
import { KEY_RING_FILE, readKeyRing, rotateKeys } from '../platform/identity/key-ring-file.js';
import type { TokenSigner } from '../platform/identity/token-signer.js';
import { errorDetails } from '../platform/testing/error-info.js';
import { accessRules } from '../services/access-rules.js';
import {
  ACCOUNT,
  admissionOf,
  call,
  headersOf,
  openClient,
  OTHER_ACCOUNT,
  requestFor,
  signerOf,
} from './testing/callers.js';
import { forgedTokens } from './fuzz/forged-tokens.js';
import { runFuzz } from './fuzz/run-fuzz.js';
import { ServiceIdentity } from './testing/service-identity.js';
import { eventually } from './testing/eventually.js';

const WATCH = '/threadweaver.thread.v1.ThreadQueryService/WatchThread';
const LIST = '/threadweaver.thread.v1.ThreadQueryService/ListThreads';
const CREATE = '/threadweaver.thread.v1.ThreadCommandService/CreateThread';

describe('a mesh that asks for tokens', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;
  let signer: TokenSigner;
  let clients: Readonly<Record<'edge' | 'command' | 'query' | 'account', Client>>;
  let threadId: string;

  const bearerOf = async (subject: string): Promise<Record<string, string>> => ({
    authorization: `Bearer ${await signer.sign({ subject })}`,
  });
  const threadBody = JSON.stringify({ accountId: ACCOUNT, title: 'secret', administratorIds: [ACCOUNT], createAt: 1 });
  const create = (url: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${url}/v1/threads/create`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: threadBody },
    });
  const listUrl = (url = mesh.url): string => `${url}/v1/threads?account_id=${ACCOUNT}`;

  before(async () => {
    mesh = await startMesh({ auth: 'jwt', tokenlessPorts: ['threads', 'booking'], keysEverySeconds: 1 });
    signer = signerOf(mesh);
    const { envoy, threadCommand, threadQuery, account } = mesh.ports;
    clients = {
      ...{ edge: openClient(envoy), command: openClient(threadCommand), query: openClient(threadQuery) },
      account: openClient(account),
    };
    await eventually(async () => {
      const created = await create(mesh.url, await bearerOf(ACCOUNT));
      assert.equal(created.status, 200);
      threadId = ((await created.json()) as { threadId: string }).threadId;
    }, 20_000);
  });
  after(async () => {
    for (const client of Object.values(clients ?? {})) client.close();
    await mesh?.stop();
  });

  for (const caller of callers) {
    it(`lets ${caller} call what the rules say, at the services and at the edge`, async () => {
      const headers = await headersOf(signer, caller);
      const wrong: string[] = [];
      for (const [path, rule] of Object.entries(accessRules)) {
        if (rule.who === 'operator') {
          // Served on loopback, for whoever gets there, and nowhere else.
          const { code } = await call(clients.edge, path, Buffer.alloc(0), await headersOf(signer, 'an administrator'));
          assert.notEqual(code, status.OK, path);
          continue;
        }
        const request = rule.who === 'account' ? requestFor(path, rule.field, ACCOUNT) : Buffer.alloc(0);
        const isOfAccounts = path.includes('.account.');
        const direct = isOfAccounts ? clients.account : path.includes('Command') ? clients.command : clients.query;
        const expected = expectations[rule.who][caller];
        // Whom the rules let in, accounts ask themselves whether it is signed in; these callers never were.
        if (isOfAccounts && rule.who === 'known' && expected === 'let in') continue;
        // The edge takes from nobody whom a service acts for: there it acts for whom the request names.
        const atEdge: Admission =
          caller === 'a service for another account' && expected === 'denied' ? 'let in' : expected;
        for (const [where, client, outcome] of [
          ['at the service', direct, expected],
          ['at the edge', clients.edge, atEdge],
        ] as const) {
          // What is for services alone has no route there.
          if (client === clients.edge && rule.who === 'service') continue;
          const answer = await call(client, path, request, headers);
          if (admissionOf(answer) !== outcome) {
            wrong.push(`${path} ${where}: ${status[answer.code]} ${answer.details}, not ${outcome}`);
          }
        }
      }
      assert.deepEqual(wrong, []);
    });
  }

  it('says so by REST as older clients are used to: 401 with what is needed, 403 for another account', async () => {
    const rules = restRules().filter(({ path }) => path.startsWith('/v1/'));
    assert.ok(rules.length >= 14);
    const [good, other] = [await bearerOf(ACCOUNT), await bearerOf(OTHER_ACCOUNT)];
    for (const { method, path } of rules) {
      if (path.endsWith('/events')) continue;
      const url = `${mesh.url}${path.replace('{thread_id}', '01DB5QXD4NP0XQTV92K42B3XBX')}`;
      const ask = (headers: Record<string, string>) =>
        method === 'get'
          ? fetch(`${url}?account_id=${ACCOUNT}`, { headers })
          : fetch(url, {
              ...{ method, headers: { 'content-type': 'application/json', ...headers } },
              body: JSON.stringify({ accountId: ACCOUNT }),
            });
      const without = await ask({});
      assert.equal(without.status, 401, path);
      assert.match(without.headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.deepEqual(await without.json(), { error_messages: ['a token is needed'] });
      const foreign = await ask(other);
      assert.equal(foreign.status, 403, path);
      assert.deepEqual(await foreign.json(), { error_messages: ["account_id must be the token's subject"] });
      assert.equal((await ask(await headersOf(signer, 'the account with a token for refreshing'))).status, 401, path);
      assert.ok(![401, 403].includes((await ask(good)).status), path);
    }
    assert.equal((await fetch(`${mesh.url}/.well-known/jwks.json`)).status, 200);
  });

  it('takes a token with and without Bearer and from the query, and writes it into no log', async () => {
    const token = await signer.sign({ subject: ACCOUNT });
    for (const [url, headers] of [
      [listUrl(), { authorization: `Bearer ${token}` }],
      [listUrl(), { authorization: token }],
      [listUrl(), { authorization: `bearer  ${token}` }],
      [`${listUrl()}&access_token=${token}`, {}],
      [`${mesh.url}/v1/threads?token=${token}&account_id=${ACCOUNT}`, {}],
    ] as const) {
      assert.equal((await fetch(url, { headers })).status, 200, url.slice(0, 60));
    }
    const bare = await call(clients.query, LIST, requestFor(LIST, 'accountId', ACCOUNT), { authorization: token });
    assert.equal(bare.code, status.OK);
    const logs = join(mesh.dataDir, 'logs');
    await eventually(async () => {
      assert.match(readFileSync(join(logs, 'envoy.log'), 'utf8'), /\/v1\/threads/);
    }, 10_000);
    const signature = token.split('.')[2] ?? assert.fail();
    for (const name of readdirSync(logs)) assert.ok(!readFileSync(join(logs, name), 'utf8').includes(signature), name);
  });

  it('refuses what is no good token, each with 401, and goes on', async () => {
    const good = await signer.sign({ subject: ACCOUNT });
    const statusWith = (authorization: string | string[]): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = httpRequest(listUrl(), { headers: { authorization } as never }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on('error', reject);
        asked.end();
      });
    for (const authorization of ['Bearer', 'Bearer ', 'Basic abc', `Bearer ${good} more`, `Bearer ${good}x`, 'a.b.c']) {
      assert.equal(await statusWith(authorization), 401, authorization.slice(0, 20));
      const direct = await call(clients.query, LIST, requestFor(LIST, 'accountId', ACCOUNT), { authorization });
      assert.equal(direct.code, status.UNAUTHENTICATED, authorization.slice(0, 20));
    }
    assert.equal(await statusWith([`Bearer ${good}`, `Bearer ${good}`]), 401, 'twice');
    assert.equal(await statusWith(`Bearer ${'x'.repeat(20_000)}`), 401, '20 kB');
    // Longer than any header may be.
    assert.equal(await statusWith(`Bearer ${'x'.repeat(100_000)}`), 431);
    const huge = await call(clients.query, LIST, requestFor(LIST, 'accountId', ACCOUNT), {
      authorization: `Bearer ${'x'.repeat(20_000)}`,
    });
    assert.equal(huge.code, status.UNAUTHENTICATED);
    assert.equal(await statusWith(`Bearer ${good}`), 200);
  });

  it('takes no forged token, at the edge and at each service, and serves those who have a good one meanwhile', async () => {
    const forged = await forgedTokens(readKeyRing(join(mesh.dataDir, KEY_RING_FILE)), ACCOUNT);
    const good = await bearerOf(ACCOUNT);
    const statuses = new Set<number>();
    let isOver = false;
    let answers = 0;
    const careful = async (): Promise<void> => {
      while (!isOver) {
        statuses.add((await fetch(listUrl(), { headers: good })).status);
        answers += 1;
      }
    };
    const carefulOnes = careful();
    for (const [what, token] of Object.entries(forged)) {
      const headers = { authorization: `Bearer ${token}` };
      assert.equal((await fetch(listUrl(), { headers })).status, 401, what);
      for (const [client, path] of [
        [clients.edge, LIST],
        [clients.query, LIST],
        [clients.command, CREATE],
      ] as const) {
        const { code } = await call(client, path, requestFor(path, 'accountId', ACCOUNT), headers);
        assert.equal(code, status.UNAUTHENTICATED, what);
      }
    }
    // A flood of names of keys that nobody knows: each might make somebody ask for keys.
    const unknown = forged['kid: SQL']?.split('.') ?? assert.fail();
    const flood = Array.from({ length: 16 }, async (_, part) => {
      for (let count = 0; count < 40; count += 1) {
        const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: `${part}-${count}` }));
        const headers = { authorization: `Bearer ${[header.toString('base64url'), ...unknown.slice(1)].join('.')}` };
        const answer = await call(clients.query, LIST, requestFor(LIST, 'accountId', ACCOUNT), headers);
        assert.equal(answer.code, status.UNAUTHENTICATED);
        assert.equal((await fetch(listUrl(), { headers })).status, 401);
      }
    });
    await Promise.all(flood);
    isOver = true;
    await carefulOnes;
    assert.deepEqual([...statuses], [200]);
    assert.ok(answers > 10, `only ${answers} answers`);
  });

  it('stands hostile requests of those who have a good token', async () => {
    const service = await ServiceIdentity.of(mesh);
    const options = { mesh, seed: 20_261_128, durationMs: Infinity, identity: () => service.headers };
    try {
      for (const family of ['grpc', 'rest', 'http2'] as const) {
        const { findings } = await runFuzz({ ...options, only: [family], cases: [0, 59] });
        assert.deepEqual(findings, [], `npm run fuzz -- --auth --only ${family} looks for more`);
      }
    } finally {
      service.stop();
    }
  });

  it('asks for none on the older ports, whose clients know none: there Envoy speaks for them', async () => {
    for (const port of [mesh.ports.threads, mesh.ports.booking]) {
      const url = `http://127.0.0.1:${port}`;
      assert.equal((await create(url, {})).status, 200);
      const headers = { authorization: 'Basic b2xkZXI=', 'x-acting-for': OTHER_ACCOUNT };
      assert.equal((await fetch(listUrl(url), { headers })).status, 200);
    }
    assert.equal((await fetch(listUrl(`http://127.0.0.1:${mesh.ports.messenger}`))).status, 401);
  });

  it('ends a watch when its token does, and says where to go on', async () => {
    // The first answer opens the connection: a second is short.
    const token = await signer.sign({ subject: ACCOUNT, lifeMs: 4_000 });
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const stream = clients.edge.makeServerStreamRequest(
      ...([WATCH, (request: WatchThreadRequest) => Buffer.from(WatchThreadRequest.encode(request).finish())] as const),
      ...([(bytes: Buffer) => WatchThreadResponse.decode(bytes)] as const),
      ...([WatchThreadRequest.fromPartial({ accountId: ACCOUNT, threadId, fromVersion: 1n }), metadata] as const),
    );
    const told: (string | undefined)[] = [];
    stream.on('data', ({ content }: WatchThreadResponse) => told.push(content?.$case));
    stream.on('error', () => undefined);
    const events = fetch(`${mesh.url}/v1/threads/${threadId}/events?account_id=${ACCOUNT}&access_token=${token}`);
    const ended = await new Promise<StatusObject>((resolve) => stream.on('status', resolve));
    assert.equal(ended.code, status.UNAUTHENTICATED);
    const { reason, metadata: facts } = errorDetails(ended);
    assert.deepEqual([reason, facts.from_version], ['TOKEN_EXPIRED', '2']);
    assert.ok(told.includes('commit'));
    const text = await (await events).text();
    assert.match(text, /event: end\ndata: \{"reason":"TOKEN_EXPIRED".*"from_version":"2"\}\n\n$/);
  });

  it('changes its keys without refusing anybody, and then takes nothing that the old one has signed', async () => {
    const path = join(mesh.dataDir, KEY_RING_FILE);
    const [old] = readKeyRing(path).keys;
    const outOfOld = await bearerOf(ACCOUNT);
    const request = requestFor(LIST, 'accountId', ACCOUNT);
    const failures: string[] = [];
    const signedBy = new Set<string>();
    let calls = 0;
    let isOver = false;
    const load = async (client: Client): Promise<void> => {
      while (!isOver) {
        const headers = await bearerOf(ACCOUNT);
        const [head = ''] = (headers.authorization ?? '').slice('Bearer '.length).split('.');
        signedBy.add((JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }).kid);
        const { code, details } = await call(client, LIST, request, headers);
        calls += 1;
        if (code !== status.OK) failures.push(`${status[code]} ${details}`);
      }
    };
    const loads = [clients.edge, clients.edge, clients.query].map(load);
    // Envoy and the services ask every second here.
    const { keys } = await rotateKeys(path, { publishAheadMs: 4_000, tokenLifeMs: 3_000 });
    const retired = keys[0]?.retireAfter ?? assert.fail();
    await sleep(retired - Date.now() + 500);
    isOver = true;
    await Promise.all(loads);
    assert.deepEqual([...new Set(failures)], []);
    assert.ok(calls > 50, `${calls} calls`);
    assert.deepEqual(signedBy, new Set(keys.map(({ id }) => id)));
    assert.equal(keys[0]?.id, old?.id);
    // Each asks once more, and does not find it any longer.
    await eventually(async () => {
      assert.equal((await fetch(listUrl(), { headers: outOfOld })).status, 401);
      assert.equal((await call(clients.query, LIST, request, outOfOld)).code, status.UNAUTHENTICATED);
    }, 20_000);
  });
});
