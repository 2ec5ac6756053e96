import assert from 'node:assert/strict';
import { threadDecider } from '../domain/thread.js';
import type { LiveThread, ThreadState } from '../domain/thread-state.js';
import { threadStateFormat } from './thread-state-format.js';

const at = { occurredAt: 1 };
const live = [
  {
    type: 'ThreadCreated' as const,
    threadId: 'T',
    creatorId: 'A',
    title: 't',
    administratorIds: ['A', 'B'],
    memberIds: ['C'],
    ...at,
  },
  {
    type: 'MessagesAdded' as const,
    senderId: 'A',
    messages: ['M1', 'M3'].map((id) => ({ id, toAccountIds: [], text: 'x' })),
    ...at,
  },
  { type: 'MessagesAdded' as const, senderId: 'C', messages: [{ id: 'M2', toAccountIds: [], text: 'x' }], ...at },
  { type: 'MessagesRemoved' as const, removerId: 'A', messageIds: ['M1'], ...at },
  { type: 'ReactionAdded' as const, accountId: 'C', messageId: 'M3', reaction: '👍', ...at },
  { type: 'ReactionAdded' as const, accountId: 'A', messageId: 'M3', reaction: '👍', ...at },
  { type: 'ReactionAdded' as const, accountId: 'A', messageId: 'M3', reaction: '❤️', ...at },
  { type: 'ReactionAdded' as const, accountId: 'B', messageId: 'M2', reaction: '👍', ...at },
  { type: 'ReactionRemoved' as const, accountId: 'B', messageId: 'M2', reaction: '👍', ...at },
  { type: 'MessagesRead' as const, accountId: 'B', messageId: 'M3', ...at },
].reduce<ThreadState>((state, event) => threadDecider.evolve(state, event), threadDecider.initialState);

const idOf = (index: number): string => String(index).padStart(26, '0');

/** The state in plain objects, whatever order its collections are in. */
function plain({ administratorIds, memberIds, messages, nextOrdinal, reactionCount, readOrdinals }: LiveThread) {
  return {
    administratorIds: [...administratorIds].sort(),
    memberIds: [...memberIds].sort(),
    messages: messages
      .map(({ reactions, ...message }) => ({
        ...message,
        reactions: reactions.map((ids) => [...ids].sort()).toObject(),
      }))
      .toObject(),
    nextOrdinal,
    reactionCount,
    readOrdinals: readOrdinals.toObject(),
  };
}

describe('threadStateFormat', () => {
  it('reads what it writes, so that the same is decided on it', async () => {
    const read = threadStateFormat.decode(await threadStateFormat.encode(live));
    assert.ok(read.status === 'live' && live.status === 'live');
    assert.deepEqual(plain(read), plain(live));
    assert.deepEqual(plain(live), {
      administratorIds: ['A', 'B'],
      memberIds: ['C'],
      messages: {
        M2: { senderId: 'C', ordinal: 2, reactions: {} },
        M3: { senderId: 'A', ordinal: 1, reactions: { '❤️': ['A'], '👍': ['A', 'C'] } },
      },
      nextOrdinal: 3,
      reactionCount: 3,
      readOrdinals: { B: 1 },
    });
  });

  it('keeps absent and destroyed threads apart', async () => {
    for (const status of ['absent', 'destroyed'] as const) {
      assert.deepEqual(threadStateFormat.decode(await threadStateFormat.encode({ status })), { status });
    }
  });

  it('does not grow with texts: 5,000 messages take some 150 KiB', async () => {
    const messages = Array.from({ length: 5_000 }, (_, index) => ({
      id: idOf(index),
      toAccountIds: [],
      text: 'x'.repeat(255),
    }));
    const full = threadDecider.evolve(live, { type: 'MessagesAdded', senderId: 'A', messages, ...at });
    assert.ok((await threadStateFormat.encode(full)).length < 160_000);
  });

  it('lets others have their turn while it writes a large thread', async () => {
    const messages = Array.from({ length: 5_000 }, (_, index) => ({ id: idOf(index), toAccountIds: [], text: 'x' }));
    const full = threadDecider.evolve(live, { type: 'MessagesAdded', senderId: 'A', messages, ...at });
    let isWritten = false;
    const writing = threadStateFormat.encode(full).finally(() => (isWritten = true));
    let turns = 0;
    for (; !isWritten; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    await writing;
    assert.ok(turns >= 10, `${turns} turns`);
  });

  it('keeps 20,000 reactions in another 300 KiB, below what NATS takes as one message', async () => {
    const messages = Array.from({ length: 5_000 }, (_, index) => ({ id: idOf(index), toAccountIds: [], text: 'x' }));
    const full = threadDecider.evolve(live, { type: 'MessagesAdded', senderId: 'A', messages, ...at });
    const reacted = Array.from({ length: 20_000 }).reduce<ThreadState>(
      (state, _, index) =>
        threadDecider.evolve(state, {
          type: 'ReactionAdded',
          accountId: idOf(10_000 + (index % 397)),
          messageId: idOf(index % 5_000),
          reaction: index % 2 === 0 ? '👍' : '❤️',
          ...at,
        }),
      full,
    );
    const data = await threadStateFormat.encode(reacted);
    assert.ok(data.length < 500_000, String(data.length));
    const read = threadStateFormat.decode(data);
    assert.ok(read.status === 'live');
    assert.equal(read.reactionCount, 20_003);
  });
});
