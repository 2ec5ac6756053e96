import assert from 'node:assert/strict';
import { jsonCommandCodec } from '../../../../platform/commands/command-codec.js';
import type { ThreadCommand } from '../domain/thread-command.js';
import type { ThreadRejection } from '../domain/thread-rejection.js';
import { threadCommandCodec } from './thread-command-codec.js';

const issued = { accountId: 'A', occurredAt: 1_700_000_000_123 };
const commands: ThreadCommand[] = [
  {
    ...{ ...issued, type: 'CreateThread', threadId: 'T', parent: { threadId: 'P', exists: false } },
    ...{ title: 'é', remarks: '', administratorIds: ['A'], memberIds: ['M', 'N'] },
  } as ThreadCommand,
  {
    ...{ ...issued, type: 'CreateThread', threadId: 'T', parent: undefined },
    ...{ title: '', remarks: undefined, administratorIds: [], memberIds: [] },
  } as ThreadCommand,
  { ...issued, occurredAt: 0, type: 'DestroyThread' },
  { ...issued, type: 'JoinAdministratorIds', administratorIds: ['B'] },
  { ...issued, type: 'LeaveAdministratorIds', administratorIds: ['B', 'C'] },
  { ...issued, type: 'JoinMemberIds', memberIds: [] },
  { ...issued, type: 'LeaveMemberIds', memberIds: ['M'] },
  {
    ...issued,
    type: 'AddMessages',
    messages: [
      { id: '1', replyMessageId: '0', toAccountIds: ['B'], text: 'hi' },
      { id: '2', replyMessageId: undefined, toAccountIds: [], text: '' },
    ],
  },
  { ...issued, type: 'RemoveMessages', messageIds: ['1', '2'] },
  { ...issued, type: 'EditMessage', messageId: '1', text: '\u0000😀' },
  { ...issued, type: 'UpdateThread', title: '', remarks: undefined, clearsRemarks: true },
  { ...issued, type: 'UpdateThread', title: undefined, remarks: '', clearsRemarks: false },
  { ...issued, type: 'AddReaction', messageId: '1', reaction: '❤️' },
  { ...issued, type: 'RemoveReaction', messageId: '1', reaction: '❤️' },
  { ...issued, type: 'MarkRead', messageId: '1' },
];
const rejections: ThreadRejection[] = [
  { code: 'NOT_CREATED' },
  { code: 'MESSAGE_NOT_FOUND' },
  { code: 'TOO_MANY_REACTIONS' },
  { code: 'REPLY_TARGET_NOT_FOUND', messageIndexes: [0, 3] },
];

describe('threadCommandCodec', () => {
  for (const command of commands) {
    it(`brings ${command.type} over whole`, () => {
      const data = threadCommandCodec.encodeCommand(command);
      assert.deepEqual(threadCommandCodec.decodeCommand(data), command);
    });
  }

  for (const rejection of rejections) {
    it(`brings the rejection ${rejection.code} over whole`, () => {
      const data = threadCommandCodec.encodeRejection(rejection);
      assert.deepEqual(threadCommandCodec.decodeRejection(data), rejection);
    });
  }

  it('understands what the next version sends', () => {
    const next = jsonCommandCodec<ThreadCommand, ThreadRejection>();
    // What is undefined is left out, which means the same.
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    for (const command of commands) {
      assert.deepEqual(threadCommandCodec.decodeCommand(next.encodeCommand(command)), plain(command));
    }
    for (const rejection of rejections) {
      assert.deepEqual(threadCommandCodec.decodeRejection(next.encodeRejection(rejection)), rejection);
    }
  });

  it('refuses what is neither', () => {
    assert.throws(() => threadCommandCodec.decodeCommand(Buffer.alloc(0)), /cannot be read/);
    assert.throws(() => threadCommandCodec.decodeRejection(Buffer.alloc(0)), /cannot be read/);
  });
});
