import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import type { ThreadEvent } from '../../events/thread-event.js';
import { commitAt, commitOf, messagesAdded, threadCreated } from '../../projector/test/projection-fixture.js';
import { admin, type Answer, type Chat, idsOf, member, messagesRemoved, openChat, stranger } from './chat-fixture.js';

describe('chat queries', () => {
  let chat: Chat;
  before(async () => (chat = await openChat()));
  after(() => chat.close());

  const read = (accountId: string, messageId: string): ThreadEvent => ({
    ...{ type: 'MessagesRead', accountId, messageId, occurredAt: 9_000 },
  });
  const reacted = (accountId: string, messageId: string, reaction: string): ThreadEvent => ({
    ...{ type: 'ReactionAdded', accountId, messageId, reaction, occurredAt: 9_000 },
  });

  it('shows reactions with each message, first added first, and whose they are', async () => {
    const [m1, m2] = [ulid(), ulid()];
    const id = await chat.threadWith([
      { id: m1, by: admin, text: 'reacted to' },
      { id: m2, by: admin },
    ]);
    await chat.queries.model.save(
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
      const { messages } = await chat.call('ListMessages', { account_id, thread_id: id });
      assert.deepEqual(
        (messages as Answer[]).map((message) => message.reactions),
        [reactions(heart), []],
      );
      const found = await chat.call('SearchMessages', { account_id, thread_id: id, query: 'reacted' });
      assert.deepEqual((found.messages as Answer[])[0]?.reactions, reactions(heart));
    }
  });

  describe('GetReadState', () => {
    const stateOf = (account_id: string, thread_id: string) => chat.call('GetReadState', { account_id, thread_id });

    it('counts the messages of others after the mark that are still there', async () => {
      const ids = Array.from({ length: 6 }, () => ulid());
      const [m0, m1, m2, m3, m4, m5] = ids as [string, string, string, string, string, string];
      const id = await chat.threadWith(ids.map((each, index) => ({ id: each, by: index === 3 ? member : admin })));
      assert.deepEqual(await stateOf(member, id), { unread_count: 5 });
      assert.deepEqual(await stateOf(admin, id), { unread_count: 1 });
      await chat.queries.model.save(commitOf(id, 8, read(member, m1)));
      assert.deepEqual(await stateOf(member, id), { last_read_message_id: m1, unread_count: 3 });
      assert.deepEqual(await stateOf(admin, id), { unread_count: 1 });
      await chat.queries.model.save(commitOf(id, 9, messagesRemoved(m1, m4)));
      assert.deepEqual(await stateOf(member, id), { last_read_message_id: m0, unread_count: 2 });
      await chat.queries.model.save(commitOf(id, 10, messagesRemoved(m0, m2, m5)));
      assert.deepEqual(await stateOf(member, id), { unread_count: 0 });
      await chat.queries.model.save(commitOf(id, 11, read(member, m3)), commitOf(id, 12, messagesRemoved(m3)));
      assert.deepEqual(await stateOf(member, id), { unread_count: 0 });
    });

    it('is for those who see the thread', async () => {
      const id = await chat.threadWith([]);
      assert.deepEqual(await stateOf(member, id), { unread_count: 0 });
      for (const thread_id of [id, ulid()]) {
        assert.equal(
          (await chat.refused('GetReadState', { account_id: stranger, thread_id })).reason,
          'THREAD_NOT_FOUND',
        );
      }
      const { fields } = await chat.refused('GetReadState', { account_id: 'x', thread_id: "'" });
      assert.deepEqual(fields, ['account_id', 'thread_id']);
    });
  });

  describe('ListRecentThreads', () => {
    it('has the last active first, with the last message and what is unread, in pages', async () => {
      const account = ulid();
      const own = { memberIds: [account] };
      // What older clients say of the time, such as the year 9999, changes no order.
      const old = await chat.threadWith([], { ...own, time: 3_000, occurredAt: 253_402_300_799_999 });
      const [a1, a2, a3, b1] = [ulid(), ulid(), ulid(), ulid()];
      const a = await chat.threadWith([], { ...own, time: 1_000 });
      const b = await chat.threadWith([], { ...own, time: 1_000 });
      const destroyed = await chat.threadWith([], own);
      await chat.queries.model.save(
        commitAt(5_000, a, 2, messagesAdded(admin, [{ id: a1, text: 'one' }, { id: a2, text: 'two' }, { id: a3 }], 10)),
        commitOf(a, 3, read(account, a1), messagesRemoved(a3)),
        commitAt(5_000, b, 2, messagesAdded(account, [{ id: b1 }])),
        commitOf(destroyed, 2, { type: 'ThreadDestroyed', accountId: admin, occurredAt: 9_000 }),
      );
      const all = await chat.call('ListRecentThreads', { account_id: account });
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
        const page = await chat.call('ListRecentThreads', { account_id: account, page_size: 1, page_token });
        paged.push(...(page.threads as unknown[]));
        page_token = page.next_page_token as string;
      } while (page_token !== '');
      assert.deepEqual(paged, threads);
    });

    it('has at most 100 on a page, and none for strangers', async () => {
      const account = ulid();
      await chat.queries.model.save(
        ...Array.from({ length: 101 }, (_, index) => {
          const id = ulid();
          return commitAt(index, id, 1, threadCreated(id, { creatorId: account }));
        }),
      );
      const page = await chat.call('ListRecentThreads', { account_id: account, page_size: 1_000 });
      assert.equal((page.threads as unknown[]).length, 100);
      const rest = await chat.call('ListRecentThreads', { account_id: account, page_token: page.next_page_token });
      assert.equal((rest.threads as unknown[]).length, 1);
      const none = await chat.call('ListRecentThreads', { account_id: stranger });
      assert.deepEqual(none, { threads: [], next_page_token: '' });
      const { fields } = await chat.refused('ListRecentThreads', { account_id: '', page_size: -1, page_token: '*' });
      assert.deepEqual(fields.sort(), ['account_id', 'page_size', 'page_token']);
    });
  });

  describe('ListChildThreads', () => {
    it('has the children that the account sees, of a parent that it sees, in the order of creation', async () => {
      const parent = await chat.threadWith([]);
      const seen = [];
      for (const time of [300, 100, 100, 200]) {
        const overrides = { parentThreadId: parent, time, occurredAt: 400 - time };
        seen.push({ time, id: await chat.threadWith([], overrides) });
      }
      await chat.threadWith([], {
        parentThreadId: parent,
        creatorId: stranger,
        administratorIds: [stranger],
        memberIds: [],
      });
      const destroyed = await chat.threadWith([], { parentThreadId: parent });
      await chat.queries.model.save(
        commitOf(destroyed, 2, { type: 'ThreadDestroyed', accountId: admin, occurredAt: 9_000 }),
      );
      const expected = seen
        .toSorted((left, right) => left.time - right.time || (left.id < right.id ? -1 : 1))
        .map(({ id }) => id);
      const found: string[] = [];
      let page_token = '';
      do {
        const page = await chat.call('ListChildThreads', {
          ...{ account_id: member, thread_id: parent, page_size: 2, page_token },
        });
        found.push(...idsOf(page.threads));
        page_token = page.next_page_token as string;
      } while (page_token !== '');
      assert.deepEqual(found, expected);
      const childless = await chat.call('ListChildThreads', { account_id: member, thread_id: expected[0] });
      assert.deepEqual(childless.threads, []);
      for (const thread_id of [parent, ulid()]) {
        const { reason } = await chat.refused('ListChildThreads', { account_id: stranger, thread_id });
        assert.equal(reason, 'THREAD_NOT_FOUND');
      }
      const { fields } = await chat.refused('ListChildThreads', { account_id: 'x', thread_id: '', page_token: '\0' });
      assert.deepEqual(fields.sort(), ['account_id', 'page_token', 'thread_id']);
    });
  });

  it('shows edited texts and changed titles through the older APIs too', async () => {
    const id = ulid();
    const thread = await chat.threadWith([{ id, by: admin }]);
    await chat.queries.model.save(
      commitOf(thread, 3, {
        ...{ type: 'MessageEdited', senderId: admin, messageId: id, text: 'edited', occurredAt: 8_000 },
      }),
      commitOf(thread, 4, {
        ...{ type: 'ThreadUpdated', accountId: admin, title: 'new title', clearsRemarks: true, occurredAt: 8_001 },
      }),
    );
    const of = { account_id: member, thread_id: thread };
    const { message } = (await chat.queries.legacy.call('GetThread', of)) as { message: Answer };
    assert.deepEqual([message.title, message.has_remarks, message.updatedAt], ['new title', false, '8001']);
    const { messages } = (await chat.queries.legacy.call('GetMessages', of)) as { messages: Answer[] };
    assert.deepEqual([messages[0]?.body, messages[0]?.createdAt, messages[0]?.updatedAt], ['edited', '2000', '8000']);
    const { result } = (await chat.queries.rest.call('ListMessages', of)) as { result: Answer[] };
    assert.equal(result[0]?.body, 'edited');
  });
});
