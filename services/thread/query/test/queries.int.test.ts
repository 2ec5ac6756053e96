import assert from 'node:assert/strict';
import { status, type ServiceError } from '@grpc/grpc-js';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { commitAt, commitOf, messagesAdded, threadCreated } from '../../projector/test/projection-fixture.js';
import { openQueries, type Queries } from './query-fixture.js';

const [admin, member, stranger] = [ulid(), ulid(), ulid()];
const title = `50 % \\_ '"; DROP TABLE threads; -- 😀`;

describe('thread queries', () => {
  let queries: Queries;
  const thread = ulid();
  const bare = ulid();
  const destroyed = ulid();
  const parent = ulid();
  const messageIds = Array.from({ length: 5 }, () => ulid());

  before(async () => {
    queries = await openQueries();
    const people = { creatorId: admin, administratorIds: [admin], memberIds: [member, admin] };
    await queries.model.save(
      commitOf(
        thread,
        1,
        threadCreated(thread, { ...people, title, remarks: '', parentThreadId: parent, occurredAt: 5_000 }),
      ),
      commitOf(
        thread,
        2,
        messagesAdded(
          member,
          messageIds.map((id, index) => ({ id, text: `No. ${index} 😀` })),
          6_000,
        ),
      ),
      commitOf(thread, 3, {
        type: 'MessagesAdded',
        senderId: admin,
        messages: [
          { id: '01DB5QXD4NP0XQTV92K42B3XBF', text: 'Reply', replyMessageId: messageIds[0], toAccountIds: [member] },
        ],
        occurredAt: 7_000,
      }),
      commitAt(0, bare, 1, threadCreated(bare, { creatorId: admin, occurredAt: 0 })),
      commitOf(destroyed, 1, threadCreated(destroyed, people)),
      commitOf(destroyed, 2, { type: 'ThreadDestroyed', accountId: admin, occurredAt: 9_000 }),
    );
  });
  after(() => queries.close());

  async function refusal(call: Promise<unknown>): Promise<[status, string]> {
    try {
      await call;
    } catch (error) {
      const { code, details } = error as ServiceError;
      return [code, details];
    }
    throw new Error('it was not refused');
  }

  describe('v1', () => {
    it('gives a thread to its administrators and members, exactly', async () => {
      for (const account of [admin, member, member.toLowerCase()]) {
        const { thread: found } = await queries.v1.call('GetThread', { account_id: account, thread_id: thread });
        assert.deepEqual(found, {
          id: thread,
          creator_id: admin,
          parent_thread_id: parent,
          title,
          remarks: '',
          create_time: { seconds: '5', nanos: 0 },
          update_time: { seconds: '7', nanos: 0 },
          version: '3',
        });
      }
      const { thread: found } = await queries.v1.call('GetThread', { account_id: admin, thread_id: bare });
      const { parent_thread_id, remarks } = found as Record<string, unknown>;
      assert.deepEqual([parent_thread_id, remarks], [undefined, undefined]);
    });

    it('answers many calls at once each for its own thread and account', async () => {
      const asked = Array.from({ length: 50 }, (_, index) => ({
        account_id: [admin, member, stranger][index % 3],
        thread_id: [thread, bare, destroyed, ulid()][index % 4],
      }));
      const answers = await Promise.all(
        asked.map((request) =>
          queries.v1.call('GetThread', request).then(
            ({ thread: found }) => (found as { id: string }).id,
            ({ code }: ServiceError) => code,
          ),
        ),
      );
      const expected = asked.map(({ account_id, thread_id }) => {
        const isSeen = thread_id === thread ? account_id !== stranger : thread_id === bare && account_id === admin;
        return isSeen ? thread_id : status.NOT_FOUND;
      });
      assert.deepEqual(answers, expected);
    });

    it('says NOT_FOUND to all others, and of destroyed and unknown threads, in each query alike', async () => {
      for (const method of ['GetThread', 'ListAdministratorIds', 'ListMemberIds', 'ListMessages']) {
        for (const [account_id, thread_id] of [
          [stranger, thread],
          [admin, destroyed],
          [admin, ulid()],
          [member, bare],
        ]) {
          assert.deepEqual(
            await refusal(queries.v1.call(method, { account_id, thread_id })),
            [status.NOT_FOUND, 'thread is not found'],
            method,
          );
        }
      }
    });

    it("lists an account's threads in the order of creation, each once, and none that is destroyed", async () => {
      const { threads } = await queries.v1.call('ListThreads', { account_id: admin });
      assert.deepEqual(
        (threads as { id: string }[]).map(({ id }) => id),
        [bare, thread],
      );
      const { threads: none } = await queries.v1.call('ListThreads', { account_id: stranger });
      assert.deepEqual(none, []);
    });

    it('lists administrators and members in the order of joining', async () => {
      const request = { account_id: member, thread_id: thread };
      const { administrator_ids } = await queries.v1.call('ListAdministratorIds', request);
      const { member_ids } = await queries.v1.call('ListMemberIds', request);
      assert.deepEqual([administrator_ids, member_ids], [[admin], [member, admin]]);
      const { member_ids: none } = await queries.v1.call('ListMemberIds', { account_id: admin, thread_id: bare });
      assert.deepEqual(none, []);
    });

    it('lists messages in the order of posting, with all they have', async () => {
      const { messages } = await queries.v1.call('ListMessages', { account_id: member, thread_id: thread });
      const listed = messages as Record<string, unknown>[];
      assert.deepEqual(
        listed.map(({ id, text }) => [id, text]),
        [...messageIds.map((id, index) => [id, `No. ${index} 😀`]), ['01DB5QXD4NP0XQTV92K42B3XBF', 'Reply']],
      );
      assert.deepEqual(listed.at(-1), {
        id: '01DB5QXD4NP0XQTV92K42B3XBF',
        thread_id: thread,
        sender_id: admin,
        reply_message_id: messageIds[0],
        to_account_ids: [member],
        text: 'Reply',
        create_time: { seconds: '7', nanos: 0 },
        update_time: { seconds: '7', nanos: 0 },
        reactions: [],
      });
    });

    it('pages through every list, without gap or repetition', async () => {
      const id = ulid();
      const accounts = Array.from({ length: 7 }, () => ulid());
      await queries.model.save(
        commitOf(id, 1, threadCreated(id, { creatorId: accounts[0], administratorIds: accounts, memberIds: accounts })),
        commitOf(
          id,
          2,
          messagesAdded(
            accounts[0] as string,
            accounts.map((account) => ({ id: account })),
          ),
        ),
      );
      for (const [method, field, expected] of [
        ['ListAdministratorIds', 'administrator_ids', accounts],
        ['ListMemberIds', 'member_ids', accounts],
        ['ListMessages', 'messages', accounts],
      ] as const) {
        const found: unknown[] = [];
        let page_token = '';
        do {
          const page = await queries.v1.call(method, {
            account_id: accounts[3],
            thread_id: id,
            page_size: 3,
            page_token,
          });
          found.push(
            ...(page[field] as (string | { id: string })[]).map((entry) =>
              typeof entry === 'string' ? entry : entry.id,
            ),
          );
          page_token = page.next_page_token as string;
        } while (page_token !== '');
        assert.deepEqual(found, expected, method);
      }
    });

    it('pages through threads that were created in the same millisecond', async () => {
      const account = ulid();
      const ids = Array.from({ length: 7 }, () => ulid()).toSorted();
      const created = ids.map((id, index) =>
        commitAt(index < 5 ? 100 : 200, id, 1, threadCreated(id, { creatorId: account, occurredAt: 300 - index })),
      );
      await queries.model.save(...created);
      const found: string[] = [];
      let page_token = '';
      let pages = 0;
      do {
        const page = await queries.v1.call('ListThreads', { account_id: account, page_size: 2, page_token });
        found.push(...(page.threads as { id: string }[]).map(({ id }) => id));
        page_token = page.next_page_token as string;
        pages += 1;
      } while (page_token !== '');
      assert.deepEqual([found, pages], [ids, 4]);
    });

    it('gives 100 entries by default and at most 1,000', async () => {
      const id = ulid();
      const memberIds = Array.from({ length: 1_500 }, () => ulid());
      await queries.model.save(commitOf(id, 1, threadCreated(id, { creatorId: admin, memberIds })));
      for (const [page_size, count] of [
        [0, 100],
        [1, 1],
        [1_000, 1_000],
        [2 ** 31 - 1, 1_000],
      ]) {
        const page = await queries.v1.call('ListMemberIds', { account_id: admin, thread_id: id, page_size });
        assert.equal((page.member_ids as string[]).length, count);
      }
    });

    it('names every field that is wrong', async () => {
      const request = { account_id: 'U'.repeat(26), thread_id: "*.> '", page_size: -1 };
      const [code, details] = await refusal(queries.v1.call('ListMessages', request));
      assert.equal(code, status.INVALID_ARGUMENT);
      assert.match(details, /account_id .*; thread_id .*; page_size /);
    });

    it('takes no page token of another list, account or thread, and none that was changed', async () => {
      const arguments_ = { account_id: admin, thread_id: thread, page_size: 1 };
      const { next_page_token } = await queries.v1.call('ListMessages', arguments_);
      const token = next_page_token as string;
      assert.notEqual(token, '');
      const accepted = await queries.v1.call('ListMessages', { ...arguments_, page_size: 2, page_token: token });
      assert.equal((accepted.messages as unknown[]).length, 2);
      for (const [method, request] of [
        ['ListMemberIds', { ...arguments_, page_token: token }],
        ['ListMessages', { ...arguments_, account_id: member, page_token: token }],
        ['ListMessages', { ...arguments_, thread_id: bare, page_token: token }],
        ['ListThreads', { account_id: admin, page_token: token }],
        ['ListMessages', { ...arguments_, page_token: `${token}A` }],
        ['ListMessages', { ...arguments_, page_token: "' OR 1=1 --" }],
        ['ListMessages', { ...arguments_, page_token: '\0' }],
      ] as const) {
        const [code, details] = await refusal(queries.v1.call(method, request));
        assert.equal(code, status.INVALID_ARGUMENT);
        assert.match(details, /^page_token must be/);
      }
    });
  });

  describe('the older gRPC package', () => {
    const body = () => ({
      id: thread,
      creator_id: admin,
      has_parent_id: true,
      parent_id: parent,
      title,
      has_remarks: true,
      remarks: '',
      createdAt: '5000',
      updatedAt: '7000',
    });

    it('gives a thread, or says that it is not found', async () => {
      assert.deepEqual(await queries.legacy.call('GetThread', { thread_id: thread, account_id: member }), {
        is_successful: true,
        message: body(),
        error_messages: [],
      });
      for (const [thread_id, account_id] of [
        [thread, stranger],
        [destroyed, admin],
        [ulid(), admin],
      ]) {
        assert.deepEqual(await queries.legacy.call('GetThread', { thread_id, account_id }), {
          is_successful: false,
          message: null,
          error_messages: ['thread is not found'],
        });
      }
    });

    it('lists threads and messages by offset and limit', async () => {
      const all = await queries.legacy.call('GetThreads', { account_id: admin });
      const second = await queries.legacy.call('GetThreads', {
        account_id: admin,
        has_offset: true,
        offset: 1,
        has_limit: true,
        limit: 1,
      });
      assert.equal((all.messages as unknown[])[1] !== undefined, true);
      assert.deepEqual(second.messages, [(all.messages as unknown[])[1]]);
      const page = { account_id: admin, thread_id: thread, has_offset: true, offset: 1, has_limit: true, limit: 1 };
      assert.deepEqual(await queries.legacy.call('GetMessages', page), {
        is_successful: true,
        messages: [
          {
            id: messageIds[1],
            sender_id: member,
            type: 'text',
            body: 'No. 1 😀',
            createdAt: '6000',
            updatedAt: '6000',
          },
        ],
        error_messages: [],
      });
      const none = await queries.legacy.call('GetMessages', { ...page, has_limit: true, limit: 0 });
      assert.deepEqual(none.messages, []);
    });

    it('gives an empty list of what the account does not see', async () => {
      assert.deepEqual(await queries.legacy.call('GetMessages', { account_id: stranger, thread_id: thread }), {
        is_successful: true,
        messages: [],
        error_messages: [],
      });
    });

    it('says all that is wrong in an OK answer, in the older words', async () => {
      const request = {
        account_id: 'x',
        thread_id: 'U'.repeat(26),
        has_offset: true,
        offset: -1,
        has_limit: true,
        limit: -5,
      };
      assert.deepEqual(await queries.legacy.call('GetMessages', request), {
        is_successful: false,
        messages: [],
        error_messages: [
          'account_id: ulidString must be exactly 26 chars long.',
          "thread_id: Illegal character 'U'!",
          'offset: must be from 0 to 9007199254740991',
          'limit: must be from 0 to 5000',
        ],
      });
      const thread_ = await queries.legacy.call('GetThread', { account_id: '8'.repeat(26), thread_id: '' });
      assert.deepEqual(thread_.error_messages, [
        "account_id: ulidString must not exceed '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'!",
        'thread_id: ulidString must be exactly 26 chars long.',
      ]);
    });
  });

  describe('the older REST API, before its transcoding', () => {
    it('gives a thread with numbers for times and null for what is absent', async () => {
      const { result, error_messages } = await queries.rest.call('GetThread', { account_id: admin, thread_id: bare });
      const { parent_thread_id, remarks, created_at, updated_at } = result as Record<string, unknown>;
      assert.deepEqual([parent_thread_id, remarks], [nullValue, nullValue]);
      assert.deepEqual([created_at, updated_at, error_messages], [0, 0, []]);
      const full = await queries.rest.call('GetThread', { account_id: member, thread_id: thread });
      const found = full.result as Record<string, unknown>;
      assert.deepEqual(found.parent_thread_id, { stringValue: parent });
      assert.deepEqual(found.remarks, { stringValue: '' });
    });

    it('says NOT_FOUND of a thread that the account does not see, and gives empty lists of it', async () => {
      const request = { account_id: stranger, thread_id: thread };
      assert.deepEqual(await refusal(queries.rest.call('GetThread', request)), [
        status.NOT_FOUND,
        'thread is not found',
      ]);
      for (const method of ['ListAdministratorIds', 'ListMemberIds']) {
        assert.deepEqual(await queries.rest.call(method, request), { results: [], error_messages: [] });
      }
      assert.deepEqual(await queries.rest.call('ListMessages', request), { result: [], error_messages: [] });
    });

    it('lists by offset and limit', async () => {
      const window = { account_id: admin, thread_id: thread, offset: '1', limit: '1' };
      assert.deepEqual((await queries.rest.call('ListMemberIds', window)).results, [admin]);
      assert.deepEqual((await queries.rest.call('ListAdministratorIds', window)).results, []);
      assert.deepEqual((await queries.rest.call('ListMessages', window)).result, [
        {
          id: messageIds[1],
          thread_id: thread,
          sender_id: member,
          type: 'text',
          body: 'No. 1 😀',
          created_at: 6_000,
          updated_at: 6_000,
        },
      ]);
      const threads = await queries.rest.call('ListThreads', { account_id: member, offset: '0', limit: '99999999999' });
      assert.deepEqual(
        (threads.results as { id: string }[]).map(({ id }) => id),
        [thread],
      );
    });

    it('says all that is wrong, one text a line', async () => {
      const request = { account_id: '', thread_id: '*'.repeat(26), offset: 'abc', limit: '-1' };
      assert.deepEqual(await refusal(queries.rest.call('ListMessages', request)), [
        status.INVALID_ARGUMENT,
        [
          'account_id: ulidString must be exactly 26 chars long.',
          "thread_id: Illegal character '*'!",
          'offset: must be a whole number',
          'limit: must be from 0 to 5000',
        ].join('\n'),
      ]);
    });
  });
});

/** google.protobuf.Value's null, as proto-loader shows it. */
const nullValue = { nullValue: 'NULL_VALUE' };
