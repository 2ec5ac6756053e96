import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { commitOf } from '../../projector/test/projection-fixture.js';
import { admin, type Answer, type Chat, idsOf, member, messagesRemoved, openChat, stranger } from './chat-fixture.js';

describe('ListMessages around a message', () => {
  let chat: Chat;
  before(async () => (chat = await openChat()));
  after(() => chat.close());

  let thread: string;
  // Ids against the order of posting: it is not ids that order.
  const ids = Array.from({ length: 10 }, (_, index) => ulid(10_000 - index));
  before(async () => (thread = await chat.threadWith(ids.map((id) => ({ id, by: admin })))));
  const list = async (request: Answer) => {
    const page = await chat.call('ListMessages', { account_id: member, thread_id: thread, ...request });
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
    assert.deepEqual(await list({ around_message_id: ids[0], page_size: 5 }).then((page) => page.ids), ids.slice(0, 5));
    assert.deepEqual(await list({ around_message_id: ids[9], page_size: 5 }), { ids: ids.slice(7), token: '' });
    assert.deepEqual(await list({ around_message_id: ids[4] }), { ids, token: '' });
  });

  it('goes on though the message was removed since, but does not begin there', async () => {
    const own = Array.from({ length: 5 }, () => ulid());
    const id = await chat.threadWith(own.map((each) => ({ id: each, by: admin })));
    const request = { account_id: member, thread_id: id, before_message_id: own[4], page_size: 2 };
    const first = await chat.call('ListMessages', request);
    await chat.queries.model.save(commitOf(id, 7, messagesRemoved(own[4] as string)));
    const second = await chat.call('ListMessages', { ...request, page_token: first.next_page_token });
    assert.deepEqual(idsOf(second.messages), own.slice(0, 2));
    for (const direction of ['before', 'after', 'around']) {
      for (const messageId of [own[4], ids[0], ulid()]) {
        const { code, reason } = await chat.refused('ListMessages', {
          ...{ account_id: member, thread_id: id, [`${direction}_message_id`]: messageId },
        });
        assert.deepEqual([code, reason], [status.NOT_FOUND, 'MESSAGE_NOT_FOUND']);
      }
    }
  });

  it('hides the thread from strangers, also when they bring a token', async () => {
    for (const direction of ['before', 'after', 'around']) {
      const { reason } = await chat.refused('ListMessages', {
        ...{ account_id: stranger, thread_id: thread, [`${direction}_message_id`]: ids[0] },
      });
      assert.equal(reason, 'THREAD_NOT_FOUND');
    }
    const gone = ulid();
    const id = await chat.threadWith(
      Array.from({ length: 5 }, () => ({ id: ulid(), by: admin })),
      { memberIds: [gone] },
    );
    const all = idsOf((await chat.call('ListMessages', { account_id: gone, thread_id: id })).messages);
    const request = { account_id: gone, thread_id: id, before_message_id: all[4], page_size: 1 };
    const { next_page_token: page_token } = await chat.call('ListMessages', request);
    await chat.queries.model.save(
      commitOf(id, 7, { type: 'MemberIdsLeft', accountId: admin, memberIds: [gone], occurredAt: 9_000 }),
    );
    assert.equal((await chat.refused('ListMessages', { ...request, page_token })).reason, 'THREAD_NOT_FOUND');
  });

  it('takes one id only, and tokens only with the same id', async () => {
    const of = { account_id: member, thread_id: thread };
    const both = { before_message_id: ids[0], after_message_id: 'x', around_message_id: '' };
    assert.deepEqual(await chat.refused('ListMessages', { ...of, ...both }), {
      ...{ code: status.INVALID_ARGUMENT, reason: undefined },
      fields: ['after_message_id', 'around_message_id', 'before_message_id'],
    });
    const { token } = await list({ before_message_id: ids[9], page_size: 1 });
    for (const other of [{}, { before_message_id: ids[8] }, { after_message_id: ids[9] }]) {
      const { fields } = await chat.refused('ListMessages', { ...of, ...other, page_token: token });
      assert.deepEqual(fields, ['page_token']);
    }
  });
});
