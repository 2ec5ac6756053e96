import { monotonicFactory } from 'ulid';
import { randomFraction } from '../../../../platform/process/random-pool.js';
import { orInvalidRequest, RequestChecks } from '../../../../platform/kernel/request-checks.js';
import type { ThreadToCreate } from '../runtime/thread-command-handler.js';
import type { CreateThread, ThreadCommand } from '../domain/thread-command.js';
import { parseReaction } from './reaction-parsing.js';
import { parseThreadUpdate, type ThreadUpdateFields } from './thread-update-parsing.js';

/** What the APIs agree on, whatever their fields are called. Counts are of entries, lengths of code points. */
const limits = { titleLength: 255, remarksLength: 255, textLength: 255, accountIds: 1_000, messageIds: 5_000 };
/**
 * The messages of one request as they are kept, with ids and recipients: one commit, which a watcher gets in one piece,
 * while most gRPC clients take no more than 4 MiB (4,194,304 bytes).
 */
const MAX_MESSAGES_BYTES = 4_000_000;
/** A ULID as a field. */
const ID_BYTES = 28;
/** What a message takes besides its text and the ids that it names: its own id, and tags and lengths. */
const MESSAGE_BYTES = ID_BYTES + 8;

/** Entries of the lists of all APIs, for those who refuse what is far beyond them. */
export const maxEntries = {
  administratorIds: limits.accountIds,
  memberIds: limits.accountIds,
  accountIds: limits.accountIds,
  toAccountIds: limits.accountIds,
  messages: limits.messageIds,
  messageIds: limits.messageIds,
} as const;

/** The last millisecond of the year 9999: what google.protobuf.Timestamp and the database can hold. */
const MAX_TIME_MS = 253_402_300_799_999;

/** Ascending within this process, so that ids agree with the order of posting. */
const newMessageId = monotonicFactory(randomFraction);

const requestIdFormat = /^[\x21-\x7e]{1,128}$/;

interface IssuedRequest {
  readonly accountId: string;
  /** @default none, as "" is */
  readonly requestId?: string | undefined;
  /** Epoch milliseconds. @default now */
  readonly createAt?: number | undefined;
}

export interface CreateRequest extends IssuedRequest {
  readonly parentThreadId?: string | undefined;
  readonly title: string | undefined;
  readonly remarks?: string | undefined;
  readonly administratorIds: readonly string[];
  readonly memberIds: readonly string[];
}

export interface ThreadRequest extends IssuedRequest {
  readonly threadId: string;
}

/** A request that names accounts or messages. */
export interface IdsRequest extends ThreadRequest {
  readonly ids: readonly string[];
}

export interface AddMessagesRequest extends ThreadRequest {
  readonly messages: readonly {
    readonly replyMessageId?: string | undefined;
    readonly toAccountIds: readonly string[];
    readonly text: string | undefined;
  }[];
}

/** A request about one message. */
export interface MessageRequest extends ThreadRequest {
  readonly messageId: string;
}

export interface ReactionRequest extends MessageRequest {
  readonly reaction: string;
}

export type UpdateRequest = ThreadRequest & ThreadUpdateFields;

/** How an API differs from the new one. */
export interface RequestDialect {
  /** Fields that this API calls otherwise, by the new API's names in lowerCamelCase. @default the new API's names */
  readonly names?: Readonly<Partial<Record<'parentThreadId' | 'administratorIds' | 'memberIds', string>>>;
  /** Lists of accounts or messages may be empty, and the number of messages is left to the domain. @default false */
  readonly lenientLists?: boolean;
}

type Of<Type extends ThreadCommand['type']> = Extract<ThreadCommand, { type: Type }>;
type AccountIdsField = 'administratorIds' | 'memberIds';

/** Requests of one API as commands. Every function throws InvalidRequest with all that is wrong. */
export class RequestParser {
  constructor(private readonly dialect: RequestDialect = {}) {}

