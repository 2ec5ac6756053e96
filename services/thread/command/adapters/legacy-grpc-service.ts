import type { ThreadCommandServiceServer } from '../../../../gen/thread/thread_services.js';
import type { CallContext, UnaryHandlers } from '../../../../platform/grpc/unary-service.js';
import { legacyGrpcWording, legacyTexts, type LegacyWording } from '../../../../platform/grpc/legacy-texts.js';
import { InvalidRequest } from '../../../../platform/kernel/field-violation.js';
import type { CreateThread, ThreadCommand } from '../domain/thread-command.js';
import type { ThreadCommandHandler } from '../runtime/thread-command-handler.js';
import { LegacyCommands, legacyExactTexts, type LegacyOutcome } from './legacy-commands.js';
import { RequestParser, type Addressed } from './request-parsing.js';
import { addedMessageIds, removedMessageIds } from './thread-command-service.js';

const wording: LegacyWording = { ...legacyGrpcWording, exactTexts: legacyExactTexts };

/** thread.ThreadCommandService, the older gRPC API: every failure but the mesh's own is an OK answer with texts. */
export function legacyGrpcService(handler: ThreadCommandHandler): UnaryHandlers<ThreadCommandServiceServer> {
  const commands = new LegacyCommands(handler, wording);
  const parser = new RequestParser({
    lenientLists: true,
    names: { parentThreadId: 'parentId', administratorIds: 'accountIds', memberIds: 'accountIds' },
  });

  const handle = (
    request: { createAt: bigint },
    parse: (time: { createAt: number | undefined }) => Addressed<Exclude<ThreadCommand, CreateThread>>,
    context: CallContext,
  ): Promise<LegacyOutcome> =>
    invalidAsAnswer(async () => {
      const time = timeOf(request);
      return commands.handle(parse(time), { ...request, ...time }, context);
    });

  return {
    async createThread(request, context) {
      const outcome = await invalidAsAnswer(async () => {
        const time = timeOf(request);
        const thread = parser.create({
          ...request,
          ...time,
          parentThreadId: request.hasParentId ? request.parentId : undefined,
          remarks: request.hasRemarks ? request.remarks : undefined,
        });
        return commands.create(thread, { ...request, ...time }, context);
      });
      return threadAnswer(outcome);
    },

    async destroyThread(request, context) {
      return threadAnswer(await handle(request, (time) => parser.destroy({ ...request, ...time }), context));
    },

    async joinAdministratorIds(request, context) {
      const parse = (time: Time) => parser.joinAdministratorIds({ ...request, ...time, ids: request.accountIds });
      return threadAnswer(await handle(request, parse, context));
    },

    async leaveAdministratorIds(request, context) {
      const parse = (time: Time) => parser.leaveAdministratorIds({ ...request, ...time, ids: request.accountIds });
      return threadAnswer(await handle(request, parse, context));
    },

    async joinMemberIds(request, context) {
      const parse = (time: Time) => parser.joinMemberIds({ ...request, ...time, ids: request.accountIds });
      return threadAnswer(await handle(request, parse, context));
    },

    async leaveMemberIds(request, context) {
      const parse = (time: Time) => parser.leaveMemberIds({ ...request, ...time, ids: request.accountIds });
      return threadAnswer(await handle(request, parse, context));
    },

    async addMessages(request, context) {
      const messages = request.messages.map(({ hasReplyMessageId, replyMessageId, ...message }) => ({
        ...message,
        replyMessageId: hasReplyMessageId ? replyMessageId : undefined,
      }));
      const outcome = await handle(request, (time) => parser.addMessages({ ...request, ...time, messages }), context);
      return messagesAnswer(outcome, addedMessageIds(outcome.events));
    },

    async removeMessages(request, context) {
      const parse = (time: Time) => parser.removeMessages({ ...request, ...time, ids: request.messageIds });
      const outcome = await handle(request, parse, context);
      return messagesAnswer(outcome, removedMessageIds(outcome.events));
    },
  };
}

type Time = { readonly createAt: number | undefined };

/** proto3 cannot tell 0 from absent, so 0 is the time of arrival. */
function timeOf({ createAt }: { readonly createAt: bigint }): Time {
  return { createAt: createAt === 0n ? undefined : Number(createAt) };
}

async function invalidAsAnswer(handle: () => Promise<LegacyOutcome>): Promise<LegacyOutcome> {
  try {
    return await handle();
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    return { threadId: undefined, events: [], errorMessages: legacyTexts(error.violations, wording) };
  }
}

function threadAnswer({ threadId, errorMessages }: LegacyOutcome): {
  isSuccessful: boolean;
  threadId: string;
  errorMessages: string[];
} {
  return { isSuccessful: threadId !== undefined, threadId: threadId ?? '', errorMessages };
}

function messagesAnswer(
  { threadId, errorMessages }: LegacyOutcome,
  messageIds: string[],
): { isSuccessful: boolean; messageIds: string[]; errorMessages: string[] } {
  return { isSuccessful: threadId !== undefined, messageIds, errorMessages };
}
