import type {
  Message,
  Thread,
  ThreadQueryServiceServer,
} from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import type { UnaryHandlers } from '../../shared/adapters/grpc/unary-service.js';
import { orInvalidRequest, RequestChecks } from '../../shared/kernel/request-checks.js';
import { decodePageToken, pageOf, type PagedList } from '../runtime/page-token.js';
import type { Cursor, MessageView, ThreadReader, ThreadView, Window } from '../runtime/thread-reader.js';
import { orThreadNotFound } from '../runtime/thread-visibility.js';

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

/** threadweaver.thread.v1.ThreadQueryService. */
export function threadQueryService(reader: ThreadReader): UnaryHandlers<ThreadQueryServiceServer> {
  return {
    async getThread(request, context) {
      const { accountId, threadId } = parseThread(request);
      context.annotate({ thread_id: threadId });
      const thread = orThreadNotFound(await reader.findThread(accountId, threadId));
      return { thread: threadMessage(thread) };
    },

    async listThreads(request) {
      const { accountId, page } = parseAccountList('ListThreads', request);
      const { values, nextPageToken } = page.of(await reader.listThreads(accountId, page.window));
      return { threads: values.map(threadMessage), nextPageToken };
    },

    async listAdministratorIds(request, context) {
      const { accountId, threadId, page } = parseThreadList('ListAdministratorIds', request);
      context.annotate({ thread_id: threadId });
      const listed = orThreadNotFound(await reader.listAdministratorIds(accountId, threadId, page.window));
      const { values: administratorIds, nextPageToken } = page.of(listed);
      return { administratorIds, nextPageToken };
    },

    async listMemberIds(request, context) {
      const { accountId, threadId, page } = parseThreadList('ListMemberIds', request);
      context.annotate({ thread_id: threadId });
      const listed = orThreadNotFound(await reader.listMemberIds(accountId, threadId, page.window));
      const { values: memberIds, nextPageToken } = page.of(listed);
      return { memberIds, nextPageToken };
    },

    async listMessages(request, context) {
      const { accountId, threadId, page } = parseThreadList('ListMessages', request);
      context.annotate({ thread_id: threadId });
      const listed = orThreadNotFound(await reader.listMessages(accountId, threadId, page.window));
      const { values, nextPageToken } = page.of(listed);
      return { messages: values.map(messageMessage), nextPageToken };
    },
  };
}

interface ThreadRequest {
  readonly accountId: string;
  readonly threadId: string;
}

interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

/** A page that was asked for: what to read for it, and how it is made of what was read. */
interface Page {
  readonly window: Window;
  of<T>(entries: Parameters<typeof pageOf<T>>[0]): ReturnType<typeof pageOf<T>>;
}

function parseThread(request: ThreadRequest): ThreadRequest {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const threadId = checks.ulid('threadId', request.threadId);
  return orInvalidRequest(checks.finish({ accountId, threadId }));
}

function parseAccountList(list: string, request: { readonly accountId: string } & PageRequest) {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const page = parsePage(checks, { list, arguments: [accountId] }, request);
  return orInvalidRequest(checks.finish({ accountId, page }));
}

function parseThreadList(list: string, request: ThreadRequest & PageRequest) {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const threadId = checks.ulid('threadId', request.threadId);
  const page = parsePage(checks, { list, arguments: [accountId, threadId] }, request);
  return orInvalidRequest(checks.finish({ accountId, threadId, page }));
}

function parsePage(checks: RequestChecks, paged: PagedList, { pageSize, pageToken }: PageRequest): Page {
  checks.integer('pageSize', pageSize, { minimum: 0, maximum: 2 ** 31 - 1 });
  const size = Math.min(pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize, MAX_PAGE_SIZE);
  const after = pageToken === '' ? undefined : parseToken(checks, paged, pageToken);
  return {
    window: { after, limit: size + 1 },
    of: (entries) => pageOf(entries, size, paged),
  };
}

function parseToken(checks: RequestChecks, paged: PagedList, pageToken: string): Cursor | undefined {
  const cursor = decodePageToken(paged, pageToken);
  if (cursor === undefined) {
    checks.add('pageToken', { kind: 'malformed', expected: 'a next_page_token of this list with the same arguments' });
  }
  return cursor;
}

function threadMessage({ createdAt, updatedAt, version, ...thread }: ThreadView): Thread {
  return {
    ...thread,
    createTime: new Date(createdAt),
    updateTime: new Date(updatedAt),
    version: BigInt(version),
  };
}

function messageMessage({ createdAt, updatedAt, toAccountIds, ...message }: MessageView): Message {
  return {
    ...message,
    toAccountIds: [...toAccountIds],
    createTime: new Date(createdAt),
    updateTime: new Date(updatedAt),
  };
}
