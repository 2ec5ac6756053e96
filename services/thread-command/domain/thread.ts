import { Map as ImmutableMap, Set as ImmutableSet } from 'immutable';
import { accept, reject, unreachable, type Decider, type Decision } from '../../shared/kernel/decider.js';
import type { ThreadEvent } from '../../thread-events/thread-event.js';
import type { AddMessages, CreateThread, RemoveMessages, ThreadCommand } from './thread-command.js';
import type { ThreadRejection } from './thread-rejection.js';

/** So many messages a thread holds that are not removed. */
export const MAX_LIVE_MESSAGES = 5_000;

/** What a thread must remember to decide; texts are not among it. */
export type ThreadState = { readonly status: 'absent' } | { readonly status: 'destroyed' } | LiveThread;

export interface LiveThread {
  readonly status: 'live';
  /** Never empty. */
  readonly administratorIds: ImmutableSet<string>;
  readonly memberIds: ImmutableSet<string>;
  /** Who sent each message that is not removed. */
  readonly senderIds: ImmutableMap<string, string>;
}

type ThreadDecision = Decision<ThreadEvent, ThreadRejection>;

export const threadDecider: Decider<ThreadCommand, ThreadEvent, ThreadState, ThreadRejection> = {
  initialState: { status: 'absent' },
  decide,
  evolve,
};

function decide(command: ThreadCommand, state: ThreadState): ThreadDecision {
  if (command.type === 'CreateThread') return create(command, state);
  switch (state.status) {
    case 'absent':
      return reject({ code: 'NOT_CREATED' });
    case 'destroyed':
      return reject({ code: 'DESTROYED' });
    case 'live':
      return decideLive(command, state);
    default:
      return unreachable(state);
  }
}

function create(command: CreateThread, state: ThreadState): ThreadDecision {
  const { accountId, parent, administratorIds } = command;
  if (state.status !== 'absent') return reject({ code: 'ALREADY_CREATED' });
  if (parent?.exists === false) return reject({ code: 'PARENT_NOT_FOUND' });
  if (administratorIds.length === 0) return reject({ code: 'NO_ADMINISTRATOR' });
  return accept({
    type: 'ThreadCreated',
    threadId: command.threadId,
    creatorId: accountId,
    parentThreadId: parent?.threadId,
    title: command.title,
    remarks: command.remarks,
    administratorIds,
    memberIds: command.memberIds,
    occurredAt: command.occurredAt,
  });
}

function decideLive(command: Exclude<ThreadCommand, CreateThread>, thread: LiveThread): ThreadDecision {
  switch (command.type) {
    case 'AddMessages':
      return addMessages(command, thread);
    case 'RemoveMessages':
      return removeMessages(command, thread);
    case 'DestroyThread':
    case 'JoinAdministratorIds':
    case 'LeaveAdministratorIds':
    case 'JoinMemberIds':
    case 'LeaveMemberIds':
      return administer(command, thread);
    default:
      return unreachable(command);
  }
}

/** The commands that only an administrator may give. */
function administer(
  command: Exclude<ThreadCommand, CreateThread | AddMessages | RemoveMessages>,
  { administratorIds, memberIds }: LiveThread,
): ThreadDecision {
  const { accountId, occurredAt } = command;
  if (!administratorIds.has(accountId)) return reject({ code: 'NOT_ADMINISTRATOR' });
  switch (command.type) {
    case 'DestroyThread':
      return accept({ type: 'ThreadDestroyed', accountId, occurredAt });
    case 'JoinAdministratorIds': {
      const joined = command.administratorIds.filter((id) => !administratorIds.has(id));
      if (joined.length === 0) return accept();
      return accept({ type: 'AdministratorIdsJoined', accountId, administratorIds: joined, occurredAt });
    }
    case 'LeaveAdministratorIds': {
      const left = command.administratorIds.filter((id) => administratorIds.has(id));
      if (left.length === 0) return accept();
      if (left.length === administratorIds.size) return reject({ code: 'LAST_ADMINISTRATOR' });
      return accept({ type: 'AdministratorIdsLeft', accountId, administratorIds: left, occurredAt });
    }
    case 'JoinMemberIds': {
      const joined = command.memberIds.filter((id) => !memberIds.has(id));
      if (joined.length === 0) return accept();
      return accept({ type: 'MemberIdsJoined', accountId, memberIds: joined, occurredAt });
    }
    case 'LeaveMemberIds': {
      const left = command.memberIds.filter((id) => memberIds.has(id));
      if (left.length === 0) return accept();
      return accept({ type: 'MemberIdsLeft', accountId, memberIds: left, occurredAt });
    }
    default:
      return unreachable(command);
  }
}

