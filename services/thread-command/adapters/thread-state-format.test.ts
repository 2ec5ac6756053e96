import assert from 'node:assert/strict';
import { threadDecider, type ThreadState } from '../domain/thread.js';
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
].reduce<ThreadState>((state, event) => threadDecider.evolve(state, event), threadDecider.initialState);

describe('threadStateFormat', () => {
  it('reads what it writes, so that the same is decided on it', () => {
    const read = threadStateFormat.decode(threadStateFormat.encode(live));
    assert.ok(read.status === 'live' && live.status === 'live');
    assert.ok(read.administratorIds.equals(live.administratorIds));
    assert.ok(read.memberIds.equals(live.memberIds));
    assert.ok(read.senderIds.equals(live.senderIds));
  });

  it('keeps absent and destroyed threads apart', () => {
    for (const status of ['absent', 'destroyed'] as const) {
      assert.deepEqual(threadStateFormat.decode(threadStateFormat.encode({ status })), { status });
    }
  });

  it('does not grow with texts: 5,000 messages take some 150 KiB', () => {
    const messages = Array.from({ length: 5_000 }, (_, index) => ({
      id: String(index).padStart(26, '0'),
      toAccountIds: [],
      text: 'x'.repeat(255),
    }));
    const full = threadDecider.evolve(live, { type: 'MessagesAdded', senderId: 'A', messages, ...at });
    assert.ok(threadStateFormat.encode(full).length < 160_000);
  });
});
