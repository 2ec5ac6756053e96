import type {
  Message,
  Thread,
  ThreadRestQueryServiceServer,
} from '../../../../gen/threadweaver/legacy/thread/v1/thread_rest_query_service.js';
import type { CallContext, UnaryHandlers } from '../../../../platform/grpc/unary-service.js';
import type { LegacyWording } from '../../../../platform/grpc/legacy-texts.js';
import { snakeCasePath } from '../../../../platform/kernel/field-violation.js';
import { orInvalidRequest, RequestChecks } from '../../../../platform/kernel/request-checks.js';
import type { Listed } from '../../../../platform/queries/window.js';
import type { MessageView, ThreadReader, ThreadView } from '../runtime/thread-reader.js';
import { orThreadNotFound } from '../runtime/thread-visibility.js';
import { parseLegacyWindow } from '../../../../platform/queries/legacy-window.js';

/** The older REST queries' parameters, as their clients type them. */
export const legacyRestWording: LegacyWording = { nameOf: snakeCasePath };

/** The older REST queries, as Envoy transcodes them. A thread that the account does not see has empty lists. */
export function legacyRestService(reader: ThreadReader): UnaryHandlers<ThreadRestQueryServiceServer> {
  return {
    async getThread(request, context) {
      const checks = new RequestChecks();
      const accountId = checks.ulid('accountId', request.accountId);
      const threadId = checks.ulid('threadId', request.threadId);
      orInvalidRequest(checks.finish({}));
      context.annotate({ account_id: accountId, thread_id: threadId });
      const thread = orThreadNotFound(await reader.findThread(accountId, threadId));
      return { result: threadMessage(thread), errorMessages: [] };
    },

    async listThreads(request, context) {
      const checks = new RequestChecks();
      const accountId = checks.ulid('accountId', request.accountId);
      const window = parseLegacyWindow(checks, request);
      orInvalidRequest(checks.finish({}));
      context.annotate({ account_id: accountId });
      return { results: valuesOf(await reader.listThreads(accountId, window)).map(threadMessage), errorMessages: [] };
    },

    async listAdministratorIds(request, context) {
      const { accountId, threadId, window } = parseThreadList(request, context);
      return { results: valuesOf(await reader.listAdministratorIds(accountId, threadId, window)), errorMessages: [] };
    },

    async listMemberIds(request, context) {
      const { accountId, threadId, window } = parseThreadList(request, context);
      return { results: valuesOf(await reader.listMemberIds(accountId, threadId, window)), errorMessages: [] };
    },

    async listMessages(request, context) {
      const { accountId, threadId, window } = parseThreadList(request, context);
      const messages = valuesOf(await reader.listMessages(accountId, threadId, window));
      return { result: messages.map(messageMessage), errorMessages: [] };
    },
  };
}

interface ThreadListRequest {
  readonly threadId: string;
  readonly accountId: string;
  readonly offset?: string | undefined;
  readonly limit?: string | undefined;
}

function parseThreadList(request: ThreadListRequest, context: CallContext) {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const threadId = checks.ulid('threadId', request.threadId);
  const window = parseLegacyWindow(checks, request);
  const parsed = orInvalidRequest(checks.finish({ accountId, threadId, window }));
  context.annotate({ account_id: accountId, thread_id: threadId });
  return parsed;
}

function valuesOf<T>(listed: readonly Listed<T>[] | undefined): T[] {
  return listed?.map(({ value }) => value) ?? [];
}

function threadMessage({ id, creatorId, parentThreadId, title, remarks, createdAt, updatedAt }: ThreadView): Thread {
  return {
    id,
    creatorId,
    // google.protobuf.Value: what is absent is an explicit null in the answer.
    parentThreadId: parentThreadId ?? null,
    title,
    remarks: remarks ?? null,
    createdAt,
    updatedAt,
  };
}

function messageMessage({ id, threadId, senderId, text, createdAt, updatedAt }: MessageView): Message {
  return { id, threadId, senderId, type: 'text', body: text, createdAt, updatedAt };
}
