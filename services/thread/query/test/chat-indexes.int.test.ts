import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import type { SqlValue } from '../../../../platform/mysql/database.js';
import {
  commitOf,
  messagesAdded,
  openReadModel,
  threadCreated,
  type ReadModel,
} from '../../projector/test/projection-fixture.js';
import * as statements from '../adapters/chat-statements.js';
import { assertServed, explainPlan } from './plans.js';

describe("indexes of the chat's queries", () => {
  let model: ReadModel;
  const account = ulid();
  const thread = ulid();
  /** Has read half of the thread. */
  const reader = ulid();
  const messageIds = Array.from({ length: 2_000 }, () => ulid());

  before(async function () {
    this.timeout(60_000);
    model = await openReadModel();
    const others = [reader, ...Array.from({ length: 299 }, () => ulid())];
    // The account in 1,000 of 3,000 threads, 500 of them under the thread of 2,000 messages with 1,000 reactions.
    for (let start = 0; start < 3_000; start += 500) {
      const created = Array.from({ length: 500 }, (_, index) => {
        const id = ulid();
        const creatorId = index % 3 === 0 ? account : (others[index % 300] as string);
        return commitOf(
          id,
          1,
          threadCreated(id, {
            creatorId,
            memberIds: others.slice(0, 3),
            occurredAt: start + index,
            ...(start === 0 && { parentThreadId: thread }),
          }),
        );
      });
      await model.save(...created);
      await model.save(
        ...created.map(({ aggregateId }) =>
          commitOf(aggregateId, 2, messagesAdded(account, [{ id: ulid(), text: `Hello ${aggregateId}` }])),
        ),
      );
    }
    const at = { occurredAt: 5_000 };
    await model.save(
      commitOf(thread, 1, threadCreated(thread, { creatorId: account, memberIds: others })),
      commitOf(
        thread,
        2,
        messagesAdded(
          account,
          messageIds.map((id, index) => ({ id, text: index === 7 ? 'needle' : 'hay' })),
        ),
      ),
      commitOf(
        thread,
        3,
        ...messageIds.slice(0, 1_000).map((messageId, index) => ({
          type: 'ReactionAdded' as const,
          accountId: others[index % 300] as string,
          messageId,
          reaction: '👍',
          ...at,
        })),
      ),
      commitOf(
        thread,
        4,
        ...others.map((accountId) => ({
          type: 'MessagesRead' as const,
          accountId,
          messageId: messageIds[1_000] as string,
          ...at,
        })),
      ),
    );
    await model.database.rows('ANALYZE TABLE threads, thread_participants, messages, message_reactions, read_marks');
  });
  after(() => model.close());

  const explain = (sql: string, values: SqlValue[]) => explainPlan(model, sql, values);
  const [first] = messageIds as [string];

  it('findPosition: two rows by their keys', async () => {
    const plans = await explain(statements.findPosition, [first, thread, account]);
    assertServed(plans, { viewer: 'PRIMARY', m: 'message_of_thread' });
  });

  for (const [page, before] of [
    ['first page', Number.MAX_SAFE_INTEGER],
    ['later page', 2_097_200],
  ] as const) {
    it(`listMessagesBackwards, ${page}: against the order of the thread's index`, async () => {
      const plans = await explain(statements.listMessagesBackwards, [before, thread, account, 101]);
      assertServed(plans, { viewer: 'PRIMARY', m: 'PRIMARY' });
    });

    it(`listChildThreads, ${page}: in the order of the parent's index`, async () => {
      const after = page === 'first page' ? -1 : 250;
      const plans = await explain(statements.listChildThreads, [thread, account, after, after, ulid(), 101]);
      assertServed(plans, { parent: 'PRIMARY', t: 'children_by_commit', viewer: 'PRIMARY' });
    });
  }

  for (const count of [1, 100, 1_000]) {
    it(`listReactions of ${count} messages, and messages at ${count} places: by their keys`, async () => {
      const pairs = messageIds.slice(0, count).map((id) => [thread, id]);
      for (const plan of await explain(statements.listReactions, [account, pairs])) {
        assert.deepEqual(
          [plan.table, plan.type, plan.key],
          ['r', count === 1 ? 'ref' : 'range', 'PRIMARY'],
          plan.Extra ?? '',
        );
        assert.doesNotMatch(plan.Extra ?? '', /temporary|filesort/);
      }
      // A page holds no more.
      if (count > 100) return;
      const places = pairs.map((_, index) => [thread, 2 ** 21 + index]);
      for (const plan of await explain(statements.listMessagesAt, [places])) {
        assert.deepEqual([plan.table, plan.type, plan.key], ['m', count === 1 ? 'const' : 'range', 'PRIMARY']);
      }
    });
  }

  it("findReadState: the thread's messages after the mark, no more", async () => {
    const plans = await explain(statements.findReadState, [thread, reader]);
    const shown = JSON.stringify(plans, null, 1);
    const keys = plans.map(({ table, type, key }) => [table, type, key]);
    assert.deepEqual(
      keys.toSorted(),
      [
        ['m', 'range', 'PRIMARY'],
        ['m', 'range', 'PRIMARY'],
        ['mark', 'const', 'PRIMARY'],
        ['viewer', 'const', 'PRIMARY'],
      ],
      shown,
    );
    for (const { Extra } of plans) assert.doesNotMatch(Extra ?? '', /filesort|temporary/i, shown);
  });

  it("listRecentThreads: sorts the account's threads, and reads their rows by the key", async () => {
    const plans = await explain(statements.listRecentThreads, [account, 2 ** 52, 2 ** 52, '', 101]);
    const tables = plans.filter(({ table }) => !table.startsWith('<'));
    assert.deepEqual(
      tables.map(({ table, key }) => [table, key]).toSorted(),
      [
        ['mark', 'PRIMARY'],
        ['t', 'PRIMARY'],
        ['viewer', 'threads_of_account'],
      ],
      JSON.stringify(plans, null, 1),
    );
  });

  it('summarizeThreads: ranges of positions, and the last of all', async () => {
    const each = [thread, thread, 2 ** 21 + 1_500, account, thread];
    const plans = await explain(statements.summarizeThreads(2), [...each, ...each]);
    const shown = JSON.stringify(plans, null, 1);
    const messages = plans.filter(({ table }) => table === 'm');
    assert.equal(messages.length, 4, shown);
    for (const { key, type, Extra } of messages) {
      assert.equal(key, 'PRIMARY', shown);
      assert.ok(type === 'range' || type === 'ref', shown);
      assert.doesNotMatch(Extra ?? '', /filesort|temporary/i, shown);
    }
    assert.equal(messages.filter(({ type }) => type === 'range').length, 2, shown);
  });

  for (const sender of [false, true]) {
    it(`searchMessages${sender ? ' of a sender' : ''}: by the words`, async () => {
      const values = [account, '+needle*', 'Z'.repeat(26), ...(sender ? [account] : []), 101];
      const plans = await explain(statements.searchMessages({ sender }), values);
      const shown = JSON.stringify(plans, null, 1);
      const messages = plans.find(({ table }) => table === 'm');
      assert.equal(messages?.type, 'fulltext', shown);
      assert.equal(messages.key, 'words_of_messages', shown);
      assert.equal(plans.find(({ table }) => table === 'viewer')?.key, 'PRIMARY', shown);
    });
  }

  for (const [thread_, sender] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    it(`readMessagesWith${thread_ ? ' in a thread' : ''}${sender ? ' of a sender' : ''}: only those of the account's threads`, async () => {
      const chosen = [...(thread_ ? [thread] : []), ...(sender ? [account] : [])];
      const values = ['Z'.repeat(26), account, ...chosen, '%needle%', 500];
      const plans = await explain(statements.readMessagesWith({ thread: thread_, sender }), values);
      const shown = JSON.stringify(plans, null, 1);
      const messages = plans.find(({ table }) => table === 'm');
      assert.equal(messages?.type, 'ref', shown);
      assert.equal(messages.key, 'PRIMARY', shown);
      assert.match(String(plans.find(({ table }) => table === 'viewer')?.key), /^(PRIMARY|threads_of_account)$/, shown);
    });
  }
});
