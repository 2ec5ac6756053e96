import assert from 'node:assert/strict';
import { threadEventCodec } from './thread-event-codec.js';
import type { ThreadEvent } from './thread-event.js';

const occurredAt = 1_700_000_000_123;
const events: readonly ThreadEvent[] = [
  {
    type: 'ThreadCreated',
    threadId: 'T',
    creatorId: 'A',
    parentThreadId: 'P',
    title: 'title 😀\u0000',
    remarks: '',
    administratorIds: ['A', 'B'],
    memberIds: [],
    occurredAt: 0,
  },
  { type: 'ThreadDestroyed', accountId: 'A', occurredAt: 253_402_300_799_999 },
  { type: 'AdministratorIdsJoined', accountId: 'A', administratorIds: ['B'], occurredAt },
  { type: 'AdministratorIdsLeft', accountId: 'A', administratorIds: ['B'], occurredAt },
  { type: 'MemberIdsJoined', accountId: 'A', memberIds: ['B'], occurredAt },
  { type: 'MemberIdsLeft', accountId: 'A', memberIds: ['B'], occurredAt },
  {
    type: 'MessagesAdded',
    senderId: 'A',
    messages: [
      { id: 'M1', replyMessageId: 'M0', toAccountIds: ['B'], text: 'x' },
      { id: 'M2', replyMessageId: undefined, toAccountIds: [], text: '😀' },
    ],
    occurredAt,
  },
  { type: 'MessagesRemoved', removerId: 'A', messageIds: ['M1'], occurredAt },
  { type: 'MessageEdited', senderId: 'A', messageId: 'M1', text: 'y\u0000 😀', occurredAt },
  { type: 'ThreadUpdated', accountId: 'A', title: '', remarks: undefined, clearsRemarks: true, occurredAt },
  { type: 'ReactionAdded', accountId: 'A', messageId: 'M1', reaction: '👩‍❤️‍💋‍👨', occurredAt },
  { type: 'ReactionRemoved', accountId: 'A', messageId: 'M1', reaction: '🏴󠁧󠁢󠁥󠁮󠁧󠁿', occurredAt },
  { type: 'MessagesRead', accountId: 'A', messageId: 'M1', occurredAt },
];

describe('threadEventCodec', () => {
  for (const event of events) {
    it(`reads the ${event.type} that it writes`, () => {
      assert.deepEqual(structuredClone(threadEventCodec.decode(threadEventCodec.encode(event))), event);
    });
  }

  it('keeps absent apart from empty', () => {
    const [first] = events;
    assert.ok(first?.type === 'ThreadCreated');
    const decoded = threadEventCodec.decode(threadEventCodec.encode({ ...first, remarks: undefined }));
    assert.ok(decoded.type === 'ThreadCreated');
    assert.equal(decoded.remarks, undefined);
    for (const [title, remarks] of [
      [undefined, ''],
      ['', undefined],
    ]) {
      const updated = {
        type: 'ThreadUpdated',
        accountId: 'A',
        title,
        remarks,
        clearsRemarks: false,
        occurredAt,
      } as const;
      assert.deepEqual(structuredClone(threadEventCodec.decode(threadEventCodec.encode(updated))), updated);
    }
  });
});
