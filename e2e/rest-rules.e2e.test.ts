import assert from 'node:assert/strict';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { changesNothing, newAccount, newMessage, newThread, type TestThread, viewOf } from './testing/threads.js';

describe("The domain's rules, in the older REST API's words", function () {
  this.timeout(60_000);
  let rest: RestClient;
  let thread: TestThread;
  before(async () => {
    rest = new RestClient((await sharedMesh()).url);
  });
  beforeEach(async () => {
    thread = await newThread(rest);
  });

  /** A rejection is 200 with a null id, or with no message ids. */
  async function rejects(path: string, body: object, ...texts: string[]): Promise<void> {
    const answer = await rest.post(`/v1/threads/${path}`, { createAt: 20_000, ...body });
    const id = path.includes('/messages/') ? { messageIds: [] } : { threadId: null };
    assert.deepEqual([answer.status, answer.json], [200, { ...id, error_messages: texts }]);
  }

  const paths = [
    ['administrator-ids/join', 'senderId is not administrator'],
    ['administrator-ids/leave', 'senderId is not administrator'],
    ['member-ids/join', 'the senderId is not the administrator'],
    ['member-ids/leave', 'the senderId is not the administrator'],
    ['destroy', 'The senderId is not the administrator'],
  ] as const;
  for (const [path, text] of paths) {
    it(`only an administrator does ${path}`, async () => {
      await changesNothing(rest, thread, async () => {
        const accountIds = [newAccount(), thread.administrator];
        await rejects(`${thread.id}/${path}`, { accountId: thread.member, accountIds }, text);
        await rejects(`${thread.id}/${path}`, { accountId: newAccount(), accountIds }, text);
      });
    });
  }

  it('the last administrator cannot leave', async () => {
    await changesNothing(rest, thread, async () => {
      const body = { accountId: thread.administrator, accountIds: [thread.administrator, newAccount()] };
      await rejects(`${thread.id}/administrator-ids/leave`, body, 'Administrators can not be empty.');
    });
  });

  it('only a member or an administrator posts', async () => {
    await changesNothing(rest, thread, async () => {
      const body = { accountId: newAccount(), messages: [{ toAccountIds: [], text: 'x' }] };
      await rejects(`${thread.id}/messages/add`, body, 'The senderId is not the member');
    });
  });

  it('only its sender removes a message', async () => {
    const messageId = await newMessage(rest, thread);
    await changesNothing(rest, thread, async () => {
      const body = { accountId: thread.administrator, messageIds: [messageId] };
      await rejects(`${thread.id}/messages/remove`, body, 'The removerId is not the senderId');
    });
  });

  it('removing an unknown message changes nothing', async () => {
    await changesNothing(rest, thread, async () => {
      const body = { accountId: thread.member, messageIds: [newAccount()], createAt: 20_000 };
      const answer = await rest.post(`/v1/threads/${thread.id}/messages/remove`, body);
      assert.equal(answer.text, '{"messageIds":[],"error_messages":[]}');
    });
  });

  it('joining twice and leaving without being in change nothing', async () => {
    await changesNothing(rest, thread, async () => {
      const by = { accountId: thread.administrator, createAt: 20_000 };
      const ok = JSON.stringify({ threadId: thread.id, error_messages: [] });
      for (const [path, accountIds] of [
        ['administrator-ids/join', [thread.administrator]],
        ['administrator-ids/leave', [newAccount()]],
        ['member-ids/join', [thread.member]],
        ['member-ids/leave', [newAccount()]],
      ]) {
        assert.equal((await rest.post(`/v1/threads/${thread.id}/${String(path)}`, { ...by, accountIds })).text, ok);
      }
    });
  });

  it('a thread holds 5,000 messages, and not one more', async () => {
    const add = (count: number) =>
      rest.post(`/v1/threads/${thread.id}/messages/add`, {
        accountId: thread.member,
        messages: Array.from({ length: count }, () => ({ toAccountIds: [], text: '😀'.repeat(100) })),
        createAt: 20_000,
      });
    await rejects(
      `${thread.id}/messages/add`,
      { accountId: thread.member, messages: Array.from({ length: 5_001 }, () => ({ toAccountIds: [], text: 'x' })) },
      'The limit of messages size is over',
    );
    assert.equal(((await add(2_500)).json.messageIds as string[]).length, 2_500);
    assert.equal(((await add(2_500)).json.messageIds as string[]).length, 2_500);
    const oneMore = { accountId: thread.member, messages: [{ toAccountIds: [], text: 'x' }] };
    await rejects(`${thread.id}/messages/add`, oneMore, 'The limit of messages size is over');
    await eventually(async () => {
      assert.equal(((await viewOf(rest, thread)).messages.json.result as unknown[]).length, 5_000);
    }, 20_000);
  });

  it('a destroyed thread takes no command', async () => {
    const by = { accountId: thread.administrator, createAt: 20_000 };
    assert.equal((await rest.post(`/v1/threads/${thread.id}/destroy`, by)).status, 200);
    const text = 'already removed the thread';
    await rejects(`${thread.id}/destroy`, by, text);
    for (const [path] of paths) await rejects(`${thread.id}/${path}`, { ...by, accountIds: [newAccount()] }, text);
    await rejects(`${thread.id}/messages/add`, { ...by, messages: [{ toAccountIds: [], text: 'x' }] }, text);
    await rejects(`${thread.id}/messages/remove`, { ...by, messageIds: [newAccount()] }, text);
  });

  it('a thread that was never created takes no command', async () => {
    const by = { accountId: thread.administrator };
    const text = 'Not created yet';
    const id = newAccount();
    for (const [path] of paths) await rejects(`${id}/${path}`, { ...by, accountIds: [newAccount()] }, text);
    await rejects(`${id}/messages/add`, { ...by, messages: [{ toAccountIds: [], text: 'x' }] }, text);
    await rejects(`${id}/messages/remove`, { ...by, messageIds: [newAccount()] }, text);
  });

  it('a reply is to a message of the same thread, and a parent exists', async () => {
    const elsewhere = await newMessage(rest, await newThread(rest));
    await changesNothing(rest, thread, async () => {
      const messages = [
        { toAccountIds: [], text: 'fine' },
        { replyMessageId: elsewhere, toAccountIds: [], text: 'not fine' },
      ];
      const answer = await rest.post(`/v1/threads/${thread.id}/messages/add`, { accountId: thread.member, messages });
      assert.deepEqual(answer.json.messageIds, []);
      assert.deepEqual(answer.json.error_messages.length, 1);
      assert.match(answer.json.error_messages[0] as string, /^messages\[1\]\.replyMessageId: /);
    });
    const under = (parentThreadId: string) => {
      const orphan = { accountId: thread.member, parentThreadId, title: 't', memberIds: [] };
      return rest.post('/v1/threads/create', { ...orphan, administratorIds: [thread.member] });
    };
    const missing = await under(newAccount());
    assert.equal(missing.status, 200);
    assert.equal(missing.json.threadId, null);
    assert.match(missing.json.error_messages[0] as string, /^parentThreadId: /);
    // Nor does anybody learn that way which threads there are.
    const foreign = await under((await newThread(rest)).id);
    assert.deepEqual([foreign.status, foreign.text], [missing.status, missing.text]);
    assert.notEqual((await under(thread.id)).json.threadId, null);
  });
});
