import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { commitOf, messagesAdded } from '../../projector/test/projection-fixture.js';
import { admin, type Answer, type Chat, idsOf, messagesRemoved, openChat, stranger } from './chat-fixture.js';
import type { QueriesOptions } from './query-fixture.js';

describeSearch('SearchMessages', {});
// No search is as quick as that: each ends, and the account's messages are read.
describeSearch('SearchMessages for words that are too common for the index', { search: { indexLimitMs: 0.001 } });

describe('A search that takes too long', () => {
  it('is ended with what nobody repeats', async () => {
    const chat = await openChat({ search: { indexLimitMs: 0, readForMs: -1 } });
    try {
      const account = ulid();
      const id = await chat.threadWith([], { memberIds: [account] });
      // Each message holds the longest word, and none holds both.
      const messages = Array.from({ length: 501 }, () => ({ id: ulid(), text: 'the haystack' }));
      await chat.queries.model.save(commitOf(id, 2, messagesAdded(account, messages)));
      const { code, reason } = await chat.refused('SearchMessages', { account_id: account, query: 'haystack needle' });
      assert.deepEqual([code, reason], [status.RESOURCE_EXHAUSTED, 'SEARCH_TOO_LONG']);
    } finally {
      await chat.close();
    }
  });
});

function describeSearch(title: string, options: QueriesOptions): void {
  describe(title, () => {
    let chat: Chat;
    before(async () => (chat = await openChat(options)));
    after(() => chat.close());

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
      thread = await chat.threadWith(messages, { memberIds: [account] });
      other = await chat.threadWith([{ id: otherId, by: account, text: 'quick as well' }], { memberIds: [account] });
      await chat.threadWith([{ id: ulid(70_000), by: admin, text: 'quick but not seen' }]);
    });
    const search = async (query: string, request: Answer = {}) => {
      const { messages } = await chat.call('SearchMessages', { account_id: account, query, ...request });
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
      const { reason } = await chat.refused('SearchMessages', {
        account_id: stranger,
        query: 'quick',
        thread_id: thread,
      });
      assert.equal(reason, 'THREAD_NOT_FOUND');
      assert.deepEqual((await chat.call('SearchMessages', { account_id: stranger, query: 'quick' })).messages, []);
    });

    it('gives pages', async () => {
      const found: string[] = [];
      let page_token = '';
      do {
        const page = await chat.call('SearchMessages', {
          account_id: account,
          query: 'quick',
          page_size: 1,
          page_token,
        });
        found.push(...idsOf(page.messages));
        page_token = page.next_page_token as string;
      } while (page_token !== '');
      assert.deepEqual(found, [otherId, ids[1], ids[0]]);
      const { next_page_token: token } = await chat.call('SearchMessages', {
        ...{ account_id: account, query: 'quick', page_size: 1 },
      });
      for (const changed of [{ query: 'brown' }, { sender_id: account }, { thread_id: thread }]) {
        const request = { account_id: account, query: 'quick', page_token: token, ...changed };
        assert.deepEqual((await chat.refused('SearchMessages', request)).fields, ['page_token']);
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
        const { code, fields } = await chat.refused('SearchMessages', { account_id: account, query });
        assert.deepEqual([code, fields], [status.INVALID_ARGUMENT, ['query']], JSON.stringify(query.slice(0, 20)));
      }
      const request = { account_id: 'x', thread_id: '', sender_id: '*', query: '', page_size: -1, page_token: 'x' };
      const { fields } = await chat.refused('SearchMessages', request);
      assert.deepEqual(fields.sort(), ['account_id', 'page_size', 'page_token', 'query', 'sender_id', 'thread_id']);
    });

    it('takes the longest query, of most words', async () => {
      const query = Array.from({ length: 63 }, (_, index) => `w${String(index).padStart(2, '0')}`).join(' ');
      assert.deepEqual(await search(query), []);
      assert.deepEqual(await search('日'.repeat(84)), []);
    });

    it('finds the edited text and no longer the one before, and no removed message', async () => {
      const id = ulid();
      const own = await chat.threadWith([{ id, by: account, text: 'formerly' }], { memberIds: [account] });
      const found = async (query: string) =>
        idsOf((await chat.call('SearchMessages', { account_id: account, query, thread_id: own })).messages);
      assert.deepEqual(await found('formerly'), [id]);
      await chat.queries.model.save(
        commitOf(own, 3, {
          ...{ type: 'MessageEdited', senderId: account, messageId: id, text: 'nowadays', occurredAt: 9_000 },
        }),
      );
      assert.deepEqual([await found('formerly'), await found('nowadays')], [[], [id]]);
      await chat.queries.model.save(commitOf(own, 4, messagesRemoved(id)));
      assert.deepEqual(await found('nowadays'), []);
    });
  });
}
