import type { ThreadCommit, ThreadEvent as EventMessage } from '../../../../gen/threadweaver/thread/v1/thread_watch.js';
import { unreachable } from '../../../../platform/kernel/decider.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type { ThreadNews } from '../runtime/thread-watch.js';

/** A commit as watchers get it. */
export function commitMessage({ version, time, events }: Extract<ThreadNews, { kind: 'commit' }>): ThreadCommit {
  return { version: BigInt(version), commitTime: new Date(time), events: events.map(eventMessage) };
}

/** An event as watchers get it. A new event needs a case here and a field in thread_watch.proto. */
function eventMessage(event: ThreadEvent): EventMessage {
  return { event: caseOf(event) };
}

function caseOf(event: ThreadEvent): NonNullable<EventMessage['event']> {
  const occurTime = new Date(event.occurredAt);
  switch (event.type) {
    case 'ThreadCreated': {
      const [administratorIds, memberIds] = [[...event.administratorIds], [...event.memberIds]];
      return { $case: 'threadCreated', value: { ...event, administratorIds, memberIds, occurTime } };
    }
    case 'ThreadDestroyed':
      return { $case: 'threadDestroyed', value: { ...event, occurTime } };
    case 'AdministratorIdsJoined':
      return {
        $case: 'administratorIdsJoined',
        value: { ...event, administratorIds: [...event.administratorIds], occurTime },
      };
    case 'AdministratorIdsLeft':
      return {
        $case: 'administratorIdsLeft',
        value: { ...event, administratorIds: [...event.administratorIds], occurTime },
      };
    case 'MemberIdsJoined':
      return { $case: 'memberIdsJoined', value: { ...event, memberIds: [...event.memberIds], occurTime } };
    case 'MemberIdsLeft':
      return { $case: 'memberIdsLeft', value: { ...event, memberIds: [...event.memberIds], occurTime } };
    case 'MessagesAdded': {
      const messages = event.messages.map((message) => ({ ...message, toAccountIds: [...message.toAccountIds] }));
      return { $case: 'messagesAdded', value: { ...event, messages, occurTime } };
    }
    case 'MessagesRemoved':
      return { $case: 'messagesRemoved', value: { ...event, messageIds: [...event.messageIds], occurTime } };
    case 'MessageEdited':
      return { $case: 'messageEdited', value: { ...event, occurTime } };
    case 'ThreadUpdated':
      return { $case: 'threadUpdated', value: { ...event, occurTime } };
    case 'ReactionAdded':
      return { $case: 'reactionAdded', value: { ...event, occurTime } };
    case 'ReactionRemoved':
      return { $case: 'reactionRemoved', value: { ...event, occurTime } };
    case 'MessagesRead':
      return { $case: 'messagesRead', value: { ...event, occurTime } };
    default:
      return unreachable(event);
  }
}
