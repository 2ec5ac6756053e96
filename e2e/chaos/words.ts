import { ThreadCommandServiceService as commands } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import type { Method } from '../rolling/edge.js';
import type { Intent } from './history.js';

/** An intent in the words of either API; the older one does not have all. */
export interface Words {
  readonly method: Method;
  /** Of the request, besides who, which and where. */
  readonly fields: object;
  /** The path is below that of the thread. */
  readonly rest?: { readonly path: string; readonly body: object };
}

export function wordsOf(intent: Intent): Words {
  switch (intent.type) {
    case 'CreateThread': {
      const { title, administratorIds, memberIds } = intent;
      const fields = { title, administratorIds, memberIds };
      return { method: commands.createThread, fields, rest: { path: 'create', body: fields } };
    }
    case 'DestroyThread':
      return { method: commands.destroyThread, fields: {}, rest: { path: 'destroy', body: {} } };
    case 'JoinAdministratorIds':
      return administrators(commands.joinAdministratorIds, 'join', intent.administratorIds);
    case 'LeaveAdministratorIds':
      return administrators(commands.leaveAdministratorIds, 'leave', intent.administratorIds);
    case 'JoinMemberIds':
      return members(commands.joinMemberIds, 'join', intent.memberIds);
    case 'LeaveMemberIds':
      return members(commands.leaveMemberIds, 'leave', intent.memberIds);
    case 'AddMessages': {
      const messages = intent.messages.map(({ text, replyMessageId }) => ({ text, replyMessageId, toAccountIds: [] }));
      const body = { messages: messages.map(({ text, toAccountIds }) => ({ text, toAccountIds })) };
      return { method: commands.addMessages, fields: { messages }, rest: { path: 'messages/add', body } };
    }
    case 'RemoveMessages': {
      const { messageIds } = intent;
      const rest = { path: 'messages/remove', body: { messageIds } };
      return { method: commands.removeMessages, fields: { messageIds }, rest };
    }
    case 'EditMessage':
      return { method: commands.editMessage, fields: { messageId: intent.messageId, text: intent.text } };
    case 'AddReaction':
    case 'RemoveReaction': {
      const { messageId, reaction } = intent;
      const method = intent.type === 'AddReaction' ? commands.addReaction : commands.removeReaction;
      return { method, fields: { messageId, reaction } };
    }
    case 'MarkRead':
      return { method: commands.markRead, fields: { messageId: intent.messageId } };
  }
}

function administrators(method: Method, verb: 'join' | 'leave', administratorIds: readonly string[]): Words {
  const rest = { path: `administrator-ids/${verb}`, body: { accountIds: administratorIds } };
  return { method, fields: { administratorIds }, rest };
}

function members(method: Method, verb: 'join' | 'leave', memberIds: readonly string[]): Words {
  return { method, fields: { memberIds }, rest: { path: `member-ids/${verb}`, body: { accountIds: memberIds } } };
}
