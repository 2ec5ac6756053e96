import { Map as ImmutableMap, Set as ImmutableSet } from 'immutable';
import { unreachable } from '../../../../platform/kernel/decider.js';
import type { ThreadEvent } from '../../events/thread-event.js';

/** What a thread must remember to decide; texts are not among it. */
export type ThreadState = { readonly status: 'absent' } | { readonly status: 'destroyed' } | LiveThread;

export interface LiveThread {
  readonly status: 'live';
  /** Never empty. */
  readonly administratorIds: ImmutableSet<string>;
  readonly memberIds: ImmutableSet<string>;
  /** Those that are not removed, by their ids. */
  readonly messages: ImmutableMap<string, LiveMessage>;
  /** The ordinal that the next message gets: the number of messages ever posted. */
  readonly nextOrdinal: number;
  /** Reactions to all messages together. */
  readonly reactionCount: number;
  /** For each account that has marked messages as read, the ordinal of the last of those. Outlasts leaving. */
  readonly readOrdinals: ImmutableMap<string, number>;
}

export interface LiveMessage {
  readonly senderId: string;
  /** Its place in the order of posting. */
  readonly ordinal: number;
  /** Whose each reaction is; no entry is empty. */
  readonly reactions: Reactions;
}

export type Reactions = ImmutableMap<string, ImmutableSet<string>>;

/** Shared by all messages that nobody has reacted to. */
export const noReactions: Reactions = ImmutableMap();

/** The state after the event. */
export function evolve(state: ThreadState, event: ThreadEvent): ThreadState {
  switch (event.type) {
    case 'ThreadCreated':
      return {
        status: 'live',
        administratorIds: ImmutableSet(event.administratorIds),
        memberIds: ImmutableSet(event.memberIds),
        messages: ImmutableMap(),
        nextOrdinal: 0,
        reactionCount: 0,
        readOrdinals: ImmutableMap(),
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
    case 'MessagesAdded': {
      const { senderId } = event;
      return {
        ...thread,
        nextOrdinal: thread.nextOrdinal + event.messages.length,
        messages: thread.messages.withMutations((messages) => {
          event.messages.forEach(({ id }, index) =>
            messages.set(id, { senderId, ordinal: thread.nextOrdinal + index, reactions: noReactions }),
          );
        }),
      };
    }
    case 'MessagesRemoved': {
      const lost = event.messageIds.reduce((count, id) => count + countReactions(thread.messages.get(id)), 0);
      return {
        ...thread,
        messages: thread.messages.deleteAll(event.messageIds),
        reactionCount: thread.reactionCount - lost,
      };
    }
    case 'ReactionAdded':
      return withReaction(thread, event, (accountIds) => accountIds.add(event.accountId));
    case 'ReactionRemoved':
      return withReaction(thread, event, (accountIds) => accountIds.remove(event.accountId));
    case 'MessagesRead': {
      const message = thread.messages.get(event.messageId);
      if (message === undefined) return thread;
      return { ...thread, readOrdinals: thread.readOrdinals.set(event.accountId, message.ordinal) };
    }
    case 'MessageEdited':
    case 'ThreadUpdated':
      return thread;
    default:
      return unreachable(event);
  }
}

function withReaction(
  thread: LiveThread,
  { messageId, reaction }: { readonly messageId: string; readonly reaction: string },
  change: (accountIds: ImmutableSet<string>) => ImmutableSet<string>,
): LiveThread {
  const message = thread.messages.get(messageId);
  if (message === undefined) return thread;
  const before = message.reactions.get(reaction) ?? ImmutableSet<string>();
  const after = change(before);
  const reactions = after.isEmpty() ? message.reactions.remove(reaction) : message.reactions.set(reaction, after);
  return {
    ...thread,
    messages: thread.messages.set(messageId, { ...message, reactions: reactions.isEmpty() ? noReactions : reactions }),
    reactionCount: thread.reactionCount + after.size - before.size,
  };
}

/** How many accounts have reacted to the message, once for each different reaction of theirs. */
export function countReactions(message: LiveMessage | undefined): number {
  return message?.reactions.reduce((count, accountIds) => count + accountIds.size, 0) ?? 0;
}

/**
 * Roughly what a state takes in memory, in bytes: measured some 250 an entry of an immutable collection of ULIDs, and 50
 * more for what is known of a message.
 */
export function estimateThreadBytes(state: ThreadState): number {
  if (state.status !== 'live') return 200;
  const { administratorIds, memberIds, messages, readOrdinals, reactionCount } = state;
  const entries = administratorIds.size + memberIds.size + readOrdinals.size + reactionCount;
  return 1_000 + 250 * entries + 300 * messages.size;
}
