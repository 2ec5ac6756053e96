import type { ThreadRestCommandServiceServer } from '../../gen/threadweaver/legacy/thread/v1/thread_rest_command_service.js';
import type { UnaryHandlers } from '../../shared/adapters/grpc/unary-service.js';
import type { LegacyWording } from '../../shared/adapters/legacy/legacy-texts.js';
import type { ThreadCommandHandler } from '../runtime/thread-command-handler.js';
import { LegacyCommands, legacyExactTexts } from './legacy-commands.js';
import { RequestParser } from './request-parsing.js';
import { addedMessageIds, removedMessageIds } from './thread-command-service.js';

export const legacyRestWording: LegacyWording = { exactTexts: legacyExactTexts };

/** The older REST API's commands, as Envoy transcodes them. What is absent is null. */
export function legacyRestService(handler: ThreadCommandHandler): UnaryHandlers<ThreadRestCommandServiceServer> {
  const commands = new LegacyCommands(handler, legacyRestWording);
  const parser = new RequestParser({
    lenientLists: true,
    names: { administratorIds: 'accountIds', memberIds: 'accountIds' },
  });
  const documentedParser = new RequestParser({ lenientLists: true });

  return {
    async createThread(request, context) {
      const { threadId, errorMessages } = await commands.create(
        parser.create({ ...request, title: request.title }),
        request,
        context,
      );
      return { createdThreadId: threadId ?? null, documentedThreadId: threadId ?? null, errorMessages };
    },

    async destroyThread(request, context) {
      const { threadId, errorMessages } = await commands.handle(parser.destroy(request), request, context);
      return { threadId: threadId ?? null, errorMessages };
    },

    async joinAdministratorIds(request, context) {
      const parsed = parser.joinAdministratorIds({ ...request, ids: request.accountIds });
      const { threadId, errorMessages } = await commands.handle(parsed, request, context);
      return { threadId: threadId ?? null, errorMessages };
    },

    async leaveAdministratorIds(request, context) {
      // The documents say administratorIds, the code said accountIds: both are taken.
      const { administratorIds, accountIds } = request;
      const fitting = administratorIds.length > 0 ? documentedParser : parser;
      const parsed = fitting.leaveAdministratorIds({ ...request, ids: [...administratorIds, ...accountIds] });
      const { threadId, errorMessages } = await commands.handle(parsed, request, context);
      return { threadId: threadId ?? null, errorMessages };
    },

    async joinMemberIds(request, context) {
      const parsed = parser.joinMemberIds({ ...request, ids: request.accountIds });
      const { threadId, errorMessages } = await commands.handle(parsed, request, context);
      return { threadId: threadId ?? null, errorMessages };
    },

    async leaveMemberIds(request, context) {
      const parsed = parser.leaveMemberIds({ ...request, ids: request.accountIds });
      const { threadId, errorMessages } = await commands.handle(parsed, request, context);
      return { threadId: threadId ?? null, errorMessages };
    },

    async addMessages(request, context) {
      const messages = request.messages.map((message) => ({ ...message, text: message.text }));
      const parsed = parser.addMessages({ ...request, messages });
      const { events, errorMessages } = await commands.handle(parsed, request, context);
      return { messageIds: addedMessageIds(events), errorMessages };
    },

    async removeMessages(request, context) {
      const parsed = parser.removeMessages({ ...request, ids: request.messageIds });
      const { events, errorMessages } = await commands.handle(parsed, request, context);
      return { messageIds: removedMessageIds(events), errorMessages };
    },
  };
}
