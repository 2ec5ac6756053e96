import assert from 'node:assert/strict';
import { CannedServices } from './testing/canned-services.js';
import { get, post } from './testing/rest-call.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const thread = {
  id: '01DB5QXD4NP0XQTV92K42B3XBF',
  creatorId: '01DB5QXD4NP0XQTV92K42B3XBG',
  parentThreadId: null,
  title: '',
  remarks: null,
  createdAt: 10_000,
  updatedAt: 1_700_000_000_123,
};

/** Without what is absent. */
const given = (request: object) => JSON.parse(JSON.stringify(request)) as unknown;

describe("Envoy's REST: requests and answers", () => {
  let services: CannedServices;
  let envoy: TestEnvoy;
  before(async () => {
    services = await CannedServices.start();
    envoy = await startEnvoy(services.port);
  });
  after(async () => {
    await envoy.stop();
    services.stop();
  });

  it('prints times as numbers, absent texts as null and both names of a created id', async () => {
    services.answer({ response: { createdThreadId: thread.id, documentedThreadId: thread.id } });
    const created = await post(`${envoy.url}/v1/threads/create`, '{}');
    assert.equal(created.text, `{"threadId":"${thread.id}","thread_id":"${thread.id}","error_messages":[]}`);
    services.answer({ response: { result: thread } });
    const got = await get(`${envoy.url}/v1/threads/${thread.id}?account_id=a`);
    assert.equal(got.text, JSON.stringify({ result: thread, error_messages: [] }));
    assert.equal(got.headers.get('content-type'), 'application/json');
  });

  it('prints a rejection as 200 with a null id', async () => {
    services.answer({ response: { createdThreadId: null, documentedThreadId: null, errorMessages: ['no "way"'] } });
    const answer = await post(`${envoy.url}/v1/threads/create`, '{}');
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '{"threadId":null,"thread_id":null,"error_messages":["no \\"way\\""]}');
  });

  it('prints empty lists', async () => {
    services.answer({ response: {} });
    assert.equal((await get(`${envoy.url}/v1/threads?account_id=a`)).text, '{"results":[],"error_messages":[]}');
    assert.equal((await get(`${envoy.url}/v1/threads/t/member-ids`)).text, '{"results":[],"error_messages":[]}');
    assert.equal((await get(`${envoy.url}/v1/threads/t/messages`)).text, '{"result":[],"error_messages":[]}');
    const added = await post(`${envoy.url}/v1/threads/t/messages/add`, '{"messages":[]}');
    assert.equal(added.text, '{"messageIds":[],"error_messages":[]}');
  });

  it('serves the same on the older systems’ ports', async () => {
    services.answer({ response: {} });
    for (const port of [envoy.settings.threadsPort, envoy.settings.messengerPort, envoy.settings.bookingPort]) {
      assert.equal((await get(`http://127.0.0.1:${port}/v1/threads?account_id=a`)).status, 200);
    }
  });

  it('takes every path of the contract to its method', async () => {
    services.answer({ response: {} });
    const commands = {
      create: 'CreateThread',
      'T/destroy': 'DestroyThread',
      'T/administrator-ids/join': 'JoinAdministratorIds',
      'T/administrator-ids/leave': 'LeaveAdministratorIds',
      'T/member-ids/join': 'JoinMemberIds',
      'T/member-ids/leave': 'LeaveMemberIds',
      'T/messages/add': 'AddMessages',
      'T/messages/remove': 'RemoveMessages',
    };
    for (const [path, method] of Object.entries(commands)) {
      assert.equal((await post(`${envoy.url}/v1/threads/${path}`, '{}')).status, 200);
      assert.equal(services.lastCall.path, `/threadweaver.legacy.thread.v1.ThreadRestCommandService/${method}`);
    }
    const queries = {
      '/T': 'GetThread',
      '': 'ListThreads',
      '/T/administrator-ids': 'ListAdministratorIds',
      '/T/member-ids': 'ListMemberIds',
      '/T/messages': 'ListMessages',
    };
    for (const [path, method] of Object.entries(queries)) {
      assert.equal((await get(`${envoy.url}/v1/threads${path}`)).status, 200);
      assert.equal(services.lastCall.path, `/threadweaver.legacy.thread.v1.ThreadRestQueryService/${method}`);
    }
  });

  it('takes query parameters in snake and camel case, and passes over unknown ones', async () => {
    services.answer({ response: {} });
    await get(`${envoy.url}/v1/threads?account_id=a%20b&offset=5&limit=x&unknown=1`);
    assert.deepEqual(given(services.lastCall.request), { accountId: 'a b', offset: '5', limit: 'x' });
    await get(`${envoy.url}/v1/threads/T/messages?accountId=a+b`);
    assert.deepEqual(given(services.lastCall.request), { threadId: 'T', accountId: 'a b' });
  });

  it('brings ids to the service as the client meant them, whatever their characters', async () => {
    services.answer({ response: {} });
    await get(`${envoy.url}/v1/threads/a%2A%3E.%2F%25%C3%BC?account_id=%2A`);
    assert.equal(services.lastCall.request.threadId, 'a*>./%ü');
    assert.equal(services.lastCall.request.accountId, '*');
    await post(`${envoy.url}/v1/threads/%3E/destroy`, '{}');
    assert.equal(services.lastCall.request.threadId, '>');
  });

  it('lets no query parameter or body key beat the id in the path', async () => {
    services.answer({ response: {} });
    await get(`${envoy.url}/v1/threads/T?thread_id=OTHER&threadId=OTHER&account_id=a`);
    assert.equal(services.lastCall.request.threadId, 'T');
    await post(`${envoy.url}/v1/threads/T/destroy?thread_id=OTHER`, '{"threadId":"OTHER"}');
    assert.equal(services.lastCall.request.threadId, 'T');
  });

  it('passes over unknown fields, and hands on values of any type, for the service to name those that are wrong', async () => {
    services.answer({ response: {} });
    const body = {
      accountId: 'a',
      title: null,
      remarks: 5,
      administratorIds: ['b', null, { c: [true] }],
      createAt: 1.5,
    };
    assert.equal(
      (await post(`${envoy.url}/v1/threads/create`, JSON.stringify({ ...body, x: { y: [1] } }))).status,
      200,
    );
    assert.deepEqual(given(services.lastCall.request), body);
  });

  it('takes a body without a content type, and with a charset', async () => {
    services.answer({ response: {} });
    for (const type of ['', 'application/json; charset=utf-8', 'Application/JSON']) {
      const answer = await post(`${envoy.url}/v1/threads/create`, Buffer.from('{"accountId":"a"}'), {
        'content-type': type,
      });
      assert.equal(answer.status, 200, `content type ${type}`);
      assert.equal(services.lastCall.request.accountId, 'a');
    }
  });

  it('takes a body just below 4 MiB', async () => {
    services.answer({ response: {} });
    const body = JSON.stringify({ title: 'x'.repeat(4 * 1024 * 1024 - 100) });
    assert.equal((await post(`${envoy.url}/v1/threads/create`, body)).status, 200);
  });

  it('prints an answer of 5,000 messages of 255 emoji', async () => {
    const message = { ...thread, threadId: thread.id, senderId: thread.id, type: 'text', body: '😀'.repeat(255) };
    services.answer({ response: { result: Array.from({ length: 5_000 }, () => message) } });
    const answer = await get(`${envoy.url}/v1/threads/T/messages?account_id=a`);
    assert.equal(answer.status, 200);
    const { result } = answer.json as { result: { body: string }[] };
    assert.equal(result.length, 5_000);
    assert.equal(result[4_999]?.body, '😀'.repeat(255));
  });
});
