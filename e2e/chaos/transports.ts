import { status } from '@grpc/grpc-js';
import { protoClient } from '../../platform/testing/proto-client.js';
import { failureOf } from '../testing/contract-clients.js';
import { RestClient } from '../testing/rest-client.js';
import type { Intent, Operation, Outcome } from './history.js';

/** What is sent: the same at each attempt. */
export type Request = Pick<Operation, 'api' | 'accountId' | 'requestId' | 'threadId' | 'intent' | 'invokedAt'>;

/** A way to one process. */
export interface Transport {
  readonly api: Operation['api'];
  /** One attempt. Never throws. */
  send(request: Request, timeoutMs: number): Promise<Outcome>;
  close(): void;
}

/** The new API, at Envoy or at one instance. @param isAddressed names the thread in the metadata, for Envoy */
export function grpcTransport(address: string, { isAddressed = false } = {}): Transport {
  const client = protoClient(
    'threadweaver/thread/v1/thread_command_service.proto',
    'threadweaver.thread.v1.ThreadCommandService',
    address,
    // A process that comes back shall have callers at once.
    { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 500 },
  );
  return {
    api: 'grpc',
    async send({ accountId, requestId, threadId, intent }, timeoutMs) {
      const request = { request_id: requestId, account_id: accountId, thread_id: threadId, ...grpcFields(intent) };
      const metadata: Record<string, string> = isAddressed && threadId !== undefined ? { 'x-thread-id': threadId } : {};
      try {
        const answer = await client.call(intent.type, request, { timeoutMs, metadata });
        return {
          kind: 'acknowledged',
          version: Number(answer.version),
          ...(answer.thread_id === undefined ? {} : { threadId: answer.thread_id as string }),
          ids: idFields.map((field) => answer[field]).find((ids) => Array.isArray(ids)) as string[] | undefined,
        };
      } catch (error) {
        return outcomeOfFailure(error);
      }
    },
    close: () => client.close(),
  };
}

const idFields = [
  ...['message_ids', 'joined_administrator_ids', 'left_administrator_ids'],
  ...['joined_member_ids', 'left_member_ids'],
];

const rejections = new Set([
  ...[status.NOT_FOUND, status.PERMISSION_DENIED, status.FAILED_PRECONDITION, status.ALREADY_EXISTS],
]);
const open = new Set([...[status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED, status.RESOURCE_EXHAUSTED]]);
/** How grpc-js tells of a broken connection, but only without a reason of ours. */
const brokenTransport = new Set([status.INTERNAL, status.UNKNOWN]);

async function outcomeOfFailure(error: unknown): Promise<Outcome> {
  const { code, message, reason } = await failureOf(Promise.reject(error as Error));
  const text = `${status[code]} ${reason ?? ''} ${message}`;
  if (rejections.has(code) && reason !== undefined) return { kind: 'rejected', reason };
  if (open.has(code) || (brokenTransport.has(code) && reason === undefined)) return { kind: 'unknown', reason: text };
  return { kind: 'unexpected', reason: text };
}

function grpcFields(intent: Intent): object {
  switch (intent.type) {
    case 'CreateThread':
      return { title: intent.title, administrator_ids: intent.administratorIds, member_ids: intent.memberIds };
    case 'DestroyThread':
      return {};
    case 'JoinAdministratorIds':
    case 'LeaveAdministratorIds':
      return { administrator_ids: intent.administratorIds };
    case 'JoinMemberIds':
    case 'LeaveMemberIds':
      return { member_ids: intent.memberIds };
    case 'AddMessages':
      return {
        messages: intent.messages.map(({ text, replyMessageId }) => ({
          text,
          ...(replyMessageId === undefined ? {} : { reply_message_id: replyMessageId }),
        })),
      };
    case 'RemoveMessages':
      return { message_ids: intent.messageIds };
    case 'EditMessage':
      return { message_id: intent.messageId, text: intent.text };
    case 'AddReaction':
    case 'RemoveReaction':
      return { message_id: intent.messageId, reaction: intent.reaction };
    case 'MarkRead':
      return { message_id: intent.messageId };
  }
}

/** The older API has no others. */
const restPaths: Readonly<Partial<Record<Intent['type'], string>>> = {
  CreateThread: 'create',
  DestroyThread: 'destroy',
  JoinAdministratorIds: 'administrator-ids/join',
  LeaveAdministratorIds: 'administrator-ids/leave',
  JoinMemberIds: 'member-ids/join',
  LeaveMemberIds: 'member-ids/leave',
  AddMessages: 'messages/add',
  RemoveMessages: 'messages/remove',
};

/** The older REST API, through Envoy. Its request id is the header `x-request-id`; its answers tell no version. */
export function restTransport(url: string): Transport {
  const rest = new RestClient(url);
  return {
    api: 'rest',
    async send({ accountId, requestId, threadId, intent, invokedAt }, timeoutMs) {
      const path = `/v1/threads/${threadId === undefined ? '' : `${threadId}/`}${restPaths[intent.type]}`;
      const body = { accountId, createAt: invokedAt, ...restFields(intent) };
      try {
        const answer = await Promise.race([rest.post(path, body, { 'x-request-id': requestId }), timeout(timeoutMs)]);
        if (answer.status >= 500 || answer.status === 429 || answer.status === 408) {
          return { kind: 'unknown', reason: `${answer.status} ${answer.text}` };
        }
        if (answer.status !== 200) return { kind: 'unexpected', reason: `${answer.status} ${answer.text}` };
        const told = answer.json as { threadId?: string; thread_id?: string; messageIds?: string[] };
        const [error] = (answer.json as { error_messages: string[] }).error_messages;
        if (error !== undefined) return { kind: 'rejected', reason: error };
        return { kind: 'acknowledged', threadId: told.threadId ?? told.thread_id, ids: told.messageIds };
      } catch (error) {
        return { kind: 'unknown', reason: String(error) };
      }
    },
    close: () => undefined,
  };
}

function restFields(intent: Intent): object {
  switch (intent.type) {
    case 'CreateThread': {
      const { title, administratorIds, memberIds } = intent;
      return { title, administratorIds, memberIds };
    }
    case 'DestroyThread':
      return {};
    case 'JoinAdministratorIds':
    case 'LeaveAdministratorIds':
      return { accountIds: intent.administratorIds };
    case 'JoinMemberIds':
    case 'LeaveMemberIds':
      return { accountIds: intent.memberIds };
    case 'AddMessages':
      return { messages: intent.messages.map(({ text }) => ({ toAccountIds: [], text })) };
    case 'RemoveMessages':
      return { messageIds: intent.messageIds };
    default:
      throw new Error(`the older API has no ${intent.type}`);
  }
}

function timeout(timeoutMs: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs).unref();
  });
}
