import type {
  CreateThreadResponse,
  ThreadCommandServiceServer,
} from '../../../../gen/threadweaver/thread/v1/thread_command_service.js';
import type { CallContext, UnaryHandlers } from '../../../../platform/grpc/unary-service.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type { CreateThread, ThreadCommand } from '../domain/thread-command.js';
import type { ThreadCommandHandler } from '../runtime/thread-command-handler.js';
import { originOf } from '../../../../platform/grpc/command-origin.js';
import { rejectionFault } from './rejections.js';
import { RequestParser, type Addressed } from './request-parsing.js';

type Committed = { readonly version: bigint; readonly events: readonly ThreadEvent[] };

/** threadweaver.thread.v1.ThreadCommandService. */
export function threadCommandService(handler: ThreadCommandHandler): UnaryHandlers<ThreadCommandServiceServer> {
  const parser = new RequestParser();

  const handle = async (
    request: { readonly requestId: string },
    { threadId, command }: Addressed<Exclude<ThreadCommand, CreateThread>>,
    context: CallContext,
  ): Promise<Committed> => {
    const { requestId, ...content } = request;
    const origin = originOf(context, command.accountId, requestId, content);
    context.annotate({ thread_id: threadId, account_id: command.accountId, command_id: origin.commandId });
    const outcome = await handler.handle(threadId, command, origin);
    if (outcome.kind === 'rejected') throw rejectionFault(outcome.rejection);
    context.annotate({ version: outcome.version });
    return { version: BigInt(outcome.version), events: outcome.events };
  };

  return {
    async createThread(request, context): Promise<CreateThreadResponse> {
      const thread = parser.create(request);
      const { requestId, ...content } = request;
      const origin = originOf(context, thread.accountId, requestId, content);
      context.annotate({ account_id: thread.accountId, command_id: origin.commandId });
      const outcome = await handler.create(thread, origin);
      context.annotate({ thread_id: outcome.threadId });
      if (outcome.kind === 'rejected') throw rejectionFault(outcome.rejection);
      return { threadId: outcome.threadId, version: BigInt(outcome.version) };
    },

    async destroyThread(request, context) {
      const { version } = await handle(request, parser.destroy(request), context);
      return { version };
    },

    async joinAdministratorIds(request, context) {
      const parsed = parser.joinAdministratorIds({ ...request, ids: request.administratorIds });
      const { version, events } = await handle(request, parsed, context);
      const joined = events.flatMap((event) => (event.type === 'AdministratorIdsJoined' ? event.administratorIds : []));
      return { version, joinedAdministratorIds: joined };
    },

    async leaveAdministratorIds(request, context) {
      const parsed = parser.leaveAdministratorIds({ ...request, ids: request.administratorIds });
      const { version, events } = await handle(request, parsed, context);
      const left = events.flatMap((event) => (event.type === 'AdministratorIdsLeft' ? event.administratorIds : []));
      return { version, leftAdministratorIds: left };
    },

    async joinMemberIds(request, context) {
      const parsed = parser.joinMemberIds({ ...request, ids: request.memberIds });
      const { version, events } = await handle(request, parsed, context);
      return {
        version,
        joinedMemberIds: events.flatMap((event) => (event.type === 'MemberIdsJoined' ? event.memberIds : [])),
      };
    },

    async leaveMemberIds(request, context) {
      const parsed = parser.leaveMemberIds({ ...request, ids: request.memberIds });
      const { version, events } = await handle(request, parsed, context);
      return {
        version,
        leftMemberIds: events.flatMap((event) => (event.type === 'MemberIdsLeft' ? event.memberIds : [])),
      };
    },

    async addMessages(request, context) {
      const { version, events } = await handle(request, parser.addMessages(request), context);
      return { version, messageIds: addedMessageIds(events) };
    },

    async removeMessages(request, context) {
      const parsed = parser.removeMessages({ ...request, ids: request.messageIds });
      const { version, events } = await handle(request, parsed, context);
      return { version, messageIds: removedMessageIds(events) };
    },

    async editMessage(request, context) {
      const { version } = await handle(request, parser.editMessage(request), context);
      return { version };
    },

    async updateThread(request, context) {
      const { version } = await handle(request, parser.updateThread(request), context);
      return { version };
    },

    async addReaction(request, context) {
      const { version } = await handle(request, parser.addReaction(request), context);
      return { version };
    },

    async removeReaction(request, context) {
      const { version } = await handle(request, parser.removeReaction(request), context);
      return { version };
    },

    async markRead(request, context) {
      const { version } = await handle(request, parser.markRead(request), context);
      return { version };
    },
  };
}

export function addedMessageIds(events: readonly ThreadEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'MessagesAdded' ? event.messages.map(({ id }) => id) : []));
}

export function removedMessageIds(events: readonly ThreadEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'MessagesRemoved' ? [...event.messageIds] : []));
}
