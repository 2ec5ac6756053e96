import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { type ContractClient, contractClient, failureOf, type Message } from './testing/contract-clients.js';
import { eventually } from './testing/eventually.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

describe('threadweaver.thread.v1', function () {
  this.timeout(60_000);
  let commands: ContractClient;
  let queries: ContractClient;
  const administrator = newAccount();
  const member = newAccount();

  before(async () => {
    const { ports } = await sharedMesh();
    const authority = `127.0.0.1:${ports.envoy}`;
    commands = contractClient('threadweaver.thread.v1.ThreadCommandService', authority);
    queries = contractClient('threadweaver.thread.v1.ThreadQueryService', authority);
  });
  after(() => {
    commands?.close();
    queries?.close();
  });

  async function createThread(overrides: Message = {}): Promise<string> {
    const answer = await commands.call('CreateThread', {
      account_id: administrator,
      title: 'title',
      administrator_ids: [administrator],
      member_ids: [member],
      ...overrides,
    });
    assert.equal(answer.version, '1');
    return answer.thread_id as string;
  }
  const asAdministrator = (thread_id: string) => ({ account_id: administrator, thread_id });

  it('creates and gets a thread', async () => {
    const before = Date.now();
    const parent = await createThread();
    const id = await createThread({ parent_thread_id: parent, remarks: '', title: '😀'.repeat(255) });
    const { thread } = (await eventually(() => queries.call('GetThread', asAdministrator(id)))) as { thread: Message };
    const { create_time, update_time, ...rest } = thread;
    assert.deepEqual(rest, {
      id,
      creator_id: administrator,
      parent_thread_id: parent,
      title: '😀'.repeat(255),
      remarks: '',
      version: '1',
    });
    assert.deepEqual(create_time, update_time);
    const seconds = Number((create_time as { seconds: string }).seconds);
    assert.ok(seconds >= Math.floor(before / 1_000) && seconds <= Date.now() / 1_000);
  });

  it('lets administrators and members join and leave, and says who did', async () => {
    const id = await createThread();
    const [second, third] = [newAccount(), newAccount()];
    const of = asAdministrator(id);
    assert.deepEqual(
      await commands.call('JoinAdministratorIds', { ...of, administrator_ids: [second, administrator, third] }),
      { version: '2', joined_administrator_ids: [second, third] },
    );
    assert.deepEqual(await commands.call('LeaveAdministratorIds', { ...of, administrator_ids: [third, member] }), {
      version: '3',
      left_administrator_ids: [third],
    });
    assert.deepEqual(await commands.call('JoinMemberIds', { ...of, member_ids: [third, member] }), {
      version: '4',
      joined_member_ids: [third],
    });
    assert.deepEqual(await commands.call('LeaveMemberIds', { ...of, member_ids: [member] }), {
      version: '5',
      left_member_ids: [member],
    });
    await eventually(async () => {
      assert.deepEqual(await queries.call('ListAdministratorIds', of), {
        administrator_ids: [administrator, second],
        next_page_token: '',
      });
      assert.deepEqual(await queries.call('ListMemberIds', of), { member_ids: [third], next_page_token: '' });
    });
  });

  it('adds, lists and removes messages', async () => {
    const id = await createThread();
    const byMember = { account_id: member, thread_id: id };
    const added = await commands.call('AddMessages', { ...byMember, messages: [{ text: 'one' }] });
    const [first] = added.message_ids as [string];
    const reply = { reply_message_id: first, to_account_ids: [administrator], text: 'two' };
    const replied = await commands.call('AddMessages', { ...byMember, messages: [reply, { text: 'three' }] });
    const [second, third] = replied.message_ids as [string, string];
    const listed = await eventually(async () => {
      const answer = (await queries.call('ListMessages', byMember)) as { messages: Message[] };
      assert.equal(answer.messages.length, 3);
      return answer.messages;
    });
    const { create_time: _created, update_time: _updated, ...two } = listed[1] ?? {};
    assert.deepEqual(two, {
      id: second,
      thread_id: id,
      sender_id: member,
      reply_message_id: first,
      to_account_ids: [administrator],
      text: 'two',
      reactions: [],
    });
    const removed = await commands.call('RemoveMessages', { ...byMember, message_ids: [first, newAccount()] });
    assert.deepEqual(removed, { version: '4', message_ids: [first] });
    await eventually(async () => {
      const { messages } = (await queries.call('ListMessages', byMember)) as { messages: Message[] };
      assert.deepEqual(
        messages.map(({ id: messageId }) => messageId),
        [second, third],
      );
    });
  });

  it('lists threads in pages that hold everything once', async () => {
    const account_id = newAccount();
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push(await createThread({ member_ids: [account_id] }));
    await eventually(async () => {
      const seen: unknown[] = [];
      let page_token = '';
      do {
        const page = await queries.call('ListThreads', { account_id, page_size: 2, page_token });
        seen.push(...(page.threads as Message[]).map(({ id }) => id));
        page_token = page.next_page_token as string;
      } while (page_token !== '');
      assert.deepEqual(seen, ids);
    });
    const error = await failureOf(queries.call('ListThreads', { account_id, page_token: 'made up' }));
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.deepEqual(Object.keys(error.fields), ['page_token']);
  });

  it('destroys a thread, for every query and every further command', async () => {
    const id = await createThread();
    const of = asAdministrator(id);
    assert.deepEqual(await commands.call('DestroyThread', of), { version: '2' });
    await eventually(async () => {
      for (const query of ['GetThread', 'ListAdministratorIds', 'ListMemberIds', 'ListMessages']) {
        const { code, reason } = await failureOf(queries.call(query, of));
        assert.deepEqual([code, reason], [status.NOT_FOUND, 'THREAD_NOT_FOUND'], query);
      }
    });
    const { code, reason } = await failureOf(commands.call('JoinMemberIds', { ...of, member_ids: [newAccount()] }));
    assert.deepEqual([code, reason], [status.FAILED_PRECONDITION, 'THREAD_DESTROYED']);
  });

  it('hides a thread from strangers', async () => {
    const id = await createThread();
    await eventually(() => queries.call('GetThread', asAdministrator(id)));
    const asStranger = { account_id: newAccount(), thread_id: id };
    for (const query of ['GetThread', 'ListAdministratorIds', 'ListMemberIds', 'ListMessages']) {
      assert.equal((await failureOf(queries.call(query, asStranger))).code, status.NOT_FOUND, query);
    }
  });

  it('tells each rejection by a code and a stable reason', async () => {
    const id = await createThread();
    const of = asAdministrator(id);
    const { message_ids } = await commands.call('AddMessages', { ...of, messages: [{ text: 'x' }] });
    const asMember = { account_id: member, thread_id: id };
    const asStranger = { account_id: newAccount(), thread_id: id };
    const nowhere = { account_id: administrator, thread_id: newAccount() };
    const { PERMISSION_DENIED, FAILED_PRECONDITION, NOT_FOUND } = status;
    const expected: [string, Message, status, string][] = [
      ['DestroyThread', asMember, PERMISSION_DENIED, 'NOT_ADMINISTRATOR'],
      ['JoinMemberIds', { ...asMember, member_ids: [member] }, PERMISSION_DENIED, 'NOT_ADMINISTRATOR'],
      [
        'LeaveAdministratorIds',
        { ...of, administrator_ids: [administrator] },
        FAILED_PRECONDITION,
        'LAST_ADMINISTRATOR',
      ],
      ['AddMessages', { ...asStranger, messages: [{ text: 'x' }] }, PERMISSION_DENIED, 'NOT_PARTICIPANT'],
      ['RemoveMessages', { ...asMember, message_ids }, PERMISSION_DENIED, 'NOT_SENDER'],
      ['DestroyThread', nowhere, NOT_FOUND, 'THREAD_NOT_FOUND'],
      [
        'AddMessages',
        { ...of, messages: [{ text: 'x' }, { text: 'x', reply_message_id: newAccount() }] },
        FAILED_PRECONDITION,
        'REPLY_TARGET_NOT_FOUND',
      ],
      [
        'CreateThread',
        { account_id: member, title: '', administrator_ids: [member], parent_thread_id: newAccount() },
        FAILED_PRECONDITION,
        'PARENT_THREAD_NOT_FOUND',
      ],
    ];
    for (const [method, request, code, reason] of expected) {
      const failure = await failureOf(commands.call(method, request));
      assert.deepEqual([failure.code, failure.reason], [code, reason], method);
    }
  });
});
