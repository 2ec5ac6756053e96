import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { failureOf } from '../../shared/testing/failure.js';
import type { ThreadEvent } from '../../thread-events/thread-event.js';
import { commitOf, messagesAdded, threadCreated } from '../../thread-projector/test/projection-fixture.js';
import { openQueries, type Queries } from './query-fixture.js';

type Answer = Record<string, unknown>;
const [admin, member, stranger] = [ulid(), ulid(), ulid()];

describe('chat queries', () => {
  let queries: Queries;
  before(async () => (queries = await openQueries()));
  after(() => queries.close());

  const people = { creatorId: admin, administratorIds: [admin], memberIds: [member] };
  const idsOf = (entries: unknown) => (entries as { id: string }[]).map(({ id }) => id);
  const call = (method: string, request: Answer) => queries.v1.call(method, request);
  const refused = async (method: string, request: Answer) => {
    const { code, reason, fields } = await failureOf(call(method, request));
    return { code, reason, fields: Object.keys(fields) };
  };
  const removed = (...messageIds: string[]): ThreadEvent => ({
    ...{ type: 'MessagesRemoved', removerId: admin, messageIds, occurredAt: 9_000 },
  });
  const read = (accountId: string, messageId: string): ThreadEvent => ({
    ...{ type: 'MessagesRead', accountId, messageId, occurredAt: 9_000 },
  });
  const reacted = (accountId: string, messageId: string, reaction: string): ThreadEvent => ({
    ...{ type: 'ReactionAdded', accountId, messageId, reaction, occurredAt: 9_000 },
  });

  /** A thread of messages by their sender, all in one commit each. */
  async function threadWith(messages: { id: string; by: string; text?: string }[], overrides = {}): Promise<string> {
    const id = ulid();
    await queries.model.save(
      commitOf(id, 1, threadCreated(id, { ...people, ...overrides })),
      ...messages.map(({ by, ...message }, index) => commitOf(id, index + 2, messagesAdded(by, [message], 2_000))),
    );
    return id;
  }

  describe('ListMessages around a message', () => {
    let thread: string;
    // Ids against the order of posting: it is not ids that order.
    const ids = Array.from({ length: 10 }, (_, index) => ulid(10_000 - index));
    before(async () => (thread = await threadWith(ids.map((id) => ({ id, by: admin })))));
    const list = async (request: Answer) => {
      const page = await call('ListMessages', { account_id: member, thread_id: thread, ...request });
      return { ids: idsOf(page.messages), token: page.next_page_token as string };
    };

    it('gives what is before it, nearest first in pages, each in the order of posting', async () => {
      const request = { before_message_id: ids[7], page_size: 3 };
      const first = await list(request);
      assert.deepEqual(first.ids, ids.slice(4, 7));
      const second = await list({ ...request, page_token: first.token });
      assert.deepEqual(second.ids, ids.slice(1, 4));
      const third = await list({ ...request, page_token: second.token });
      assert.deepEqual(third, { ids: ids.slice(0, 1), token: '' });
      assert.deepEqual(await list({ before_message_id: ids[0] }), { ids: [], token: '' });
      assert.deepEqual(await list({ before_message_id: ids[3]?.toLowerCase(), page_size: 3 }), {
        ids: ids.slice(0, 3),
        token: '',
      });
    });

    it('gives what is after it', async () => {
      const request = { after_message_id: ids[4], page_size: 3 };
      const first = await list(request);
      assert.deepEqual(first.ids, ids.slice(5, 8));
      assert.deepEqual(await list({ ...request, page_token: first.token }), { ids: ids.slice(8), token: '' });
      assert.deepEqual(await list({ after_message_id: ids[9] }), { ids: [], token: '' });
    });

    it('gives it in the middle, and goes on with what is newer', async () => {
      for (const [size, expected] of [
        [1, [5]],
        [2, [5, 6]],
        [3, [4, 5, 6]],
        [4, [4, 5, 6, 7]],
        [5, [3, 4, 5, 6, 7]],
      ] as const) {
        const page = await list({ around_message_id: ids[5], page_size: size });
        assert.deepEqual(
          page.ids,
          expected.map((index) => ids[index]),
          `page of ${size}`,
        );
        const next = await list({ around_message_id: ids[5], page_size: size, page_token: page.token });
        assert.deepEqual(next.ids, ids.slice((expected.at(-1) as number) + 1).slice(0, size));
      }
      assert.deepEqual(
        await list({ around_message_id: ids[0], page_size: 5 }).then((page) => page.ids),
        ids.slice(0, 5),
      );
      assert.deepEqual(await list({ around_message_id: ids[9], page_size: 5 }), { ids: ids.slice(7), token: '' });
      assert.deepEqual(await list({ around_message_id: ids[4] }), { ids, token: '' });
    });

    it('goes on though the message was removed since, but does not begin there', async () => {
      const own = Array.from({ length: 5 }, () => ulid());
      const id = await threadWith(own.map((each) => ({ id: each, by: admin })));
      const request = { account_id: member, thread_id: id, before_message_id: own[4], page_size: 2 };
      const first = await call('ListMessages', request);
      await queries.model.save(commitOf(id, 7, removed(own[4] as string)));
      const second = await call('ListMessages', { ...request, page_token: first.next_page_token });
      assert.deepEqual(idsOf(second.messages), own.slice(0, 2));
      for (const direction of ['before', 'after', 'around']) {
        for (const messageId of [own[4], ids[0], ulid()]) {
          const { code, reason } = await refused('ListMessages', {
            ...{ account_id: member, thread_id: id, [`${direction}_message_id`]: messageId },
          });
          assert.deepEqual([code, reason], [status.NOT_FOUND, 'MESSAGE_NOT_FOUND']);
        }
      }
    });

    it('hides the thread from strangers, also when they bring a token', async () => {
      for (const direction of ['before', 'after', 'around']) {
        const { reason } = await refused('ListMessages', {
          ...{ account_id: stranger, thread_id: thread, [`${direction}_message_id`]: ids[0] },
        });
        assert.equal(reason, 'THREAD_NOT_FOUND');
      }
      const gone = ulid();
      const id = await threadWith(
        Array.from({ length: 5 }, () => ({ id: ulid(), by: admin })),
        { memberIds: [gone] },
      );
      const all = idsOf((await call('ListMessages', { account_id: gone, thread_id: id })).messages);
      const request = { account_id: gone, thread_id: id, before_message_id: all[4], page_size: 1 };
      const { next_page_token: page_token } = await call('ListMessages', request);
      await queries.model.save(
        commitOf(id, 7, { type: 'MemberIdsLeft', accountId: admin, memberIds: [gone], occurredAt: 9_000 }),
      );
      assert.equal((await refused('ListMessages', { ...request, page_token })).reason, 'THREAD_NOT_FOUND');
    });

    it('takes one id only, and tokens only with the same id', async () => {
      const of = { account_id: member, thread_id: thread };
      const both = { before_message_id: ids[0], after_message_id: 'x', around_message_id: '' };
      assert.deepEqual(await refused('ListMessages', { ...of, ...both }), {
        ...{ code: status.INVALID_ARGUMENT, reason: undefined },
        fields: ['after_message_id', 'around_message_id', 'before_message_id'],
      });
      const { token } = await list({ before_message_id: ids[9], page_size: 1 });
      for (const other of [{}, { before_message_id: ids[8] }, { after_message_id: ids[9] }]) {
        const { fields } = await refused('ListMessages', { ...of, ...other, page_token: token });
        assert.deepEqual(fields, ['page_token']);
      }
    });
  });

  it('shows reactions with each message, first added first, and whose they are', async () => {
    const [m1, m2] = [ulid(), ulid()];
    const id = await threadWith([
      { id: m1, by: admin, text: 'reacted to' },
      { id: m2, by: admin },
    ]);
    await queries.model.save(
      commitOf(id, 4, reacted(admin, m1, '❤️')),
      commitOf(id, 5, reacted(member, m1, '👍')),
      commitOf(id, 6, reacted(admin, m1, '👍')),
    );
    const reactions = (heart: boolean) => [
      { reaction: '❤️', count: 1, added_by_account: heart },
      { reaction: '👍', count: 2, added_by_account: true },
    ];
    for (const [account_id, heart] of [
      [admin, true],
      [member, false],
    ] as const) {
      const { messages } = await call('ListMessages', { account_id, thread_id: id });
      assert.deepEqual(
        (messages as Answer[]).map((message) => message.reactions),
        [reactions(heart), []],
      );
      const found = await call('SearchMessages', { account_id, thread_id: id, query: 'reacted' });
      assert.deepEqual((found.messages as Answer[])[0]?.reactions, reactions(heart));
    }
  });

  describe('GetReadState', () => {
    const stateOf = (account_id: string, thread_id: string) => call('GetReadState', { account_id, thread_id });

    it('counts the messages of others after the mark that are still there', async () => {
      const ids = Array.from({ length: 6 }, () => ulid());
      const [m0, m1, m2, m3, m4, m5] = ids as [string, string, string, string, string, string];
      const id = await threadWith(ids.map((each, index) => ({ id: each, by: index === 3 ? member : admin })));
      assert.deepEqual(await stateOf(member, id), { unread_count: 5 });
      assert.deepEqual(await stateOf(admin, id), { unread_count: 1 });
      await queries.model.save(commitOf(id, 8, read(member, m1)));
      assert.deepEqual(await stateOf(member, id), { last_read_message_id: m1, unread_count: 3 });
      assert.deepEqual(await stateOf(admin, id), { unread_count: 1 });
      await queries.model.save(commitOf(id, 9, removed(m1, m4)));
      assert.deepEqual(await stateOf(member, id), { last_read_message_id: m0, unread_count: 2 });
      await queries.model.save(commitOf(id, 10, removed(m0, m2, m5)));
      assert.deepEqual(await stateOf(member, id), { unread_count: 0 });
      await queries.model.save(commitOf(id, 11, read(member, m3)), commitOf(id, 12, removed(m3)));
      assert.deepEqual(await stateOf(member, id), { unread_count: 0 });
    });

    it('is for those who see the thread', async () => {
      const id = await threadWith([]);
      assert.deepEqual(await stateOf(member, id), { unread_count: 0 });
      for (const thread_id of [id, ulid()]) {
        assert.equal((await refused('GetReadState', { account_id: stranger, thread_id })).reason, 'THREAD_NOT_FOUND');
      }
      const { fields } = await refused('GetReadState', { account_id: 'x', thread_id: "'" });
      assert.deepEqual(fields, ['account_id', 'thread_id']);
    });
  });

  describe('ListRecentThreads', () => {
    it('has the last active first, with the last message and what is unread, in pages', async () => {
      const account = ulid();
      const own = { memberIds: [account] };
      const old = await threadWith([], { ...own, occurredAt: 3_000 });
      const [a1, a2, a3, b1] = [ulid(), ulid(), ulid(), ulid()];
      const a = await threadWith([], { ...own, occurredAt: 1_000 });
      const b = await threadWith([], { ...own, occurredAt: 1_000 });
      const destroyed = await threadWith([], own);
      await queries.model.save(
        commitOf(a, 2, messagesAdded(admin, [{ id: a1, text: 'one' }, { id: a2, text: 'two' }, { id: a3 }], 5_000)),
        commitOf(a, 3, read(account, a1), removed(a3)),
        commitOf(b, 2, messagesAdded(account, [{ id: b1 }], 5_000)),
        commitOf(destroyed, 2, { type: 'ThreadDestroyed', accountId: admin, occurredAt: 9_000 }),
      );
      const all = await call('ListRecentThreads', { account_id: account });
      const threads = all.threads as { thread: Answer; last_message: Answer | null; last_activity_time: unknown }[];
      const [first, second] = [a, b].toSorted().reverse();
      assert.deepEqual(
        threads.map(({ thread }) => thread.id),
        [first, second, old],
      );
      const ofA = threads.find(({ thread }) => thread.id === a);
      assert.deepEqual(
        [ofA?.last_message?.id, ofA?.last_message?.text, ofA?.last_message?.thread_id, ofA?.last_activity_time],
        [a2, 'two', a, { seconds: '5', nanos: 0 }],
      );
      assert.deepEqual(
        threads.map(({ thread, ...rest }) => [thread.id, (rest as Answer).unread_count]),
        [first, second, old].map((id) => [id, id === a ? 1 : 0]),
      );
      assert.equal(threads.at(-1)?.last_message, undefined);
      assert.deepEqual(threads.at(-1)?.last_activity_time, { seconds: '3', nanos: 0 });

      const paged: unknown[] = [];
      let page_token = '';
      do {
        const page = await call('ListRecentThreads', { account_id: account, page_size: 1, page_token });
        paged.push(...(page.threads as unknown[]));
        page_token = page.next_page_token as string;
      } while (page_token !== '');
      assert.deepEqual(paged, threads);
    });

    it('has at most 100 on a page, and none for strangers', async () => {
      const account = ulid();
      await queries.model.save(
        ...Array.from({ length: 101 }, (_, index) => {
          const id = ulid();
          return commitOf(id, 1, threadCreated(id, { creatorId: account, occurredAt: index }));
        }),
      );
      const page = await call('ListRecentThreads', { account_id: account, page_size: 1_000 });
      assert.equal((page.threads as unknown[]).length, 100);
      const rest = await call('ListRecentThreads', { account_id: account, page_token: page.next_page_token });
      assert.equal((rest.threads as unknown[]).length, 1);
      const none = await call('ListRecentThreads', { account_id: stranger });
      assert.deepEqual(none, { threads: [], next_page_token: '' });
      const { fields } = await refused('ListRecentThreads', { account_id: '', page_size: -1, page_token: '*' });
      assert.deepEqual(fields.sort(), ['account_id', 'page_size', 'page_token']);
    });
  });

  describe('ListChildThreads', () => {
    it('has the children that the account sees, of a parent that it sees, in the order of creation', async () => {
      const parent = await threadWith([]);
      const seen = [];
      for (const occurredAt of [300, 100, 100, 200]) {
        seen.push({ occurredAt, id: await threadWith([], { parentThreadId: parent, occurredAt }) });
      }
      await threadWith([], {
        parentThreadId: parent,
        creatorId: stranger,
        administratorIds: [stranger],
        memberIds: [],
      });
      const destroyed = await threadWith([], { parentThreadId: parent });
      await queries.model.save(
        commitOf(destroyed, 2, { type: 'ThreadDestroyed', accountId: admin, occurredAt: 9_000 }),
      );
      const expected = seen
        .toSorted((left, right) => left.occurredAt - right.occurredAt || (left.id < right.id ? -1 : 1))
        .map(({ id }) => id);
      const found: string[] = [];
      let page_token = '';
      do {
        const page = await call('ListChildThreads', {
          ...{ account_id: member, thread_id: parent, page_size: 2, page_token },
        });
        found.push(...idsOf(page.threads));
        page_token = page.next_page_token as string;
      } while (page_token !== '');
      assert.deepEqual(found, expected);
      const childless = await call('ListChildThreads', { account_id: member, thread_id: expected[0] });
      assert.deepEqual(childless.threads, []);
      for (const thread_id of [parent, ulid()]) {
        const { reason } = await refused('ListChildThreads', { account_id: stranger, thread_id });
        assert.equal(reason, 'THREAD_NOT_FOUND');
      }
      const { fields } = await refused('ListChildThreads', { account_id: 'x', thread_id: '', page_token: '\0' });
      assert.deepEqual(fields.sort(), ['account_id', 'page_token', 'thread_id']);
    });
  });

  describe('SearchMessages', () => {
    const account = ulid();
    const texts = [
      'The quick brown fox',
      'quick QUÍCK Zürich',
      'to be or not to be, that is the question',
      'a_word under2026 日本語テキスト',
      'Who is who? The Who!',
      'brownie',
    ];
    const ids = texts.map((_, index) => ulid(50_000 + index));
    let thread: string;
    let other: string;
    const otherId = ulid(60_000);

    before(async () => {
      const messages = texts.map((text, index) => ({ id: ids[index] as string, by: admin, text }));
      thread = await threadWith(messages, { memberIds: [account] });
      other = await threadWith([{ id: otherId, by: account, text: 'quick as well' }], { memberIds: [account] });
      await threadWith([{ id: ulid(70_000), by: admin, text: 'quick but not seen' }]);
    });
    const search = async (query: string, request: Answer = {}) => {
      const { messages } = await call('SearchMessages', { account_id: account, query, ...request });
      return idsOf(messages).map((id) => (id === otherId ? 'other' : ids.indexOf(id)));
    };

    it('finds messages of all threads that the account sees, the newest first, whatever case and accents', async () => {
      assert.deepEqual(await search('quick'), ['other', 1, 0]);
      assert.deepEqual(await search('QUÏCK'), ['other', 1, 0]);
      assert.deepEqual(await search('zurich'), [1]);
      assert.deepEqual(await search('nowhere'), []);
    });

    it('asks that all words occur, the last one as a beginning', async () => {
      assert.deepEqual(await search('fox quick'), [0]);
      assert.deepEqual(await search('quick fox zurich'), []);
      assert.deepEqual(await search('brow'), [5, 0]);
      assert.deepEqual(await search('brow quick'), []);
      assert.deepEqual(await search('quick brow'), [0]);
    });

    it('has no stop words, and passes over short ones', async () => {
      assert.deepEqual(await search('the who'), [4]);
      assert.deepEqual(await search('to be the question'), [2]);
      assert.deepEqual(await search('日本語'), [3]);
      assert.deepEqual(await search('a_word UNDER'), [3]);
    });

    it('chooses by thread and sender', async () => {
      assert.deepEqual(await search('quick', { thread_id: other }), ['other']);
      assert.deepEqual(await search('quick', { sender_id: account.toLowerCase() }), ['other']);
      assert.deepEqual(await search('quick', { thread_id: thread, sender_id: account }), []);
      assert.deepEqual(await search('quick', { thread_id: thread, sender_id: admin }), [1, 0]);
      const { reason } = await refused('SearchMessages', { account_id: stranger, query: 'quick', thread_id: thread });
      assert.equal(reason, 'THREAD_NOT_FOUND');
      assert.deepEqual((await call('SearchMessages', { account_id: stranger, query: 'quick' })).messages, []);
    });

    it('gives pages', async () => {
      const found: string[] = [];
      let page_token = '';
      do {
        const page = await call('SearchMessages', { account_id: account, query: 'quick', page_size: 1, page_token });
        found.push(...idsOf(page.messages));
        page_token = page.next_page_token as string;
      } while (page_token !== '');
      assert.deepEqual(found, [otherId, ids[1], ids[0]]);
      const { next_page_token: token } = await call('SearchMessages', {
        ...{ account_id: account, query: 'quick', page_size: 1 },
      });
      for (const changed of [{ query: 'brown' }, { sender_id: account }, { thread_id: thread }]) {
        const request = { account_id: account, query: 'quick', page_token: token, ...changed };
        assert.deepEqual((await refused('SearchMessages', request)).fields, ['page_token']);
      }
    });

    it('interprets nothing of what it is asked', async () => {
      for (const query of [
        ...[
          '-quick +fox',
          '(fox) <quick >',
          '"quick fox',
          'fox* quick*',
          '~fox @quick',
          'fox @4 quick',
          "fox') OR quick --",
        ],
        ...[
          'fox\0quick',
          '%fox% quick',
          '`fox` quick',
          '\\fox\\ quick',
          '+++fox---quick***',
          '"fox" "quick" @10',
          '😀 fox 😀 quick',
        ],
      ]) {
        assert.deepEqual(await search(query), query.includes('OR quick') ? [0] : [0], query);
      }
      assert.deepEqual(await search('fox; DROP TABLE messages'), []);
      assert.deepEqual(await search("xyz' OR '1'='1"), []);
      assert.deepEqual(await search('quick'), ['other', 1, 0]);
    });

    it('says what cannot be searched', async () => {
      for (const query of [
        ...['', ' ', 'ab', 'a b c', '+ - * " ( ) @ ~ < >', '😀😀😀😀', '𝕳𝖊𝖑𝖑𝖔', '\0', "';--", 'y'.repeat(85)],
        ...['x '.repeat(5_000), 'word '.repeat(2_000), '*'.repeat(10_000), '(((((((((('],
      ]) {
        const { code, fields } = await refused('SearchMessages', { account_id: account, query });
        assert.deepEqual([code, fields], [status.INVALID_ARGUMENT, ['query']], JSON.stringify(query.slice(0, 20)));
      }
      const request = { account_id: 'x', thread_id: '', sender_id: '*', query: '', page_size: -1, page_token: 'x' };
      const { fields } = await refused('SearchMessages', request);
      assert.deepEqual(fields.sort(), ['account_id', 'page_size', 'page_token', 'query', 'sender_id', 'thread_id']);
    });

    it('takes the longest query, of most words', async () => {
      const query = Array.from({ length: 63 }, (_, index) => `w${String(index).padStart(2, '0')}`).join(' ');
      assert.deepEqual(await search(query), []);
      assert.deepEqual(await search('日'.repeat(84)), []);
    });

    it('finds the edited text and no longer the one before, and no removed message', async () => {
      const id = ulid();
      const own = await threadWith([{ id, by: account, text: 'formerly' }], { memberIds: [account] });
      const found = async (query: string) =>
        idsOf((await call('SearchMessages', { account_id: account, query, thread_id: own })).messages);
      assert.deepEqual(await found('formerly'), [id]);
      await queries.model.save(
        commitOf(own, 3, {
          ...{ type: 'MessageEdited', senderId: account, messageId: id, text: 'nowadays', occurredAt: 9_000 },
        }),
      );
      assert.deepEqual([await found('formerly'), await found('nowadays')], [[], [id]]);
      await queries.model.save(commitOf(own, 4, removed(id)));
      assert.deepEqual(await found('nowadays'), []);
    });
  });

  it('shows edited texts and changed titles through the older APIs too', async () => {
    const id = ulid();
    const thread = await threadWith([{ id, by: admin }]);
    await queries.model.save(
      commitOf(thread, 3, {
        ...{ type: 'MessageEdited', senderId: admin, messageId: id, text: 'edited', occurredAt: 8_000 },
      }),
      commitOf(thread, 4, {
        ...{ type: 'ThreadUpdated', accountId: admin, title: 'new title', clearsRemarks: true, occurredAt: 8_001 },
      }),
    );
    const of = { account_id: member, thread_id: thread };
    const { message } = (await queries.legacy.call('GetThread', of)) as { message: Answer };
    assert.deepEqual([message.title, message.has_remarks, message.updatedAt], ['new title', false, '8001']);
    const { messages } = (await queries.legacy.call('GetMessages', of)) as { messages: Answer[] };
    assert.deepEqual([messages[0]?.body, messages[0]?.createdAt, messages[0]?.updatedAt], ['edited', '2000', '8000']);
    const { result } = (await queries.rest.call('ListMessages', of)) as { result: Answer[] };
    assert.equal(result[0]?.body, 'edited');
  });
});