  create(request: CreateRequest): ThreadToCreate {
    const checks = new RequestChecks();
    if (request.title === undefined) checks.add('title', { kind: 'missing' });
    const thread: ThreadToCreate & { type: CreateThread['type'] } = {
      type: 'CreateThread',
      ...issued(checks, request),
      parentThreadId: checks.optionalUlid(this.#nameOf('parentThreadId'), request.parentThreadId),
      title: checks.text('title', request.title ?? '', { maximum: limits.titleLength }),
      remarks:
        request.remarks === undefined
          ? undefined
          : checks.text('remarks', request.remarks, { maximum: limits.remarksLength }),
      administratorIds: checks.ulids('administratorIds', request.administratorIds, {
        minimum: 1,
        maximum: limits.accountIds,
      }),
      memberIds: checks.ulids('memberIds', request.memberIds, { maximum: limits.accountIds }),
    };
    return orInvalidRequest(checks.finish(thread));
  }

  destroy(request: ThreadRequest): Addressed<Of<'DestroyThread'>> {
    return this.#addressed(request, (_checks, base) => ({ type: 'DestroyThread', ...base }));
  }

  joinAdministratorIds(request: IdsRequest): Addressed<Of<'JoinAdministratorIds'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'JoinAdministratorIds',
      ...base,
      administratorIds: this.#accountIds(checks, 'administratorIds', request.ids),
    }));
  }

  leaveAdministratorIds(request: IdsRequest): Addressed<Of<'LeaveAdministratorIds'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'LeaveAdministratorIds',
      ...base,
      administratorIds: this.#accountIds(checks, 'administratorIds', request.ids),
    }));
  }

  joinMemberIds(request: IdsRequest): Addressed<Of<'JoinMemberIds'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'JoinMemberIds',
      ...base,
      memberIds: this.#accountIds(checks, 'memberIds', request.ids),
    }));
  }

  leaveMemberIds(request: IdsRequest): Addressed<Of<'LeaveMemberIds'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'LeaveMemberIds',
      ...base,
      memberIds: this.#accountIds(checks, 'memberIds', request.ids),
    }));
  }

  addMessages(request: AddMessagesRequest): Addressed<Of<'AddMessages'>> {
    const { messages } = request;
    return this.#addressed(request, (checks, base) => {
      if (!this.dialect.lenientLists) {
        if (messages.length === 0) checks.add('messages', { kind: 'empty' });
        if (messages.length > limits.messageIds) {
          checks.add('messages', { kind: 'too-many', maximum: limits.messageIds, actual: messages.length });
        }
      }
      const bytes = messages.reduce((sum, message) => sum + bytesOf(message), 0);
      if (bytes > MAX_MESSAGES_BYTES) checks.add('messages', { kind: 'too-large', maximumBytes: MAX_MESSAGES_BYTES });
      return {
        type: 'AddMessages',
        ...base,
        messages: messages.map(({ replyMessageId, toAccountIds, text }, index) => {
          const path = `messages[${index}]`;
          if (text === undefined) checks.add(`${path}.text`, { kind: 'missing' });
          return {
            id: newMessageId(),
            replyMessageId: checks.optionalUlid(`${path}.replyMessageId`, replyMessageId),
            toAccountIds: checks.ulids(`${path}.toAccountIds`, toAccountIds, { maximum: limits.accountIds }),
            text: checks.text(`${path}.text`, text ?? ' ', { minimum: 1, maximum: limits.textLength }),
          };
        }),
      };
    });
  }

  editMessage(request: MessageRequest & { readonly text: string }): Addressed<Of<'EditMessage'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'EditMessage',
      ...base,
      messageId: checks.ulid('messageId', request.messageId),
      text: checks.text('text', request.text, { minimum: 1, maximum: limits.textLength }),
    }));
  }

  updateThread(request: UpdateRequest): Addressed<Of<'UpdateThread'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'UpdateThread',
      ...base,
      ...parseThreadUpdate(checks, request, limits),
    }));
  }

  addReaction(request: ReactionRequest): Addressed<Of<'AddReaction'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'AddReaction',
      ...base,
      messageId: checks.ulid('messageId', request.messageId),
      reaction: parseReaction(checks, request.reaction),
    }));
  }

  removeReaction(request: ReactionRequest): Addressed<Of<'RemoveReaction'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'RemoveReaction',
      ...base,
      messageId: checks.ulid('messageId', request.messageId),
      reaction: parseReaction(checks, request.reaction),
    }));
  }

  markRead(request: MessageRequest): Addressed<Of<'MarkRead'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'MarkRead',
      ...base,
      messageId: checks.ulid('messageId', request.messageId),
    }));
  }

  removeMessages(request: IdsRequest): Addressed<Of<'RemoveMessages'>> {
    return this.#addressed(request, (checks, base) => ({
      type: 'RemoveMessages',
      ...base,
      messageIds: checks.ulids('messageIds', request.ids, { minimum: this.#minimum, maximum: limits.messageIds }),
    }));
  }

  #addressed<Command>(
    request: ThreadRequest,
    commandOf: (checks: RequestChecks, base: { accountId: string; occurredAt: number }) => Command,
  ): Addressed<Command> {
    const checks = new RequestChecks();
    const threadId = checks.ulid('threadId', request.threadId);
    return orInvalidRequest(checks.finish({ threadId, command: commandOf(checks, issued(checks, request)) }));
  }

  #accountIds(checks: RequestChecks, field: AccountIdsField, ids: readonly string[]): string[] {
    return checks.ulids(this.#nameOf(field), ids, { minimum: this.#minimum, maximum: limits.accountIds });
  }

  get #minimum(): number {
    return this.dialect.lenientLists ? 0 : 1;
  }

  #nameOf(field: 'parentThreadId' | AccountIdsField): string {
    return this.dialect.names?.[field] ?? field;
  }
}

function bytesOf({ replyMessageId, toAccountIds, text = '' }: AddMessagesRequest['messages'][number]): number {
  const ids = toAccountIds.length + (replyMessageId === undefined ? 0 : 1);
  return MESSAGE_BYTES + ids * ID_BYTES + Buffer.byteLength(text);
}

/** A command and the thread that it is for. */
export interface Addressed<Command> {
  readonly threadId: string;
  readonly command: Command;
}

function issued(
  checks: RequestChecks,
  { accountId, requestId = '', createAt }: IssuedRequest,
): { accountId: string; occurredAt: number } {
  if (requestId !== '' && !requestIdFormat.test(requestId)) {
    checks.add('requestId', { kind: 'malformed', expected: '1 to 128 visible ASCII characters' });
  }
  const occurredAt =
    createAt === undefined ? Date.now() : checks.integer('createAt', createAt, { minimum: 0, maximum: MAX_TIME_MS });
  return { accountId: checks.ulid('accountId', accountId), occurredAt };
}
