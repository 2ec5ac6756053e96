import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import type { Commit } from '../../../../platform/journal/journal.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import { POSITIONS_IN_COMMIT } from '../domain/project-thread.js';
import { commitOf, messagesAdded, openReadModel, threadCreated, type ReadModel } from './projection-fixture.js';

describe('rows of edits, reactions and read marks', () => {
  let model: ReadModel;
  let thread: string;
  const [admin, member] = [ulid(1), ulid(2)];
  const [m1, m2, m3] = [ulid(11), ulid(12), ulid(13)];
  const position = (version: number, index = 0): number => version * POSITIONS_IN_COMMIT + index;

  before(async () => (model = await openReadModel()));
  after(() => model.close());
  beforeEach(async () => {
    await model.database.transaction(async (tx) => {
      for (const table of ['threads', 'thread_participants', 'messages', 'message_reactions', 'read_marks']) {
        await tx.run(`DELETE FROM ${table}`);
      }
    });
    thread = ulid();
  });

  const updated = (
    change: { title?: string; remarks?: string; clearsRemarks?: boolean },
    occurredAt = 50,
  ): ThreadEvent => ({
    type: 'ThreadUpdated',
    accountId: admin,
    clearsRemarks: false,
    ...change,
    occurredAt,
  });
  const edited = (messageId: string, text: string, occurredAt = 60): ThreadEvent => ({
    type: 'MessageEdited',
    senderId: admin,
    messageId,
    text,
    occurredAt,
  });
  const removed = (...messageIds: string[]): ThreadEvent => ({
    type: 'MessagesRemoved',
    removerId: admin,
    messageIds,
    occurredAt: 70,
  });
  const reaction = (
    type: 'ReactionAdded' | 'ReactionRemoved',
    accountId: string,
    messageId: string,
    emoji = '👍',
  ): ThreadEvent => ({ type, accountId, messageId, reaction: emoji, occurredAt: 80 });
  const read = (accountId: string, messageId: string): ThreadEvent => ({
    type: 'MessagesRead',
    accountId,
    messageId,
    occurredAt: 90,
  });
  /** Commits from version 1 on, one event each; the first creates the thread. */
  const history = (...events: ThreadEvent[]): Commit[] =>
    [
      threadCreated(thread, { creatorId: admin, memberIds: [member], remarks: 'remarks', occurredAt: 10 }),
      ...events,
    ].map((event, index) => commitOf(thread, index + 1, event));

  async function threadRow() {
    const { threads } = await model.dump();
    return threads.find(({ id }) => id === thread);
  }
  async function texts() {
    const { messages } = await model.dump();
    return messages.map(({ id, text, created_at, updated_at }) => [id, text, created_at, updated_at]);
  }
  async function reactions() {
    const rows = (await model.dump()).reactions;
    return rows.map((row) => [row.message_id, row.reaction, row.account_id, row.position]);
  }
  async function readMarks() {
    const rows = (await model.dump()).readMarks;
    return rows.map(({ account_id, position: at }) => [account_id, at]);
  }

  for (const [how, save] of [
    [
      'commit by commit',
      async (commits: Commit[]) => {
        for (const commit of commits) await model.save(commit);
      },
    ],
    ['in one batch', (commits: Commit[]) => model.save(...commits)],
    [
      'in two batches',
      async (commits: Commit[]) => {
        const middle = Math.ceil(commits.length / 2);
        await model.save(...commits.slice(0, middle));
        await model.save(...commits.slice(middle));
      },
    ],
  ] as const) {
    describe(how, () => {
      it('take new titles and remarks, exactly', async () => {
        const title = `😀 '"\\; DROP TABLE threads; -- \0 `;
        await save(history(updated({ title: 'first' }), updated({ title, remarks: '' }, 55)));
        let row = await threadRow();
        assert.deepEqual([row?.title, row?.remarks, row?.updated_at, row?.last_activity_at], [title, '', 55, 1_001]);
        await model.save(commitOf(thread, 4, updated({ clearsRemarks: true })));
        row = await threadRow();
        assert.deepEqual([row?.title, row?.remarks, row?.version], [title, null, 4]);
        await model.save(commitOf(thread, 5, updated({ remarks: title })));
        assert.equal((await threadRow())?.remarks, title);
      });

      it('clear remarks and set them again, as the last change says', async () => {
        await save(history(updated({ clearsRemarks: true }), updated({ remarks: 'again' }), updated({ title: 't' })));
        assert.equal((await threadRow())?.remarks, 'again');
        await save([
          commitOf(thread, 5, updated({ remarks: 'x' })),
          commitOf(thread, 6, updated({ clearsRemarks: true })),
        ]);
        assert.equal((await threadRow())?.remarks, null);
      });

      it('take edited texts, in their place and with their time', async () => {
        const text = `'"\\; DROP TABLE messages; -- \0😀 `;
        await save(
          history(messagesAdded(admin, [{ id: m1 }, { id: m2 }], 20), edited(m1, 'a', 30), edited(m1, text, 31)),
        );
        assert.deepEqual(await texts(), [
          [m1, text, 20, 31],
          [m2, 'Hello', 20, 20],
        ]);
        const row = await threadRow();
        assert.deepEqual([row?.updated_at, row?.last_activity_at], [31, 1_002]);
      });

      it('keep an edited message removed', async () => {
        await save(history(messagesAdded(admin, [{ id: m1 }]), edited(m1, 'new'), removed(m1)));
        assert.deepEqual(await texts(), []);
      });

      it('know the time of the last post, though it was removed', async () => {
        await save(
          history(
            messagesAdded(admin, [{ id: m1 }], 500),
            messagesAdded(admin, [{ id: m2 }], 400),
            removed(m2),
            reaction('ReactionAdded', member, m1),
            read(member, m1),
          ),
        );
        const row = await threadRow();
        assert.deepEqual([row?.last_activity_at, row?.updated_at], [1_003, 80]);
      });

      it('hold the reactions that are there', async () => {
        await save(
          history(
            messagesAdded(admin, [{ id: m1 }, { id: m2 }]),
            reaction('ReactionAdded', member, m1),
            reaction('ReactionAdded', admin, m1),
            reaction('ReactionAdded', admin, m1, '👩‍❤️‍💋‍👨'),
            reaction('ReactionAdded', admin, m2),
            reaction('ReactionRemoved', admin, m2),
            reaction('ReactionRemoved', member, m1),
            reaction('ReactionAdded', member, m1),
          ),
        );
        assert.deepEqual(
          (await reactions()).toSorted(),
          [
            [m1, '👍', admin, position(4)],
            [m1, '👍', member, position(9)],
            [m1, '👩‍❤️‍💋‍👨', admin, position(5)],
          ].toSorted(),
        );
      });

      it('tell emoji apart that differ little', async () => {
        const emoji = ['👍', '👍🏿', '👍🏻', '❤️', '🧡', '🇫🇷', '🇷🇫'];
        await save(
          history(
            messagesAdded(admin, [{ id: m1 }]),
            ...emoji.map((each) => reaction('ReactionAdded', admin, m1, each)),
            reaction('ReactionRemoved', admin, m1, '👍🏿'),
          ),
        );
        assert.deepEqual(
          new Set((await reactions()).map(([, each]) => each)),
          new Set(emoji.filter((each) => each !== '👍🏿')),
        );
      });

      it('lose the reactions to a removed message, and no others', async () => {
        await save(
          history(
            messagesAdded(admin, [{ id: m1 }, { id: m2 }]),
            reaction('ReactionAdded', member, m1),
            reaction('ReactionAdded', member, m2),
            removed(m1),
          ),
        );
        assert.deepEqual(await reactions(), [[m2, '👍', member, position(4)]]);
      });

      it('follow who has read how far, though the message is removed or the account has left', async () => {
        await save(
          history(
            messagesAdded(admin, [{ id: m1 }, { id: m2 }]),
            messagesAdded(admin, [{ id: m3 }]),
            read(member, m1),
            read(admin, m2),
            read(member, m3),
            removed(m3, m2),
            { type: 'MemberIdsLeft', accountId: admin, memberIds: [member], occurredAt: 99 },
          ),
        );
        assert.deepEqual(await readMarks(), [
          [admin, position(2, 1)],
          [member, position(3)],
        ]);
        assert.equal((await threadRow())?.updated_at, 99);
      });

      it('leave nothing of a destroyed thread, and all of another', async () => {
        const neighbour = ulid();
        await model.save(
          commitOf(neighbour, 1, threadCreated(neighbour)),
          commitOf(neighbour, 2, messagesAdded(admin, [{ id: m3 }])),
          commitOf(neighbour, 3, reaction('ReactionAdded', admin, m3), read(admin, m3)),
        );
        await save(
          history(
            messagesAdded(admin, [{ id: m1 }]),
            reaction('ReactionAdded', admin, m1),
            read(admin, m1),
            edited(m1, 'x'),
            { type: 'ThreadDestroyed', accountId: admin, occurredAt: 99 },
          ),
        );
        const dump = await model.dump();
        for (const rows of [dump.messages, dump.reactions, dump.readMarks]) {
          assert.deepEqual(
            rows.map(({ thread_id }) => thread_id),
            [neighbour],
          );
        }
      });
    });
  }

  it('of many threads are written together', async () => {
    const threads = Array.from({ length: 50 }, () => ulid());
    await model.save(
      ...threads.map((id) => commitOf(id, 1, threadCreated(id, { creatorId: admin, occurredAt: 10 }))),
      ...threads.map((id, index) => commitOf(id, 2, messagesAdded(admin, [{ id: ulid(index + 1) }, { id: m1 }]))),
    );
    await model.save(
      ...threads.flatMap((id, index) => [
        commitOf(id, 3, edited(m1, `text ${index}`), read(admin, m1), reaction('ReactionAdded', admin, m1)),
        commitOf(id, 4, updated({ title: `title ${index}` })),
      ]),
    );
    const dump = await model.dump();
    for (const [index, id] of threads.entries()) {
      assert.equal(dump.threads.find((row) => row.id === id)?.title, `title ${index}`);
      const messages = dump.messages.filter((row) => row.thread_id === id);
      assert.deepEqual(
        messages.map(({ text }) => text),
        ['Hello', `text ${index}`],
      );
    }
    assert.deepEqual(new Set(dump.readMarks.map((row) => row.position)), new Set([position(2, 1)]));
    assert.deepEqual([dump.readMarks.length, dump.reactions.length], [50, 50]);
  });
});
