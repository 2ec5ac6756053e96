import type { ThreadQueryServiceServer } from '../../../../gen/threadweaver/thread/v1/thread_query_service.js';
import type { UnaryHandlers } from '../../../../platform/grpc/unary-service.js';
import type { ThreadReader } from '../runtime/thread-reader.js';
import { orThreadNotFound } from '../runtime/thread-visibility.js';
import { chatQueries } from './chat-queries.js';
import { threadMessage } from './query-answers.js';
import { parseAccountList, parseThread, parseThreadList } from './query-parsing.js';

/** threadweaver.thread.v1.ThreadQueryService. */
export function threadQueryService(reader: ThreadReader): UnaryHandlers<ThreadQueryServiceServer> {
  return {
    async getThread(request, context) {
      const { accountId, threadId } = parseThread(request);
      context.annotate({ account_id: accountId, thread_id: threadId });
      const thread = orThreadNotFound(await reader.findThread(accountId, threadId));
      return { thread: threadMessage(thread) };
    },

    async listThreads(request, context) {
      const { accountId, page } = parseAccountList('ListThreads', request);
      context.annotate({ account_id: accountId });
      const { values, nextPageToken } = page.of(await reader.listThreads(accountId, page.window));
      return { threads: values.map(threadMessage), nextPageToken };
    },

    async listAdministratorIds(request, context) {
      const { accountId, threadId, page } = parseThreadList('ListAdministratorIds', request);
      context.annotate({ account_id: accountId, thread_id: threadId });
      const listed = orThreadNotFound(await reader.listAdministratorIds(accountId, threadId, page.window));
      const { values: administratorIds, nextPageToken } = page.of(listed);
      return { administratorIds, nextPageToken };
    },

    async listMemberIds(request, context) {
      const { accountId, threadId, page } = parseThreadList('ListMemberIds', request);
      context.annotate({ account_id: accountId, thread_id: threadId });
      const listed = orThreadNotFound(await reader.listMemberIds(accountId, threadId, page.window));
      const { values: memberIds, nextPageToken } = page.of(listed);
      return { memberIds, nextPageToken };
    },

    ...chatQueries(reader),
  };
}
