import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { type ContractClient, contractClient, failureOf } from './testing/contract-clients.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount, newThread, viewOf } from './testing/threads.js';

describe('A repeated command', function () {
  this.timeout(60_000);
  let rest: RestClient;
  let commands: ContractClient;
  before(async () => {
    const { url, ports } = await sharedMesh();
    rest = new RestClient(url);
    commands = contractClient('threadweaver.thread.v1.ThreadCommandService', `127.0.0.1:${ports.envoy}`);
  });
  after(() => commands?.close());

  it('with the same request_id gets the first answer and changes nothing', async () => {
    const account_id = newAccount();
    const create = { request_id: randomUUID(), account_id, title: 't', administrator_ids: [account_id] };
    const [first, ...repeats] = await Promise.all([1, 2, 3].map(() => commands.call('CreateThread', create)));
    repeats.push(await commands.call('CreateThread', create));
    for (const repeat of repeats) assert.deepEqual(repeat, first);

    const add = { request_id: 'add-1', account_id, thread_id: first?.thread_id, messages: [{ text: 'once' }] };
    const answers = [await commands.call('AddMessages', add), await commands.call('AddMessages', add)];
    assert.deepEqual(answers[0], answers[1]);
    const other = await commands.call('AddMessages', { ...add, request_id: 'add-2' });
    assert.equal(other.version, '3');

    await eventually(async () => {
      const view = await viewOf(rest, { id: first?.thread_id as string, administrator: account_id, member: '' });
      assert.equal((view.messages.json.result as unknown[]).length, 2);
      const threads = await rest.get(`/v1/threads?account_id=${account_id}`);
      assert.equal((threads.json.results as unknown[]).length, 1);
    });
  });

  it('of another account with the same request_id is a command of its own', async () => {
    const request_id = randomUUID();
    const create = (account_id: string) =>
      commands.call('CreateThread', { request_id, account_id, title: 't', administrator_ids: [account_id] });
    const [one, other] = await Promise.all([create(newAccount()), create(newAccount())]);
    assert.notEqual(one.thread_id, other.thread_id);
  });

  it('that was rejected stays rejected or is tried anew, but never half-done', async () => {
    const thread = await newThread(rest);
    const leave = {
      request_id: 'leave',
      account_id: thread.administrator,
      thread_id: thread.id,
      administrator_ids: [thread.administrator],
    };
    for (let attempt = 0; attempt < 2; attempt += 1) {
      assert.equal((await failureOf(commands.call('LeaveAdministratorIds', leave))).code, status.FAILED_PRECONDITION);
    }
    assert.deepEqual((await viewOf(rest, thread)).administrators.json.results, [thread.administrator]);
  });

  it('through REST is known by its x-request-id and content', async () => {
    const accountId = newAccount();
    const ids = [accountId];
    const body = { accountId, title: 't', administratorIds: ids, memberIds: ids, createAt: 10_000 };
    const headers = { 'x-request-id': randomUUID() };
    const first = await rest.post('/v1/threads/create', body, headers);
    const repeat = await rest.post('/v1/threads/create', body, headers);
    assert.equal(repeat.text, first.text);
    const other = await rest.post('/v1/threads/create', { ...body, title: 'other' }, headers);
    assert.notEqual(other.json.threadId, first.json.threadId);

    const path = `/v1/threads/${first.json.threadId as string}/messages/add`;
    const add = { accountId, messages: [{ toAccountIds: [], text: 'once' }], createAt: 10_000 };
    const added = await rest.post(path, add, headers);
    assert.equal((await rest.post(path, add, headers)).text, added.text);
    assert.notEqual((await rest.post(path, add)).text, added.text);
    await eventually(async () => {
      const thread = { id: first.json.threadId as string, administrator: accountId, member: accountId };
      assert.equal(((await viewOf(rest, thread)).messages.json.result as unknown[]).length, 2);
    });
  });
});
