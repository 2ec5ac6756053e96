import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { POSITIONS_IN_COMMIT } from '../domain/project-thread.js';
import {
  commitAt,
  commitOf,
  messagesAdded,
  openReadModel,
  threadCreated,
  type ReadModel,
} from './projection-fixture.js';

describe('thread rows', () => {
  let model: ReadModel;
  let thread: string;
  const [admin, member, other] = [ulid(), ulid(), ulid()];
  const position = (version: number, index: number): number => version * POSITIONS_IN_COMMIT + index;

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

  const created = (): Parameters<typeof threadCreated>[1] => ({
    creatorId: admin,
    administratorIds: [admin],
    memberIds: [admin, member],
  });

  async function participants(): Promise<unknown[]> {
    const { participants } = await model.dump();
    return participants
      .map((row) => [row.account_id, row.administrator_position, row.member_position])
      .toSorted(
        (left, right) =>
          [admin, member, other].indexOf(String(left[0])) - [admin, member, other].indexOf(String(right[0])),
      );
  }

  it('keep a new thread exactly, whatever its texts hold', async () => {
    const parentThreadId = ulid();
    const title = `😀 %_\\'"\`; DROP TABLE threads; -- \0\n ÄÖ trailing  `;
    const remarks = '👩‍👩‍👧'.repeat(31) + ' ';
    const event = threadCreated(thread, {
      ...created(),
      parentThreadId,
      title,
      remarks,
      occurredAt: 253_402_300_799_999,
    });
    await model.save(commitAt(1_234, thread, 1, event));
    const { threads } = await model.dump();
    assert.deepEqual(
      threads.map((row) => ({ ...row })),
      [
        {
          id: thread,
          creator_id: admin,
          parent_thread_id: parentThreadId,
          title,
          remarks,
          created_at: 253_402_300_799_999,
          committed_at: 1_234,
          updated_at: 253_402_300_799_999,
          last_activity_at: 1_234,
          removed_at: null,
          version: 1,
        },
      ],
    );
    assert.deepEqual(await participants(), [
      [admin, position(1, 0), position(1, 1)],
      [member, null, position(1, 2)],
    ]);
  });

  it('take texts of 255 characters outside the basic plane', async () => {
    const title = '😀'.repeat(255);
    await model.save(commitOf(thread, 1, threadCreated(thread, { title, remarks: title, occurredAt: 0 })));
    await model.save(commitOf(thread, 2, messagesAdded(admin, [{ id: ulid(), text: title }])));
    const { threads, messages } = await model.dump();
    assert.deepEqual([threads[0]?.title, threads[0]?.remarks, messages[0]?.text], [title, title, title]);
    assert.equal(threads[0]?.created_at, 0);
  });

  for (const [how, save] of [
    [
      'commit by commit',
      async (...commits: Parameters<ReadModel['save']>) => {
        for (const commit of commits) await model.save(commit);
      },
    ],
    ['in one batch', (...commits: Parameters<ReadModel['save']>) => model.save(...commits)],
  ] as const) {
    describe(how, () => {
      it('follow who joins and leaves', async () => {
        await save(
          commitOf(thread, 1, threadCreated(thread, created())),
          commitOf(thread, 2, {
            type: 'AdministratorIdsJoined',
            accountId: admin,
            administratorIds: [member, other],
            occurredAt: 5,
          }),
          commitOf(thread, 3, { type: 'MemberIdsJoined', accountId: admin, memberIds: [other], occurredAt: 6 }),
          commitOf(thread, 4, { type: 'MemberIdsLeft', accountId: admin, memberIds: [admin, member], occurredAt: 7 }),
          commitOf(thread, 5, {
            type: 'AdministratorIdsLeft',
            accountId: admin,
            administratorIds: [member],
            occurredAt: 8,
          }),
        );
        assert.deepEqual(await participants(), [
          [admin, position(1, 0), null],
          [other, position(2, 1), position(3, 0)],
        ]);
        const { threads, participants: rows } = await model.dump();
        assert.deepEqual([threads[0]?.version, threads[0]?.updated_at], [5, 8]);
        assert.ok(rows.every((row) => row.thread_created_at === 1_001));
      });

      it('put who joins again at the end', async () => {
        await save(
          commitOf(thread, 1, threadCreated(thread, created())),
          commitOf(thread, 2, { type: 'MemberIdsLeft', accountId: admin, memberIds: [admin], occurredAt: 5 }),
          commitOf(thread, 3, { type: 'MemberIdsJoined', accountId: admin, memberIds: [admin], occurredAt: 6 }),
        );
        assert.deepEqual(await participants(), [
          [admin, position(1, 0), position(3, 0)],
          [member, null, position(1, 2)],
        ]);
      });

      it('hold the messages that are not removed, in their order', async () => {
        const [first, second, third] = [ulid(), ulid(), ulid()];
        await save(
          commitOf(thread, 1, threadCreated(thread, created())),
          commitOf(thread, 2, messagesAdded(member, [{ id: first }, { id: second }], 20)),
          commitOf(thread, 3, {
            type: 'MessagesAdded',
            senderId: admin,
            messages: [{ id: third, text: '\0😀', replyMessageId: first, toAccountIds: [other, member] }],
            occurredAt: 30,
          }),
          commitOf(thread, 4, { type: 'MessagesRemoved', removerId: member, messageIds: [second], occurredAt: 40 }),
        );
        const { threads, messages } = await model.dump();
        assert.equal(threads[0]?.updated_at, 40);
        assert.deepEqual(
          messages.map((row) => ({ ...row })),
          [
            {
              thread_id: thread,
              position: position(2, 0),
              id: first,
              sender_id: member,
              text: 'Hello',
              reply_message_id: null,
              to_account_ids: '[]',
              created_at: 20,
              updated_at: 20,
            },
            {
              thread_id: thread,
              position: position(3, 0),
              id: third,
              sender_id: admin,
              text: '\0😀',
              reply_message_id: first,
              to_account_ids: JSON.stringify([other, member]),
              created_at: 30,
              updated_at: 30,
            },
          ],
        );
      });

      it('leave nothing of a destroyed thread but its own row, and nothing of another untouched', async () => {
        const neighbour = ulid();
        await model.save(commitOf(neighbour, 1, threadCreated(neighbour, created())));
        await model.save(commitOf(neighbour, 2, messagesAdded(admin, [{ id: ulid() }])));
        await save(
          commitOf(thread, 1, threadCreated(thread, created())),
          commitOf(thread, 2, messagesAdded(admin, [{ id: ulid() }])),
          commitOf(thread, 3, { type: 'ThreadDestroyed', accountId: admin, occurredAt: 99 }),
        );
        const { threads, participants, messages } = await model.dump();
        const row = threads.find(({ id }) => id === thread);
        assert.deepEqual([row?.removed_at, row?.updated_at, row?.version], [99, 99, 3]);
        assert.deepEqual(new Set(participants.map((participant) => participant.thread_id)), new Set([neighbour]));
        assert.deepEqual(
          messages.map((message) => message.thread_id),
          [neighbour],
        );
      });

      it('count a commit without events and change nothing else', async () => {
        await save(commitOf(thread, 1, threadCreated(thread, created())), commitOf(thread, 2));
        const { threads } = await model.dump();
        assert.deepEqual([threads[0]?.version, threads[0]?.updated_at], [2, 1_000]);
      });
    });
  }

  it('refuse what would be applied twice or has no thread', async () => {
    await assert.rejects(model.save(commitOf(thread, 2, messagesAdded(admin, [{ id: ulid() }]))), /0 of 1 threads/);
    const creation = commitOf(thread, 1, threadCreated(thread));
    await model.save(creation);
    await assert.rejects(model.save(creation), /Duplicate entry/);
    const second = commitOf(thread, 2, messagesAdded(admin, [{ id: ulid() }]));
    await model.save(second);
    await assert.rejects(model.save(second), /0 of 1 threads/);
  });

  it('take thousands of participants and messages at once', async () => {
    const ids = Array.from({ length: 5_000 }, () => ulid());
    await model.save(commitOf(thread, 1, threadCreated(thread, { creatorId: admin, memberIds: ids })));
    await model.save(
      commitOf(
        thread,
        2,
        messagesAdded(
          admin,
          ids.map((id) => ({ id })),
        ),
      ),
    );
    await model.save(
      commitOf(thread, 3, { type: 'MessagesRemoved', removerId: admin, messageIds: ids.slice(1), occurredAt: 5 }),
      commitOf(thread, 4, { type: 'MemberIdsLeft', accountId: admin, memberIds: ids.slice(1), occurredAt: 5 }),
    );
    const { participants, messages } = await model.dump();
    assert.deepEqual([participants.length, messages.length], [2, 1]);
  });
});
