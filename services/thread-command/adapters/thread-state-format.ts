import { Map as ImmutableMap, Set as ImmutableSet } from 'immutable';
import { ThreadState as ThreadStateMessage } from '../../gen/threadweaver/thread/state/v1/thread_state.js';
import type { StateFormat } from '../../shared/runtime/snapshots.js';
import type { ThreadState } from '../domain/thread.js';

/** How snapshots keep a thread. Raise the version when its meaning changes: older snapshots are then passed over. */
export const threadStateFormat: StateFormat<ThreadState> = {
  version: 1,

  encode(state) {
    return ThreadStateMessage.encode({ status: statusOf(state) }).finish();
  },

  decode(data) {
    const { status } = ThreadStateMessage.decode(data);
    if (status === undefined) return { status: 'absent' };
    if (status.$case === 'destroyed') return { status: 'destroyed' };
    const { administratorIds, memberIds, messages } = status.value;
    return {
      status: 'live',
      administratorIds: ImmutableSet(administratorIds),
      memberIds: ImmutableSet(memberIds),
      senderIds: ImmutableMap(
        messages.flatMap(({ senderId, messageIds }) => messageIds.map((id) => [id, senderId] as const)),
      ),
    };
  },
};

function statusOf(state: ThreadState): ThreadStateMessage['status'] {
  switch (state.status) {
    case 'absent':
      return undefined;
    case 'destroyed':
      return { $case: 'destroyed', value: {} };
    case 'live': {
      const bySender = new Map<string, string[]>();
      for (const [id, senderId] of state.senderIds) {
        const messageIds = bySender.get(senderId);
        if (messageIds) messageIds.push(id);
        else bySender.set(senderId, [id]);
      }
      return {
        $case: 'live',
        value: {
          administratorIds: [...state.administratorIds],
          memberIds: [...state.memberIds],
          messages: [...bySender].map(([senderId, messageIds]) => ({ senderId, messageIds })),
        },
      };
    }
  }
}
