import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { type ContractClient, contractClient, failureOf, type Message, rawCall } from './testing/contract-clients.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount, newMessage, newThread } from './testing/threads.js';

const { INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION } = status;

describe("What a chat's users expect, by gRPC through Envoy", function () {
  this.timeout(60_000);
  let rest: RestClient;
  let commands: ContractClient;
  let queries: ContractClient;
  let legacyQueries: ContractClient;
  let authority: string;
  const administrator = newAccount();
  const member = newAccount();

  before(async () => {
    const { url, ports } = await sharedMesh();
    authority = `127.0.0.1:${ports.envoy}`;
    rest = new RestClient(url);
    commands = contractClient('threadweaver.thread.v1.ThreadCommandService', authority);
    queries = contractClient('threadweaver.thread.v1.ThreadQueryService', authority);
    legacyQueries = contractClient('thread.ThreadQueryService', authority);
  });
  after(() => [commands, queries, legacyQueries].forEach((client) => client?.close()));

  async function newChat(overrides: Message = {}): Promise<string> {
    const { thread_id } = await commands.call('CreateThread', {
      account_id: administrator,
      title: 'title',
      remarks: 'remarks',
      administrator_ids: [administrator],
      member_ids: [member],
      ...overrides,
    });
    return thread_id as string;
  }

  async function post(thread_id: string, account_id: string, ...texts: string[]): Promise<string[]> {
    const messages = texts.map((text) => ({ text }));
    const { message_ids } = await commands.call('AddMessages', { account_id, thread_id, messages });
    return message_ids as string[];
  }

  /** Calls with a request id, repeats that, and repeats with another id; the first two have the same answer. */
  async function once(method: string, request: Message): Promise<Message> {
    const identified = { ...request, request_id: randomUUID() };
    const answers = await Promise.all([commands.call(method, identified), commands.call(method, identified)]);
    answers.push(await commands.call(method, identified));
    for (const answer of answers) assert.deepEqual(answer, answers[0], method);
    return answers[0] as Message;
  }

  const listed = async (thread_id: string, account_id = member): Promise<Message[]> =>
    (await queries.call('ListMessages', { account_id, thread_id })).messages as Message[];

  it('edits a message in its place, once, for every API', async () => {
    const id = await newChat();
    const [first] = (await post(id, member, 'before', 'second')) as [string];
    const edit = { account_id: member, thread_id: id, message_id: first, text: '😀'.repeat(255) };
    assert.deepEqual(await once('EditMessage', edit), { version: '3' });
    await eventually(async () => {
      const [edited, second] = (await listed(id)) as [Message, Message];
      assert.deepEqual([edited.id, edited.text, second.text], [first, '😀'.repeat(255), 'second']);
      assert.notDeepEqual(edited.update_time, edited.create_time);
      assert.deepEqual(second.update_time, second.create_time);
    });
    const { messages } = (await legacyQueries.call('GetMessages', { account_id: member, thread_id: id })) as {
      messages: Message[];
    };
    assert.equal(messages[0]?.body, '😀'.repeat(255));
    const { json } = await rest.get(`/v1/threads/${id}/messages?account_id=${member}`);
    assert.equal((json.result as Message[])[0]?.body, '😀'.repeat(255));
  });

  it('changes title and remarks by a field mask', async () => {
    const id = await newChat();
    const of = { account_id: administrator, thread_id: id };
    assert.deepEqual(await once('UpdateThread', { ...of, title: 'new' }), { version: '2' });
    const mask = { update_mask: { paths: ['remarks'] } };
    assert.deepEqual(await once('UpdateThread', { ...of, title: 'not named', ...mask }), { version: '3' });
    await eventually(async () => {
      const { thread } = (await queries.call('GetThread', of)) as { thread: Message };
      assert.deepEqual([thread.title, thread.remarks, thread.version], ['new', undefined, '3']);
    });
    const { json } = await rest.get(`/v1/threads/${id}?account_id=${member}`);
    const result = json.result as Message;
    assert.deepEqual([result.title, result.remarks], ['new', null]);
  });

  it('counts reactions, each account once', async () => {
    const id = await newChat();
    const [message_id] = await post(id, member, 'text');
    const react = (account_id: string, reaction: string) => ({ account_id, thread_id: id, message_id, reaction });
    assert.deepEqual(await once('AddReaction', react(member, '👩‍❤️‍💋‍👨')), { version: '3' });
    assert.deepEqual(await commands.call('AddReaction', react(administrator, '👩‍❤️‍💋‍👨')), { version: '4' });
    assert.deepEqual(await commands.call('AddReaction', react(administrator, '🇫🇷')), { version: '5' });
    // Adding what is there, by a new request, changes nothing.
    await commands.call('AddReaction', react(administrator, '🇫🇷'));
    assert.deepEqual(await once('RemoveReaction', react(member, '👩‍❤️‍💋‍👨')), { version: '7' });
    await commands.call('RemoveReaction', react(member, '👍'));
    await eventually(async () => {
      assert.deepEqual((await listed(id))[0]?.reactions, [
        { reaction: '👩‍❤️‍💋‍👨', count: 1, added_by_account: false },
        { reaction: '🇫🇷', count: 1, added_by_account: false },
      ]);
      const { thread } = (await queries.call('GetThread', { account_id: member, thread_id: id })) as {
        thread: Message;
      };
      assert.equal(thread.version, '8');
    });
    assert.deepEqual((await listed(id, administrator))[0]?.reactions, [
      { reaction: '👩‍❤️‍💋‍👨', count: 1, added_by_account: true },
      { reaction: '🇫🇷', count: 1, added_by_account: true },
    ]);
  });

  it('knows what is unread, and moves the mark forward only', async () => {
    const id = await newChat();
    const [m1, m2, m3] = await post(id, administrator, 'one', 'two', 'three');
    await post(id, member, 'mine');
    const state = (account_id: string) => queries.call('GetReadState', { account_id, thread_id: id });
    const mark = (message_id: unknown) => ({ account_id: member, thread_id: id, message_id });
    await eventually(async () => assert.deepEqual(await state(administrator), { unread_count: 1 }));
    assert.deepEqual(await state(member), { unread_count: 3 });
    assert.deepEqual(await once('MarkRead', mark(m2)), { version: '4' });
    await commands.call('MarkRead', mark(m1));
    await eventually(async () => {
      assert.deepEqual(await state(member), { last_read_message_id: m2, unread_count: 1 });
      const { thread } = (await queries.call('GetThread', { account_id: member, thread_id: id })) as {
        thread: Message;
      };
      assert.equal(thread.version, '5');
    });
    await commands.call('RemoveMessages', { account_id: administrator, thread_id: id, message_ids: [m2, m3] });
    await eventually(async () => assert.deepEqual(await state(member), { last_read_message_id: m1, unread_count: 0 }));
  });

  it('lists recent threads, the children of a thread, and the messages around one', async () => {
    const account_id = newAccount();
    const parent = await newChat({ member_ids: [account_id] });
    const child = await newChat({ member_ids: [account_id], parent_thread_id: parent });
    await newChat({ parent_thread_id: parent });
    const ids = await post(parent, administrator, 'one', 'two', 'three', 'four', 'five');
    await eventually(async () => {
      const { threads } = (await queries.call('ListRecentThreads', { account_id })) as { threads: Message[] };
      assert.deepEqual(
        threads.map(({ thread, last_message, unread_count }) => [
          (thread as Message).id,
          (last_message as Message | null)?.text,
          unread_count,
        ]),
        [
          [parent, 'five', 5],
          [child, undefined, 0],
        ],
      );
    });
    await post(child, administrator, 'newest');
    // Created in the year 9999 and posted to in 1970, as older clients may say: neither counts.
    const late = { memberIds: [account_id], createAt: 253_402_300_799_999 };
    const last = await newThread(rest, late);
    await newMessage(rest, { ...last, member: account_id });
    await eventually(async () => {
      for (const list of ['ListThreads', 'ListRecentThreads']) {
        const { threads } = (await queries.call(list, { account_id })) as { threads: Message[] };
        const ids = threads.map(({ id, thread }) => id ?? (thread as Message).id);
        assert.deepEqual(ids, list === 'ListThreads' ? [parent, child, last.id] : [last.id, child, parent]);
      }
    });
    await post(child, administrator, 'newer');
    await eventually(async () => {
      const { threads } = (await queries.call('ListRecentThreads', { account_id })) as { threads: Message[] };
      assert.deepEqual(
        threads.map(({ thread }) => (thread as Message).id),
        [child, last.id, parent],
      );
    });
    const of = { account_id, thread_id: parent };
    const children = (await queries.call('ListChildThreads', of)) as { threads: Message[] };
    assert.deepEqual(
      children.threads.map(({ id }) => id),
      [child],
    );
    for (const [place, expected] of [
      [{ before_message_id: ids[2] }, ids.slice(0, 2)],
      [{ after_message_id: ids[2] }, ids.slice(3)],
      [{ around_message_id: ids[2], page_size: 3 }, ids.slice(1, 4)],
    ] as const) {
      const { messages } = (await queries.call('ListMessages', { ...of, ...place })) as { messages: Message[] };
      assert.deepEqual(
        messages.map(({ id }) => id),
        expected,
      );
    }
  });

  it("searches an account's own messages", async () => {
    const id = await newChat();
    const word = `W${newAccount()}`;
    const [own] = await post(id, member, `Größe of ${word}`);
    await post(id, administrator, `another ${word}`);
    const found = async (request: Message) =>
      ((await queries.call('SearchMessages', { account_id: member, ...request })).messages as Message[]).map(
        (message) => message.id,
      );
    await eventually(async () => assert.equal((await found({ query: word })).length, 2));
    assert.deepEqual(await found({ query: `grosse ${word.slice(0, 20).toLowerCase()}`, sender_id: member }), [own]);
    assert.deepEqual(await found({ query: `-another +${word}`, thread_id: id }).then(({ length }) => length), 1);
    assert.deepEqual(await found({ account_id: newAccount(), query: word }), []);
  });

  it('tells each rejection by a code and a stable reason', async () => {
    const id = await newChat();
    const [message_id] = await post(id, member, 'text');
    const by = (account_id: string) => ({ account_id, thread_id: id, message_id });
    const stranger = newAccount();
    const nowhere = { account_id: member, thread_id: newAccount(), message_id };
    const gone = { ...by(member), message_id: newAccount() };
    const expected: [string, Message, status, string][] = [
      ['EditMessage', { ...by(administrator), text: 'x' }, PERMISSION_DENIED, 'NOT_SENDER'],
      ['UpdateThread', { ...by(member), title: 'x', message_id: undefined }, PERMISSION_DENIED, 'NOT_ADMINISTRATOR'],
      ...(['EditMessage', 'AddReaction', 'RemoveReaction', 'MarkRead'] as const).flatMap(
        (method): [string, Message, status, string][] => {
          const content = { text: 'x', reaction: '👍' };
          return [
            [method, { ...by(stranger), ...content }, PERMISSION_DENIED, 'NOT_PARTICIPANT'],
            [method, { ...gone, ...content }, NOT_FOUND, 'MESSAGE_NOT_FOUND'],
            [method, { ...nowhere, ...content }, NOT_FOUND, 'THREAD_NOT_FOUND'],
          ];
        },
      ),
    ];
    for (const [method, request, code, reason] of expected) {
      const failure = await failureOf(commands.call(method, request));
      assert.deepEqual([failure.code, failure.reason], [code, reason], method);
    }
    for (let index = 0; index < 20; index += 1) {
      await commands.call('AddReaction', { ...by(member), reaction: String.fromCodePoint(0x1f600 + index) });
    }
    const tooMany = await failureOf(commands.call('AddReaction', { ...by(member), reaction: '👍' }));
    assert.deepEqual([tooMany.code, tooMany.reason], [FAILED_PRECONDITION, 'TOO_MANY_REACTIONS']);
  });

  it('names every field that is wrong, and changes nothing', async () => {
    const id = await newChat();
    const [message_id] = await post(id, member, 'text');
    const bad = { request_id: 'a b', account_id: 'x', thread_id: '', message_id: "'; --" };
    const common = ['request_id', 'account_id', 'thread_id'];
    const of = { account_id: member, thread_id: id, message_id };
    const long = '😀'.repeat(256);
    const refusals: [string, Message, string[]][] = [
      ['EditMessage', { ...bad, text: '' }, [...common, 'message_id', 'text']],
      ['EditMessage', { ...of, text: long }, ['text']],
      ['AddReaction', { ...bad, reaction: '' }, [...common, 'message_id', 'reaction']],
      ...['a b', '👍 ', 'a\u202e', '👍'.repeat(5_000)].map((reaction): [string, Message, string[]] => [
        'AddReaction',
        { ...of, reaction },
        ['reaction'],
      ]),
      ['RemoveReaction', { ...bad, reaction: ' ' }, [...common, 'message_id', 'reaction']],
      ['MarkRead', bad, [...common, 'message_id']],
      ['UpdateThread', { ...bad, message_id: undefined }, [...common, 'update_mask']],
      ['UpdateThread', { account_id: administrator, thread_id: id, title: long, remarks: long }, ['title', 'remarks']],
      [
        'UpdateThread',
        { account_id: administrator, thread_id: id, update_mask: { paths: ['title', 'creator_id', '../x'] } },
        ['title', 'update_mask[1]', 'update_mask[2]'],
      ],
    ];
    for (const [method, request, fields] of refusals) {
      const failure = await failureOf(commands.call(method, request));
      assert.deepEqual([failure.code, Object.keys(failure.fields).sort()], [INVALID_ARGUMENT, fields.sort()], method);
    }
    // Field 5 (text, reaction) and the mask's path, of bytes that are no UTF-8.
    for (const [method, bytes, field] of [
      ['EditMessage', [0x2a, 2, 0xff, 0xfe], 'text'],
      ['AddReaction', [0x2a, 2, 0xff, 0xfe], 'reaction'],
      ['UpdateThread', [0x32, 4, 0x0a, 2, 0xff, 0xfe], 'update_mask[0]'],
    ] as const) {
      const path = `/threadweaver.thread.v1.ThreadCommandService/${method}`;
      const failure = await failureOf(rawCall(authority, path, Buffer.from(bytes)));
      assert.deepEqual([failure.code, Object.keys(failure.fields)], [INVALID_ARGUMENT, [field]], method);
    }
    for (const [method, request, fields] of [
      ['GetReadState', { account_id: 'x' }, ['account_id', 'thread_id']],
      ['ListRecentThreads', { account_id: '', page_size: -1 }, ['account_id', 'page_size']],
      ['ListChildThreads', { page_token: '*' }, ['account_id', 'page_token', 'thread_id']],
      [
        'ListMessages',
        { ...of, before_message_id: '', around_message_id: id },
        ['around_message_id', 'before_message_id'],
      ],
      ['SearchMessages', { account_id: member, query: '+ - * " ( ) @ ~ < >' }, ['query']],
      ['SearchMessages', { account_id: member, query: 'x'.repeat(10_000), sender_id: '' }, ['query', 'sender_id']],
    ] as [string, Message, string[]][]) {
      const failure = await failureOf(queries.call(method, request));
      assert.deepEqual([failure.code, Object.keys(failure.fields).sort()], [INVALID_ARGUMENT, fields], method);
    }
    // The thread's version would tell any of them that was taken.
    assert.deepEqual(await commands.call('MarkRead', of), { version: '3' });
  });
});
