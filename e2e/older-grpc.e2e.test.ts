import assert from 'node:assert/strict';
import { type ContractClient, contractClient, type Message } from './testing/contract-clients.js';
import { eventually } from './testing/eventually.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

describe('The older gRPC package', function () {
  this.timeout(60_000);
  let commands: ContractClient;
  let queries: ContractClient;
  const administrator = newAccount();
  const member = newAccount();

  before(async () => {
    const { ports } = await sharedMesh();
    const authority = `127.0.0.1:${ports.threads}`;
    commands = contractClient('thread.ThreadCommandService', authority);
    queries = contractClient('thread.ThreadQueryService', authority);
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
      create_at: 10_000,
      ...overrides,
    });
    assert.deepEqual([answer.is_successful, answer.error_messages], [true, []]);
    return answer.thread_id as string;
  }
  const ok = (thread_id: string) => ({ is_successful: true, thread_id, error_messages: [] });
  const byAdministrator = (thread_id: string) => ({ account_id: administrator, thread_id, create_at: 20_000 });

  it('creates and gets a thread with parent and remarks', async () => {
    const parent_id = await createThread();
    const id = await createThread({ has_parent_id: true, parent_id, has_remarks: true, remarks: 'remarks' });
    await eventually(async () => {
      assert.deepEqual(await queries.call('GetThread', { thread_id: id, account_id: member }), {
        is_successful: true,
        message: {
          id,
          creator_id: administrator,
          has_parent_id: true,
          parent_id,
          title: 'title',
          has_remarks: true,
          remarks: 'remarks',
          createdAt: '10000',
          updatedAt: '10000',
        },
        error_messages: [],
      });
    });
  });

  it('passes over a parent and remarks that are not said to be there', async () => {
    const id = await createThread({ parent_id: 'no ULID', remarks: 'x'.repeat(300) });
    await eventually(async () => {
      const { message } = (await queries.call('GetThread', { thread_id: id, account_id: member })) as {
        message: Message;
      };
      assert.deepEqual([message.has_parent_id, message.has_remarks], [false, false]);
    });
  });

  it('lets administrators and members join and leave', async () => {
    const id = await createThread();
    const account_ids = [newAccount()];
    for (const method of ['JoinAdministratorIds', 'LeaveAdministratorIds', 'JoinMemberIds', 'LeaveMemberIds']) {
      assert.deepEqual(await commands.call(method, { ...byAdministrator(id), account_ids }), ok(id), method);
    }
  });

  it('adds, lists and removes messages', async () => {
    const id = await createThread();
    const by = { account_id: member, thread_id: id, create_at: 20_000 };
    const one = await commands.call('AddMessages', { ...by, messages: [{ text: 'one', reply_message_id: 'ignored' }] });
    const [first] = one.message_ids as [string];
    const reply = { has_reply_message_id: true, reply_message_id: first, to_account_ids: [administrator], text: 'two' };
    const two = await commands.call('AddMessages', { ...by, messages: [reply] });
    assert.deepEqual([two.is_successful, two.error_messages], [true, []]);
    await eventually(async () => {
      const answer = await queries.call('GetMessages', {
        ...by,
        has_offset: true,
        offset: 0,
        has_limit: true,
        limit: 1,
      });
      assert.deepEqual(answer, {
        is_successful: true,
        messages: [{ id: first, sender_id: member, type: 'text', body: 'one', createdAt: '20000', updatedAt: '20000' }],
        error_messages: [],
      });
    });
    assert.deepEqual(await commands.call('RemoveMessages', { ...by, message_ids: [first] }), {
      is_successful: true,
      message_ids: [first],
      error_messages: [],
    });
    await eventually(async () => {
      const { messages } = (await queries.call('GetMessages', by)) as { messages: Message[] };
      assert.deepEqual(
        messages.map(({ body }) => body),
        ['two'],
      );
    });
  });

  it('lists threads by offset and limit', async () => {
    const account_id = newAccount();
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1)
      ids.push(await createThread({ member_ids: [account_id], create_at: 10_000 + count }));
    const page = async (window: Message) => {
      const answer = await queries.call('GetThreads', { account_id, ...window });
      assert.equal(answer.is_successful, true);
      return (answer.messages as Message[]).map(({ id }) => id);
    };
    await eventually(async () => assert.deepEqual(await page({}), ids));
    assert.deepEqual(await page({ has_offset: true, offset: 1, has_limit: true, limit: 1 }), [ids[1]]);
  });

  it('destroys a thread', async () => {
    const id = await createThread();
    assert.deepEqual(await commands.call('DestroyThread', byAdministrator(id)), ok(id));
    await eventually(async () => {
      const answer = await queries.call('GetThread', { thread_id: id, account_id: administrator });
      assert.deepEqual([answer.is_successful, answer.error_messages], [false, ['thread is not found']]);
    });
  });

  it('tells rejections as answers', async () => {
    const id = await createThread();
    const account_ids = [newAccount()];
    const asMember = { account_id: member, thread_id: id };
    const asStranger = { account_id: newAccount(), thread_id: id };
    const nowhere = { account_id: administrator, thread_id: newAccount() };
    const expected: [string, Message, string][] = [
      ['DestroyThread', asMember, 'The senderId is not the administrator'],
      ['JoinAdministratorIds', { ...asMember, account_ids }, 'senderId is not administrator'],
      ['LeaveAdministratorIds', { ...asMember, account_ids }, 'senderId is not administrator'],
      ['JoinMemberIds', { ...asMember, account_ids }, 'the senderId is not the administrator'],
      ['LeaveMemberIds', { ...asMember, account_ids }, 'the senderId is not the administrator'],
      ['AddMessages', { ...asStranger, messages: [{ text: 'x' }] }, 'The senderId is not the member'],
      ['DestroyThread', nowhere, 'Not created yet'],
    ];
    for (const [method, request, text] of expected) {
      const answer = await commands.call(method, request);
      assert.deepEqual([answer.is_successful, answer.error_messages], [false, [text]], method);
    }
  });

  it('hides a thread from strangers', async () => {
    const id = await createThread();
    await eventually(async () => {
      assert.equal((await queries.call('GetThread', { thread_id: id, account_id: member })).is_successful, true);
    });
    const asStranger = { thread_id: id, account_id: newAccount() };
    const answer = await queries.call('GetThread', asStranger);
    assert.deepEqual([answer.is_successful, answer.error_messages], [false, ['thread is not found']]);
    assert.deepEqual((await queries.call('GetMessages', asStranger)).messages, []);
  });
});
