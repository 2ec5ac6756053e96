import type {
  SearchMessagesRequest,
  ThreadQueryServiceServer,
} from '../../../../gen/threadweaver/thread/v1/thread_query_service.js';
import type { UnaryHandlers } from '../../../../platform/grpc/unary-service.js';
import { orInvalidRequest, RequestChecks } from '../../../../platform/kernel/request-checks.js';
import { parsePage } from '../../../../platform/queries/paging.js';
import { searchWords } from '../runtime/search-words.js';
import type { ThreadReader } from '../runtime/thread-reader.js';
import { orThreadNotFound } from '../runtime/thread-visibility.js';
import { parseMessagePage, readMessagePage } from './message-pages.js';
import { messageMessages, threadMessage } from './query-answers.js';
import { parseAccountList, parseThread, parseThreadList } from './query-parsing.js';

/** Entries of a page whose making takes more than reading an index. */
const MAX_COSTLY_PAGE_SIZE = 100;
const MAX_QUERY_CHARACTERS = 255;

/** What a chat's users read, of threadweaver.thread.v1.ThreadQueryService. */
export function chatQueries(
  reader: ThreadReader,
): Pick<
  UnaryHandlers<ThreadQueryServiceServer>,
  'listMessages' | 'getReadState' | 'listRecentThreads' | 'listChildThreads' | 'searchMessages'
> {
  const { chat } = reader;
  return {
    async listMessages(request, context) {
      const parsed = parseMessagePage(request);
      context.annotate({ account_id: parsed.accountId, thread_id: parsed.threadId });
      const { values, nextPageToken } = await readMessagePage(reader, parsed);
      return { messages: await messageMessages(chat, parsed.accountId, values), nextPageToken };
    },

    async getReadState(request, context) {
      const { accountId, threadId } = parseThread(request);
      context.annotate({ account_id: accountId, thread_id: threadId });
      return orThreadNotFound(await chat.findReadState(accountId, threadId));
    },

    async listRecentThreads(request, context) {
      const { accountId, page } = parseAccountList('ListRecentThreads', request, MAX_COSTLY_PAGE_SIZE);
      context.annotate({ account_id: accountId });
      const { values, nextPageToken } = page.of(await chat.listRecentThreads(accountId, page.window));
      const lastMessages = values.flatMap(({ lastMessage }) => lastMessage ?? []);
      const messages = await messageMessages(chat, accountId, lastMessages);
      const byThread = new Map(messages.map((message) => [message.threadId, message]));
      return {
        threads: values.map(({ thread, unreadCount, lastActivityAt }) => ({
          thread: threadMessage(thread),
          lastMessage: byThread.get(thread.id),
          unreadCount,
          lastActivityTime: new Date(lastActivityAt),
        })),
        nextPageToken,
      };
    },

    async listChildThreads(request, context) {
      const { accountId, threadId, page } = parseThreadList('ListChildThreads', request);
      context.annotate({ account_id: accountId, thread_id: threadId });
      const listed = orThreadNotFound(await chat.listChildThreads(accountId, threadId, page.window));
      const { values, nextPageToken } = page.of(listed);
      return { threads: values.map(threadMessage), nextPageToken };
    },

    async searchMessages(request, context) {
      const { accountId, search, page } = parseSearch(request);
      context.annotate({ account_id: accountId, thread_id: search.threadId });
      const found = orThreadNotFound(await chat.searchMessages(accountId, search, page.window));
      const { values, nextPageToken } = page.of(found);
      return { messages: await messageMessages(chat, accountId, values), nextPageToken };
    },
  };
}

function parseSearch(request: SearchMessagesRequest) {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const query = checks.text('query', request.query, { minimum: 1, maximum: MAX_QUERY_CHARACTERS });
  const isSearched = query !== '' && query.length <= 2 * MAX_QUERY_CHARACTERS;
  const words = isSearched ? searchWords(query) : [];
  if (isSearched && words.length === 0) {
    checks.add('query', { kind: 'malformed', expected: 'a text with a word of 3 to 84 letters or digits' });
  }
  const threadId = checks.optionalUlid('threadId', request.threadId);
  const senderId = checks.optionalUlid('senderId', request.senderId);
  const paged = { list: 'SearchMessages', arguments: [accountId, ...words, threadId ?? '', senderId ?? ''] };
  const page = parsePage(checks, paged, request, MAX_COSTLY_PAGE_SIZE);
  return orInvalidRequest(checks.finish({ accountId, search: { words, threadId, senderId }, page }));
}
