import assert from 'node:assert/strict';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount, newMessage, newThread, viewOf } from './testing/threads.js';

describe('The older REST API', function () {
  this.timeout(60_000);
  let rest: RestClient;
  before(async () => {
    rest = new RestClient((await sharedMesh()).url);
  });

  it('creates a thread under a parent, with what is absent as null', async () => {
    const parent = await newThread(rest);
    const underIt = { accountId: parent.member, parentThreadId: parent.id };
    const thread = await newThread(rest, { ...underIt, remarks: null, unknown: { field: 1 } });
    const { json } = (await viewOf(rest, thread)).thread;
    assert.deepEqual(json, {
      result: {
        id: thread.id,
        creatorId: parent.member,
        parentThreadId: parent.id,
        title: 'title',
        remarks: null,
        createdAt: 10_000,
        updatedAt: 10_000,
      },
      error_messages: [],
    });
  });

  it('takes ULIDs in lower case and answers in upper case', async () => {
    const account = newAccount();
    const lower = account.toLowerCase();
    const body = { accountId: lower, title: 't', administratorIds: [lower], memberIds: [], createAt: 1 };
    const { threadId } = (await rest.post('/v1/threads/create', body)).json as { threadId: string };
    await eventually(async () => {
      const answer = await rest.get(`/v1/threads/${threadId.toLowerCase()}?account_id=${lower}`);
      assert.equal(answer.json.result?.creatorId, account);
      assert.equal(answer.json.result.id, threadId);
    });
  });

  it('lets administrators join and leave, by either name of the list', async () => {
    const thread = await newThread(rest);
    const [second, third] = [newAccount(), newAccount()];
    const path = `/v1/threads/${thread.id}/administrator-ids`;
    const by = { accountId: thread.administrator, createAt: 20_000 };
    const ok = JSON.stringify({ threadId: thread.id, error_messages: [] });
    const administratorsAre = (...ids: string[]) =>
      eventually(async () => {
        assert.deepEqual((await viewOf(rest, thread)).administrators.json, { results: ids, error_messages: [] });
      });
    assert.equal((await rest.post(`${path}/join`, { ...by, accountIds: [second, third, second] })).text, ok);
    await administratorsAre(thread.administrator, second, third);
    assert.equal((await rest.post(`${path}/join`, { ...by, accountIds: [second] })).text, ok);
    assert.equal((await rest.post(`${path}/leave`, { ...by, administratorIds: [second] })).text, ok);
    await administratorsAre(thread.administrator, third);
    assert.equal((await rest.post(`${path}/leave`, { ...by, accountIds: [third, newAccount()] })).text, ok);
    await administratorsAre(thread.administrator);
  });

  it('lets members join and leave', async () => {
    const thread = await newThread(rest);
    const second = newAccount();
    const path = `/v1/threads/${thread.id}/member-ids`;
    const by = { accountId: thread.administrator, createAt: 20_000 };
    const ok = JSON.stringify({ threadId: thread.id, error_messages: [] });
    const membersAre = (...ids: string[]) =>
      eventually(async () => {
        assert.deepEqual((await viewOf(rest, thread)).members.json, { results: ids, error_messages: [] });
      });
    assert.equal((await rest.post(`${path}/join`, { ...by, accountIds: [second, thread.member] })).text, ok);
    await membersAre(thread.member, second);
    assert.equal((await rest.post(`${path}/leave`, { ...by, accountIds: [thread.member] })).text, ok);
    await membersAre(second);
  });

  it('adds messages, replies among them, and removes them', async () => {
    const thread = await newThread(rest);
    const first = await newMessage(rest, thread, 'first "quoted" 😀\nline');
    const added = await rest.post(`/v1/threads/${thread.id}/messages/add`, {
      accountId: thread.administrator,
      messages: [
        { replyMessageId: first, toAccountIds: [thread.member, thread.member], text: 'a' },
        { replyMessageId: null, toAccountIds: [], text: '😀'.repeat(255) },
      ],
      createAt: 20_000,
    });
    const [second, third] = added.json.messageIds as [string, string];
    assert.equal(added.text, JSON.stringify({ messageIds: [second, third], error_messages: [] }));
    await eventually(async () => {
      const { json } = (await viewOf(rest, thread)).messages;
      const about = { threadId: thread.id, type: 'text' };
      const { administrator, member } = thread;
      assert.deepEqual(json, {
        result: [
          {
            id: first,
            ...about,
            senderId: member,
            body: 'first "quoted" 😀\nline',
            createdAt: 10_000,
            updatedAt: 10_000,
          },
          { id: second, ...about, senderId: administrator, body: 'a', createdAt: 20_000, updatedAt: 20_000 },
          {
            id: third,
            ...about,
            senderId: administrator,
            body: '😀'.repeat(255),
            createdAt: 20_000,
            updatedAt: 20_000,
          },
        ],
        error_messages: [],
      });
    });
    const removed = await rest.post(`/v1/threads/${thread.id}/messages/remove`, {
      accountId: thread.administrator,
      messageIds: [second, newAccount()],
      createAt: 30_000,
    });
    assert.equal(removed.text, JSON.stringify({ messageIds: [second], error_messages: [] }));
    await eventually(async () => {
      const { json } = (await viewOf(rest, thread)).messages;
      assert.deepEqual(
        (json.result as { id: string }[]).map(({ id }) => id),
        [first, third],
      );
    });
  });

  it('lists the threads of an account as member or administrator, in pages', async () => {
    const account = newAccount();
    const other = newAccount();
    const ids: string[] = [];
    for (const [title, administratorIds, memberIds] of [
      ['one', [account], [account]],
      ['two', [other], [account]],
      ['not theirs', [other], []],
      ['three', [account, other], [other]],
    ] as const) {
      const body = { accountId: other, title, administratorIds, memberIds, createAt: 10_000 + ids.length };
      ids.push(((await rest.post('/v1/threads/create', body)).json as { threadId: string }).threadId);
    }
    const titles = async (query: string) => {
      const answer = await rest.get(`/v1/threads?account_id=${account}${query}`);
      assert.deepEqual(answer.json.error_messages, []);
      return (answer.json.results as { title: string }[]).map(({ title }) => title);
    };
    await eventually(async () => assert.deepEqual(await titles(''), ['one', 'two', 'three']));
    assert.deepEqual(await titles('&offset=1&limit=1'), ['two']);
    assert.deepEqual(await titles('&offset=3'), []);
    assert.deepEqual(await titles('&limit=0'), []);
    assert.equal((await rest.get(`/v1/threads?account_id=${newAccount()}`)).text, '{"results":[],"error_messages":[]}');
  });

  it('pages the lists of one thread', async () => {
    const members = Array.from({ length: 5 }, newAccount);
    const thread = await newThread(rest, { memberIds: members });
    const page = await rest.get(
      `/v1/threads/${thread.id}/member-ids?account_id=${thread.administrator}&offset=1&limit=2`,
    );
    assert.deepEqual(page.json, { results: members.slice(1, 3), error_messages: [] });
  });

  it('shows a thread only to its members and administrators', async () => {
    const thread = await newThread(rest);
    const stranger = newAccount();
    const notFound = '{"error_messages":["thread is not found"]}';
    const asStranger = await rest.get(`/v1/threads/${thread.id}?account_id=${stranger}`);
    assert.deepEqual([asStranger.status, asStranger.text], [404, notFound]);
    const noThread = await rest.get(`/v1/threads/${newAccount()}?account_id=${stranger}`);
    assert.deepEqual([noThread.status, noThread.text], [404, notFound]);
    assert.equal((await rest.get(`/v1/threads/${thread.id}?account_id=${thread.member}`)).status, 200);
    for (const [list, empty] of [
      ['administrator-ids', '{"results":[],"error_messages":[]}'],
      ['member-ids', '{"results":[],"error_messages":[]}'],
      ['messages', '{"result":[],"error_messages":[]}'],
    ]) {
      const answer = await rest.get(`/v1/threads/${thread.id}/${list}?account_id=${stranger}`);
      assert.deepEqual([answer.status, answer.text], [200, empty]);
    }
  });

  it('hides a destroyed thread from every query', async () => {
    const thread = await newThread(rest);
    await newMessage(rest, thread);
    const destroyed = await rest.post(`/v1/threads/${thread.id}/destroy`, {
      accountId: thread.administrator,
      createAt: 20_000,
    });
    assert.equal(destroyed.text, JSON.stringify({ threadId: thread.id, error_messages: [] }));
    await eventually(async () => {
      const { thread: got, administrators, members, messages } = await viewOf(rest, thread);
      assert.equal(got.status, 404);
      for (const list of [administrators, members]) assert.deepEqual(list.json.results, []);
      assert.deepEqual(messages.json.result, []);
      const threads = await rest.get(`/v1/threads?account_id=${thread.administrator}`);
      assert.deepEqual(threads.json.results, []);
    });
  });

  it('answers 404, 405 and 415 in the older shape', async () => {
    for (const [answer, status] of [
      [await rest.get('/v1/unknown'), 404],
      [await rest.post('/v1/threads', {}), 405],
      [await rest.post('/v1/threads/create', {}, { 'content-type': 'text/plain' }), 415],
    ] as const) {
      assert.equal(answer.status, status);
      assert.equal(answer.json.error_messages.length, 1);
    }
  });
});
