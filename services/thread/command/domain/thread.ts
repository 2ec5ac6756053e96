import { accept, reject, unreachable, type Decider, type Decision } from '../../../../platform/kernel/decider.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type {
  AddMessages,
  AddReaction,
  CreateThread,
  EditMessage,
  MarkRead,
  RemoveMessages,
  RemoveReaction,
  ThreadCommand,
} from './thread-command.js';
import type { ThreadRejection } from './thread-rejection.js';
import { evolve, type LiveMessage, type LiveThread, type ThreadState } from './thread-state.js';

/** So many messages a thread holds that are not removed. */
export const MAX_LIVE_MESSAGES = 5_000;

/** So many different reactions a message has. */
export const MAX_REACTIONS_OF_MESSAGE = 20;
/** So many reactions the messages of a thread have together: what keeps a thread in memory small. */
export const MAX_REACTIONS_OF_THREAD = 20_000;

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
    case 'EditMessage':
    case 'AddReaction':
    case 'RemoveReaction':
    case 'MarkRead':
      return attendToMessage(command, thread);
    case 'DestroyThread':
    case 'UpdateThread':
    case 'JoinAdministratorIds':
    case 'LeaveAdministratorIds':
    case 'JoinMemberIds':
    case 'LeaveMemberIds':
      return administer(command, thread);
    default:
      return unreachable(command);
  }
}

type MessageCommand = EditMessage | AddReaction | RemoveReaction | MarkRead;

/** The commands that only an administrator may give. */
function administer(
  command: Exclude<ThreadCommand, CreateThread | AddMessages | RemoveMessages | MessageCommand>,
  { administratorIds, memberIds }: LiveThread,
): ThreadDecision {
  const { accountId, occurredAt } = command;
  if (!administratorIds.has(accountId)) return reject({ code: 'NOT_ADMINISTRATOR' });
  switch (command.type) {
    case 'DestroyThread':
      return accept({ type: 'ThreadDestroyed', accountId, occurredAt });
    case 'UpdateThread': {
      const { title, remarks, clearsRemarks } = command;
      return accept({ type: 'ThreadUpdated', accountId, title, remarks, clearsRemarks, occurredAt });
    }
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
    replyMessageId !== undefined && !thread.messages.has(replyMessageId) ? [index] : [],
  );
  if (messageIndexes.length > 0) return reject({ code: 'REPLY_TARGET_NOT_FOUND', messageIndexes });
  if (thread.messages.size + messages.length > MAX_LIVE_MESSAGES) return reject({ code: 'TOO_MANY_MESSAGES' });
  if (messages.length === 0) return accept();
  return accept({ type: 'MessagesAdded', senderId: accountId, messages, occurredAt });
}

function removeMessages({ accountId, messageIds, occurredAt }: RemoveMessages, thread: LiveThread): ThreadDecision {
  const found = messageIds.filter((id) => thread.messages.has(id));
  if (found.some((id) => thread.messages.get(id)?.senderId !== accountId)) return reject({ code: 'NOT_SENDER' });
  if (found.length > 0) return accept({ type: 'MessagesRemoved', removerId: accountId, messageIds: found, occurredAt });
  // Who has left may still remove what is theirs; who has nothing to do with the thread does not add to its journal.
  return participates(thread, accountId) ? accept() : reject({ code: 'NOT_PARTICIPANT' });
}

/** The commands that a participant gives about one message. */
function attendToMessage(command: MessageCommand, thread: LiveThread): ThreadDecision {
  if (!participates(thread, command.accountId)) return reject({ code: 'NOT_PARTICIPANT' });
  const message = thread.messages.get(command.messageId);
  if (message === undefined) return reject({ code: 'MESSAGE_NOT_FOUND' });
  const { accountId, messageId, occurredAt } = command;
  switch (command.type) {
    case 'EditMessage':
      if (message.senderId !== accountId) return reject({ code: 'NOT_SENDER' });
      return accept({ type: 'MessageEdited', senderId: accountId, messageId, text: command.text, occurredAt });
    case 'AddReaction':
      return addReaction(command, message, thread);
    case 'RemoveReaction': {
      const { reaction } = command;
      if (!message.reactions.get(reaction)?.has(accountId)) return accept();
      return accept({ type: 'ReactionRemoved', accountId, messageId, reaction, occurredAt });
    }
    case 'MarkRead': {
      const readOrdinal = thread.readOrdinals.get(accountId) ?? -1;
      if (message.ordinal <= readOrdinal) return accept();
      return accept({ type: 'MessagesRead', accountId, messageId, occurredAt });
    }
    default:
      return unreachable(command);
  }
}

function addReaction(
  { accountId, messageId, reaction, occurredAt }: AddReaction,
  { reactions }: LiveMessage,
  { reactionCount }: LiveThread,
): ThreadDecision {
  const accountIds = reactions.get(reaction);
  if (accountIds?.has(accountId)) return accept();
  const isOneTooMany = accountIds === undefined && reactions.size >= MAX_REACTIONS_OF_MESSAGE;
  if (isOneTooMany || reactionCount >= MAX_REACTIONS_OF_THREAD) return reject({ code: 'TOO_MANY_REACTIONS' });
  return accept({ type: 'ReactionAdded', accountId, messageId, reaction, occurredAt });
}

/** An administrator or a member. */
export function participates({ administratorIds, memberIds }: LiveThread, accountId: string): boolean {
  return memberIds.has(accountId) || administratorIds.has(accountId);
}
