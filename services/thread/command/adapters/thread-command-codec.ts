import * as proto from '../../../../gen/threadweaver/thread/command/v1/thread_commands.js';
import { Fault } from '../../../../platform/kernel/fault.js';
import { isJsonObject, jsonCommandCodec, type CommandCodec } from '../../../../platform/commands/command-codec.js';
import type { ThreadCommand } from '../domain/thread-command.js';
import type { ThreadRejection } from '../domain/thread-rejection.js';

type Body = NonNullable<proto.ThreadCommand['command']>;

const json = jsonCommandCodec<ThreadCommand, ThreadRejection>();

/**
 * Commands on their way between two instances; both ends run the same or neighbouring versions. What the next version
 * sends, JSON, is understood already: this one still sends what the one before understands.
 */
export const threadCommandCodec: CommandCodec<ThreadCommand, ThreadRejection> = {
  encodeCommand(command) {
    const { accountId, occurredAt } = command;
    return proto.ThreadCommand.encode({
      accountId,
      occurTime: new Date(occurredAt),
      command: bodyOf(command),
    }).finish();
  },
  decodeCommand(data) {
    if (isJsonObject(data)) return json.decodeCommand(data);
    const { accountId, occurTime, command } = proto.ThreadCommand.decode(data);
    if (occurTime === undefined || command === undefined) throw unreadable('a command');
    return { accountId, occurredAt: occurTime.getTime(), ...contentOf(command) };
  },
  encodeRejection(rejection) {
    const messageIndexes = rejection.code === 'REPLY_TARGET_NOT_FOUND' ? [...rejection.messageIndexes] : [];
    return proto.ThreadRejection.encode({ code: rejection.code, messageIndexes }).finish();
  },
  decodeRejection(data) {
    if (isJsonObject(data)) return json.decodeRejection(data);
    const { code, messageIndexes } = proto.ThreadRejection.decode(data);
    if (code === '') throw unreadable('a rejection');
    return (code === 'REPLY_TARGET_NOT_FOUND' ? { code, messageIndexes } : { code }) as ThreadRejection;
  },
};

function bodyOf(command: ThreadCommand): Body {
  switch (command.type) {
    case 'CreateThread':
      return { $case: 'createThread', value: mutable<proto.CreateThread>(command) };
    case 'DestroyThread':
      return { $case: 'destroyThread', value: {} };
    case 'JoinAdministratorIds':
      return { $case: 'joinAdministratorIds', value: { ids: [...command.administratorIds] } };
    case 'LeaveAdministratorIds':
      return { $case: 'leaveAdministratorIds', value: { ids: [...command.administratorIds] } };
    case 'JoinMemberIds':
      return { $case: 'joinMemberIds', value: { ids: [...command.memberIds] } };
    case 'LeaveMemberIds':
      return { $case: 'leaveMemberIds', value: { ids: [...command.memberIds] } };
    case 'AddMessages':
      return { $case: 'addMessages', value: mutable<proto.AddMessages>(command) };
    case 'RemoveMessages':
      return { $case: 'removeMessages', value: { messageIds: [...command.messageIds] } };
    case 'EditMessage':
      return { $case: 'editMessage', value: command };
    case 'UpdateThread':
      return { $case: 'updateThread', value: mutable<proto.UpdateThread>(command) };
    case 'AddReaction':
      return { $case: 'addReaction', value: command };
    case 'RemoveReaction':
      return { $case: 'removeReaction', value: command };
    case 'MarkRead':
      return { $case: 'markRead', value: command };
  }
}

type Content = ThreadCommand extends infer Each
  ? Each extends ThreadCommand
    ? Omit<Each, 'accountId' | 'occurredAt'>
    : never
  : never;

function contentOf(body: Body): Content {
  switch (body.$case) {
    case 'createThread':
      return { type: 'CreateThread', ...body.value };
    case 'destroyThread':
      return { type: 'DestroyThread' };
    case 'joinAdministratorIds':
      return { type: 'JoinAdministratorIds', administratorIds: body.value.ids };
    case 'leaveAdministratorIds':
      return { type: 'LeaveAdministratorIds', administratorIds: body.value.ids };
    case 'joinMemberIds':
      return { type: 'JoinMemberIds', memberIds: body.value.ids };
    case 'leaveMemberIds':
      return { type: 'LeaveMemberIds', memberIds: body.value.ids };
    case 'addMessages':
      return { type: 'AddMessages', messages: body.value.messages };
    case 'removeMessages':
      return { type: 'RemoveMessages', messageIds: body.value.messageIds };
    case 'editMessage':
      return { type: 'EditMessage', ...body.value };
    case 'updateThread':
      return { type: 'UpdateThread', ...body.value };
    case 'addReaction':
      return { type: 'AddReaction', ...body.value };
    case 'removeReaction':
      return { type: 'RemoveReaction', ...body.value };
    case 'markRead':
      return { type: 'MarkRead', ...body.value };
  }
}

/** Generated encoders only read their arguments, but say otherwise. */
function mutable<Message>(value: unknown): Message {
  return value as Message;
}

function unreadable(what: string): Fault {
  return new Fault('internal', 'UNREADABLE_COMMAND', `${what} on the command bus cannot be read`);
}
