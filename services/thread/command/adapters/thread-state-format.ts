import { setImmediate as nextTurn } from 'node:timers/promises';
import { Map as ImmutableMap, Set as ImmutableSet } from 'immutable';
import {
  ThreadState as ThreadStateMessage,
  type LiveThread as LiveThreadMessage,
} from '../../../../gen/threadweaver/thread/state/v1/thread_state.js';
import type { StateFormat } from '../../../../platform/journal/snapshots.js';
import {
  countReactions,
  noReactions,
  type LiveMessage,
  type LiveThread,
  type Reactions,
  type ThreadState,
} from '../domain/thread-state.js';

/** Some 0.5 ms of work. */
const MESSAGES_A_TURN = 250;

/** How snapshots keep a thread. Raise the version when its meaning changes: older snapshots are then passed over. */
export const threadStateFormat: StateFormat<ThreadState> = {
  version: 2,

  async encode(state) {
    return ThreadStateMessage.encode({ status: await statusOf(state) }).finish();
  },

  decode(data) {
    const { status } = ThreadStateMessage.decode(data);
    if (status === undefined) return { status: 'absent' };
    if (status.$case === 'destroyed') return { status: 'destroyed' };
    return liveThreadOf(status.value);
  },
};

async function statusOf(state: ThreadState): Promise<ThreadStateMessage['status']> {
  switch (state.status) {
    case 'absent':
      return undefined;
    case 'destroyed':
      return { $case: 'destroyed', value: {} };
    case 'live':
      return { $case: 'live', value: await messageOf(state) };
  }
}

async function messageOf(thread: LiveThread): Promise<LiveThreadMessage> {
  const { administratorIds, memberIds, messages, nextOrdinal, readOrdinals } = thread;
  const bySender = new Map<string, { senderId: string; messageIds: string[]; ordinals: number[] }>();
  // Accounts that have reacted, by their place in the list that is kept.
  const indexes = new Map<string, number>();
  const reactions: LiveThreadMessage['reactions'] = [];
  let looked = 0;
  for (const [id, { senderId, ordinal, reactions: own }] of messages) {
    const sent = bySender.get(senderId) ?? { senderId, messageIds: [], ordinals: [] };
    bySender.set(senderId, sent);
    sent.messageIds.push(id);
    sent.ordinals.push(ordinal);
    for (const [reaction, accountIds] of own) {
      const accountIndexes = [...accountIds].map((accountId) => {
        const index = indexes.get(accountId) ?? indexes.size;
        indexes.set(accountId, index);
        return index;
      });
      reactions.push({ messageId: id, reaction, accountIndexes });
    }
    looked += 1;
    if (looked % MESSAGES_A_TURN === 0) await nextTurn();
  }
  return {
    administratorIds: [...administratorIds],
    memberIds: [...memberIds],
    messages: [...bySender.values()],
    nextOrdinal,
    readMarkers: [...readOrdinals].map(([accountId, ordinal]) => ({ accountId, ordinal })),
    reactingAccountIds: [...indexes.keys()],
    reactions,
  };
}

/** @throws Error when its parts do not fit together */
function liveThreadOf(kept: LiveThreadMessage): LiveThread {
  const reactionsOf = new Map<string, Reactions>();
  for (const { messageId, reaction, accountIndexes } of kept.reactions) {
    const accountIds = accountIndexes.map((index) => orDamaged(kept.reactingAccountIds[index]));
    reactionsOf.set(messageId, (reactionsOf.get(messageId) ?? noReactions).set(reaction, ImmutableSet(accountIds)));
  }
  const messages = ImmutableMap<string, LiveMessage>(
    kept.messages.flatMap(({ senderId, messageIds, ordinals }) =>
      messageIds.map((id, index): [string, LiveMessage] => [
        id,
        { senderId, ordinal: orDamaged(ordinals[index]), reactions: reactionsOf.get(id) ?? noReactions },
      ]),
    ),
  );
  return {
    status: 'live',
    administratorIds: ImmutableSet(kept.administratorIds),
    memberIds: ImmutableSet(kept.memberIds),
    messages,
    nextOrdinal: kept.nextOrdinal,
    reactionCount: messages.reduce((count, message) => count + countReactions(message), 0),
    readOrdinals: ImmutableMap(kept.readMarkers.map(({ accountId, ordinal }) => [accountId, ordinal])),
  };
}

function orDamaged<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the snapshot of a thread is damaged');
  return part;
}