function addMessages({ accountId, messages, occurredAt }: AddMessages, thread: LiveThread): ThreadDecision {
  if (!participates(thread, accountId)) return reject({ code: 'NOT_PARTICIPANT' });
  const messageIndexes = messages.flatMap(({ replyMessageId }, index) =>
    replyMessageId !== undefined && !thread.senderIds.has(replyMessageId) ? [index] : [],
  );
  if (messageIndexes.length > 0) return reject({ code: 'REPLY_TARGET_NOT_FOUND', messageIndexes });
  if (thread.senderIds.size + messages.length > MAX_LIVE_MESSAGES) return reject({ code: 'TOO_MANY_MESSAGES' });
  if (messages.length === 0) return accept();
  return accept({ type: 'MessagesAdded', senderId: accountId, messages, occurredAt });
}

function removeMessages({ accountId, messageIds, occurredAt }: RemoveMessages, thread: LiveThread): ThreadDecision {
  const found = messageIds.filter((id) => thread.senderIds.has(id));
  if (found.some((id) => thread.senderIds.get(id) !== accountId)) return reject({ code: 'NOT_SENDER' });
  if (found.length > 0) return accept({ type: 'MessagesRemoved', removerId: accountId, messageIds: found, occurredAt });
  // Who has left may still remove what is theirs; who has nothing to do with the thread does not add to its journal.
  return participates(thread, accountId) ? accept() : reject({ code: 'NOT_PARTICIPANT' });
}

function participates({ administratorIds, memberIds }: LiveThread, accountId: string): boolean {
  return memberIds.has(accountId) || administratorIds.has(accountId);
}

function evolve(state: ThreadState, event: ThreadEvent): ThreadState {
  switch (event.type) {
    case 'ThreadCreated':
      return {
        status: 'live',
        administratorIds: ImmutableSet(event.administratorIds),
        memberIds: ImmutableSet(event.memberIds),
        senderIds: ImmutableMap(),
      };
    case 'ThreadDestroyed':
      return { status: 'destroyed' };
    default:
      return state.status === 'live' ? evolveLive(state, event) : state;
  }
}

function evolveLive(
  thread: LiveThread,
  event: Exclude<ThreadEvent, { type: 'ThreadCreated' | 'ThreadDestroyed' }>,
): LiveThread {
  switch (event.type) {
    case 'AdministratorIdsJoined':
      return { ...thread, administratorIds: thread.administratorIds.union(event.administratorIds) };
    case 'AdministratorIdsLeft':
      return { ...thread, administratorIds: thread.administratorIds.subtract(event.administratorIds) };
    case 'MemberIdsJoined':
      return { ...thread, memberIds: thread.memberIds.union(event.memberIds) };
    case 'MemberIdsLeft':
      return { ...thread, memberIds: thread.memberIds.subtract(event.memberIds) };
    case 'MessagesAdded':
      return {
        ...thread,
        senderIds: thread.senderIds.withMutations((senderIds) => {
          for (const { id } of event.messages) senderIds.set(id, event.senderId);
        }),
      };
    case 'MessagesRemoved':
      return { ...thread, senderIds: thread.senderIds.deleteAll(event.messageIds) };
    default:
      return unreachable(event);
  }
}

/** Roughly what a state takes in memory, in bytes: measured some 250 an entry of an immutable collection of ULIDs. */
export function estimateThreadBytes(state: ThreadState): number {
  if (state.status !== 'live') return 200;
  return 1_000 + 250 * (state.administratorIds.size + state.memberIds.size + state.senderIds.size);
}
