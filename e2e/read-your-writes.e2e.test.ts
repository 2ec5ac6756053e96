import assert from 'node:assert/strict';
import { status, type ServiceError } from '@grpc/grpc-js';
import type { RunningMesh } from '../mesh/local/index.js';
import { errorDetails } from '../platform/testing/error-info.js';
import { protoClient, type ProtoClient } from '../platform/testing/proto-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

const LOOPS = 1_000;
const ORIGIN = 'http://localhost:3000';

describe('reading one’s own writes through Envoy', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;
  let commands: ProtoClient;
  let queries: ProtoClient;
  let older: { readonly commands: ProtoClient; readonly queries: ProtoClient };

  before(async () => {
    mesh = await sharedMesh();
    const client = (file: string, service: string): ProtoClient =>
      protoClient(file, service, `127.0.0.1:${mesh.ports.envoy}`);
    commands = client(
      'threadweaver/thread/v1/thread_command_service.proto',
      'threadweaver.thread.v1.ThreadCommandService',
    );
    queries = client('threadweaver/thread/v1/thread_query_service.proto', 'threadweaver.thread.v1.ThreadQueryService');
    older = {
      commands: client('thread/thread_services.proto', 'thread.ThreadCommandService'),
      queries: client('thread/thread_services.proto', 'thread.ThreadQueryService'),
    };
  });
  after(() => [commands, queries, older.commands, older.queries].forEach((client) => client.close()));

  async function create(account: string): Promise<{ id: string; version: string; response: Response }> {
    const response = await fetch(`${mesh.url}/v1/threads/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: ORIGIN },
      body: JSON.stringify({
        accountId: account,
        title: 'mine',
        administratorIds: [account],
        memberIds: [],
        createAt: 1,
      }),
    });
    const { threadId: id } = (await response.json()) as { threadId: string };
    return { id, version: response.headers.get('x-thread-version') ?? '', response };
  }
  const get = (id: string, account: string, version: string): Promise<Response> =>
    fetch(`${mesh.url}/v1/threads/${id}?account_id=${account}`, { headers: { 'x-min-version': version } });

  async function byRest(): Promise<void> {
    const account = newAccount();
    const { id, version } = await create(account);
    const response = await get(id, account, version);
    const text = await response.text();
    assert.ok(response.status === 200 && text.includes(id), `${version} ${response.status} ${text}`);
  }

  async function byGrpc(): Promise<void> {
    const account = newAccount();
    const created = await commands.call('CreateThread', {
      account_id: account,
      title: 'mine',
      administrator_ids: [account],
    });
    const thread = { account_id: account, thread_id: created.thread_id };
    const messages = [{ text: 'hello' }];
    const { version, message_ids: ids } = await commands.call('AddMessages', { ...thread, messages });
    const listed = await queries.call('ListMessages', { ...thread, min_version: version });
    assert.deepEqual(
      (listed.messages as { id: string }[]).map(({ id }) => id),
      ids,
    );
  }

  it(`finds what was just created and posted, ${LOOPS} times of ${LOOPS}`, async () => {
    let loops = 0;
    const loop = async (): Promise<void> => {
      while (loops < LOOPS) await ((loops += 1) % 2 === 0 ? byRest() : byGrpc());
    };
    await Promise.all([loop(), loop(), loop(), loop()]);
  });

  it('names the version in the answers of the older commands, for browsers too', async () => {
    const account = newAccount();
    const { id, version, response } = await create(account);
    assert.equal(version, '1');
    assert.match(response.headers.get('access-control-expose-headers') ?? '', /x-thread-version/);
    const posted = await fetch(`${mesh.url}/v1/threads/${id}/messages/add`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ accountId: account, messages: [{ toAccountIds: [], text: 'x' }], createAt: 1 }),
    });
    assert.equal(posted.headers.get('x-thread-version'), '2');
    const preflight = await fetch(`${mesh.url}/v1/threads/${id}`, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'x-min-version,last-event-id',
      },
    });
    const allowed = preflight.headers.get('access-control-allow-headers') ?? '';
    assert.ok(allowed.includes('x-min-version') && allowed.includes('last-event-id'), allowed);
    const found = await older.queries.call(
      'GetMessages',
      { account_id: account, thread_id: id },
      { metadata: { 'x-min-version': '2' } },
    );
    assert.equal((found.messages as object[]).length, 1);
  });

  it('says so when the read model does not get there in time', async () => {
    const account = newAccount();
    await mesh.process('thread-projector').kill('SIGSTOP');
    try {
      const { id } = await create(account);
      const request = { account_id: account, thread_id: id, min_version: 1 };
      const error = await queries.call('GetThread', request, { timeoutMs: 3_000 }).then(
        () => assert.fail('it was found'),
        (thrown: unknown) => thrown as ServiceError,
      );
      assert.equal(error.code, status.DEADLINE_EXCEEDED);
      assert.deepEqual(errorDetails(error), {
        reason: 'READ_MODEL_BEHIND',
        metadata: { thread_id: id, wanted_version: '1', actual_version: '0' },
        fields: [],
      });
      const response = await get(id, account, '1');
      assert.equal(response.status, 504);
      const { error_messages: errors } = (await response.json()) as { error_messages: string[] };
      assert.deepEqual(errors, ['the read model has not got to version 1 in time, try again']);
      // Without a version nothing waits: it is just not there yet.
      assert.equal((await fetch(`${mesh.url}/v1/threads/${id}?account_id=${account}`)).status, 404);
      const found = get(id, account, '1');
      await mesh.process('thread-projector').kill('SIGCONT');
      assert.equal((await found).status, 200);
    } finally {
      await mesh.process('thread-projector').kill('SIGCONT');
    }
  });
});
