import { createHash, randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { NewCommit } from '../../platform/journal/journal.js';
import { threadEventCodec } from '../../services/thread/events/thread-event-codec.js';
import type { ThreadEvent } from '../../services/thread/events/thread-event.js';

/** Far quicker than random ones, of which a fill needs millions. */
const ulid = monotonicFactory();
/** The text of each message: 64 characters, some ten words. */
const TEXT = 'A message of ordinary length, as people write them in their chats.'.slice(0, 64);
/** When the first commit was made, epoch milliseconds. */
const BEGAN_AT = 1_700_000_000_000;

/** A thread of a bench: its creator is its administrator and posts. */
export interface BenchThread {
  readonly id: string;
  readonly accountId: string;
  readonly memberIds: readonly string[];
}

/** @param members besides the creator */
export function someThread(members = 2): BenchThread {
  return { id: ulid(), accountId: ulid(), memberIds: Array.from({ length: members }, () => ulid()) };
}

/**
 * The commit that a thread-command process would have written: with an account's command id, a hash as fingerprint and a
 * trace. Version 1 creates the thread, each further one posts a message.
 */
export function commitAt(thread: BenchThread, version: number): NewCommit {
  const requestId = ulid();
  const occurredAt = BEGAN_AT + version;
  const event = version === 1 ? created(thread, occurredAt) : posted(thread, occurredAt);
  return {
    commandId: `${thread.accountId}/r/${requestId}`,
    fingerprint: createHash('sha256').update(requestId).digest('base64url').slice(0, 22),
    commandType: version === 1 ? 'CreateThread' : 'AddMessages',
    time: occurredAt,
    trace: { requestId, traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01` },
    events: [threadEventCodec.encode(event)],
  };
}

function created({ id, accountId, memberIds }: BenchThread, occurredAt: number): ThreadEvent {
  return {
    type: 'ThreadCreated',
    threadId: id,
    creatorId: accountId,
    title: 'a thread of a bench',
    administratorIds: [accountId],
    memberIds: [accountId, ...memberIds],
    occurredAt,
  };
}

function posted({ accountId }: BenchThread, occurredAt: number): ThreadEvent {
  const message = { id: ulid(), toAccountIds: [], text: TEXT };
  return { type: 'MessagesAdded', senderId: accountId, messages: [message], occurredAt };
}
