import type { GetMessageBody, GetThreadBody } from '../../../../gen/thread/thread_messages.js';
import type { ThreadQueryServiceServer } from '../../../../gen/thread/thread_services.js';
import type { UnaryHandlers } from '../../../../platform/grpc/unary-service.js';
import { legacyGrpcWording, legacyTexts } from '../../../../platform/grpc/legacy-texts.js';
import type { FieldViolation } from '../../../../platform/kernel/field-violation.js';
import { RequestChecks } from '../../../../platform/kernel/request-checks.js';
import { fittingIntoAnswer } from '../../../../platform/queries/answer-size.js';
import { bytesOfMessage, bytesOfThread } from '../runtime/answer-size.js';
import type { MessageView, ThreadReader, ThreadView } from '../runtime/thread-reader.js';
import { parseLegacyWindow } from '../../../../platform/queries/legacy-window.js';

/**
 * The older gRPC package's thread.ThreadQueryService. What is wrong with a request, and a thread that the account does
 * not see, are OK answers with `is_successful` false.
 */
export function legacyGrpcService(reader: ThreadReader): UnaryHandlers<ThreadQueryServiceServer> {
  return {
    async getThread(request, context) {
      const checks = new RequestChecks();
      const accountId = checks.ulid('accountId', request.accountId);
      const threadId = checks.ulid('threadId', request.threadId);
      const checked = checks.finish({});
      if (!checked.ok) return { message: undefined, ...refusal(legacyTexts(checked.error, legacyGrpcWording)) };
      context.annotate({ account_id: accountId, thread_id: threadId });
      const thread = await reader.findThread(accountId, threadId);
      if (thread === undefined) return { message: undefined, ...refusal(['thread is not found']) };
      return { isSuccessful: true, message: threadBody(thread), errorMessages: [] };
    },

    async getThreads(request, context) {
      const checks = new RequestChecks();
      const accountId = checks.ulid('accountId', request.accountId);
      const window = parseLegacyWindow(checks, windowTexts(request));
      const checked = checks.finish({});
      if (!checked.ok) return { messages: [], ...refusal(legacyTexts(checked.error, legacyGrpcWording)) };
      context.annotate({ account_id: accountId });
      const threads = await reader.listThreads(accountId, window);
      const fitting = fittingIntoAnswer(threads, ({ value }) => bytesOfThread(value));
      return { isSuccessful: true, messages: fitting.map(({ value }) => threadBody(value)), errorMessages: [] };
    },

    async getMessages(request, context) {
      const checks = new RequestChecks();
      const accountId = checks.ulid('accountId', request.accountId);
      const threadId = checks.ulid('threadId', request.threadId);
      const window = parseLegacyWindow(checks, windowTexts(request));
      const checked = checks.finish({});
      if (!checked.ok) return { messages: [], ...refusal(legacyTexts(checked.error, legacyGrpcWording)) };
      context.annotate({ account_id: accountId, thread_id: threadId });
      const messages = (await reader.listMessages(accountId, threadId, window)) ?? [];
      // This API's messages name no accounts.
      const fitting = fittingIntoAnswer(messages, ({ value }) => bytesOfMessage({ ...value, toAccountIds: [] }));
      return { isSuccessful: true, messages: fitting.map(({ value }) => messageBody(value)), errorMessages: [] };
    },
  };
}

/** How this API refuses a request of a method: `ReadYourWritesOptions.refuse`. */
export function refuseLegacyGrpc(violations: readonly FieldViolation[], method: string): object {
  const nothing = method === 'getThread' ? { message: undefined } : { messages: [] };
  return { ...nothing, ...refusal(legacyTexts(violations, legacyGrpcWording)) };
}

function refusal(errorMessages: string[]): { isSuccessful: boolean; errorMessages: string[] } {
  return { isSuccessful: false, errorMessages };
}

function windowTexts(request: { hasOffset: boolean; offset: bigint; hasLimit: boolean; limit: bigint }) {
  return {
    ...(request.hasOffset && { offset: String(request.offset) }),
    ...(request.hasLimit && { limit: String(request.limit) }),
  };
}

function threadBody({
  id,
  creatorId,
  parentThreadId,
  title,
  remarks,
  createdAt,
  updatedAt,
}: ThreadView): GetThreadBody {
  return {
    id,
    creatorId,
    hasParentId: parentThreadId !== undefined,
    parentId: parentThreadId ?? '',
    title,
    hasRemarks: remarks !== undefined,
    remarks: remarks ?? '',
    createdAt: BigInt(createdAt),
    updatedAt: BigInt(updatedAt),
  };
}

function messageBody({ id, senderId, text, createdAt, updatedAt }: MessageView): GetMessageBody {
  return { id, senderId, type: 'text', body: text, createdAt: BigInt(createdAt), updatedAt: BigInt(updatedAt) };
}
