import type { ThreadRestCommandServiceServer } from '../../../../gen/threadweaver/legacy/thread/v1/thread_rest_command_service.js';
import type { CallContext, UnaryHandlers } from '../../../../platform/grpc/unary-service.js';
import type { LegacyWording } from '../../../../platform/grpc/legacy-texts.js';
import type { CreateThread, ThreadCommand } from '../domain/thread-command.js';
import type { ThreadCommandHandler } from '../runtime/thread-command-handler.js';
import { JsonFields } from '../../../../platform/kernel/json-fields.js';
import { LegacyCommands, legacyExactTexts, type LegacyOutcome } from './legacy-commands.js';
import { RequestParser, type Addressed, type ThreadRequest } from './request-parsing.js';
import { addedMessageIds, removedMessageIds } from './thread-command-service.js';

export const legacyRestWording: LegacyWording = { exactTexts: legacyExactTexts };

interface AddressedBody {
  readonly threadId: string;
}

/** The older REST API's commands, as Envoy transcodes them. What is absent is null. */
export function legacyRestService(handler: ThreadCommandHandler): UnaryHandlers<ThreadRestCommandServiceServer> {
  const commands = new LegacyCommands(handler, legacyRestWording);
  const parser = new RequestParser({
    lenientLists: true,
    names: { administratorIds: 'accountIds', memberIds: 'accountIds' },
  });
  const documentedParser = new RequestParser({ lenientLists: true });

  const handle = (
    body: AddressedBody,
    context: CallContext,
    parse: (fields: JsonFields, request: ThreadRequest) => Addressed<Exclude<ThreadCommand, CreateThread>>,
  ): Promise<LegacyOutcome> => {
    const fields = fieldsOf(body);
    const command = fields.check(() => parse(fields, { threadId: body.threadId, ...issuedOf(fields) }));
    return commands.handle(command, body, context);
  };

  return {
    async createThread(body, context) {
      const fields = fieldsOf(body);
      const thread = fields.check(() =>
        parser.create({
          ...issuedOf(fields),
          parentThreadId: fields.text('parentThreadId'),
          title: fields.text('title'),
          remarks: fields.text('remarks'),
          administratorIds: fields.texts('administratorIds'),
          memberIds: fields.texts('memberIds'),
        }),
      );
      const { threadId, errorMessages } = threadAnswer(await commands.create(thread, body, context));
      return { createdThreadId: threadId, documentedThreadId: threadId, errorMessages };
    },

    async destroyThread(body, context) {
      return threadAnswer(await handle(body, context, (_fields, request) => parser.destroy(request)));
    },

    async joinAdministratorIds(body, context) {
      const outcome = await handle(body, context, (fields, request) =>
        parser.joinAdministratorIds({ ...request, ids: fields.texts('accountIds') }),
      );
      return threadAnswer(outcome);
    },

    async leaveAdministratorIds(body, context) {
      const outcome = await handle(body, context, (fields, request) => {
        // The documents say administratorIds, the code said accountIds: both are taken.
        const [documented, other] = [fields.texts('administratorIds'), fields.texts('accountIds')];
        const fitting = documented.length > 0 ? documentedParser : parser;
        return fitting.leaveAdministratorIds({ ...request, ids: [...documented, ...other] });
      });
      return threadAnswer(outcome);
    },

    async joinMemberIds(body, context) {
      const outcome = await handle(body, context, (fields, request) =>
        parser.joinMemberIds({ ...request, ids: fields.texts('accountIds') }),
      );
      return threadAnswer(outcome);
    },

    async leaveMemberIds(body, context) {
      const outcome = await handle(body, context, (fields, request) =>
        parser.leaveMemberIds({ ...request, ids: fields.texts('accountIds') }),
      );
      return threadAnswer(outcome);
    },

    async addMessages(body, context) {
      const { events, errorMessages } = await handle(body, context, (fields, request) => {
        const messages = fields.objects('messages').map((message) => ({
          replyMessageId: message.text('replyMessageId'),
          toAccountIds: message.texts('toAccountIds'),
          text: message.text('text'),
        }));
        return parser.addMessages({ ...request, messages });
      });
      return { messageIds: addedMessageIds(events), errorMessages };
    },

    async removeMessages(body, context) {
      const { events, errorMessages } = await handle(body, context, (fields, request) =>
        parser.removeMessages({ ...request, ids: fields.texts('messageIds') }),
      );
      return { messageIds: removedMessageIds(events), errorMessages };
    },
  };
}

function fieldsOf(body: object): JsonFields {
  return new JsonFields(body as Readonly<Record<string, unknown>>);
}

function issuedOf(fields: JsonFields): { accountId: string; createAt: number | undefined } {
  return { accountId: fields.text('accountId') ?? '', createAt: fields.number('createAt') };
}

function threadAnswer({ threadId, errorMessages }: LegacyOutcome): {
  threadId: string | null;
  errorMessages: string[];
} {
  return { threadId: threadId ?? null, errorMessages };
}
