import type { ListMessagesRequest } from '../../../../gen/threadweaver/thread/v1/thread_query_service.js';
import { Fault } from '../../../../platform/kernel/fault.js';
import { orInvalidRequest, RequestChecks } from '../../../../platform/kernel/request-checks.js';
import { bytesOfMessage } from '../runtime/answer-size.js';
import { parsePage, type Page } from '../../../../platform/queries/paging.js';
import type { Cursor, Listed } from '../../../../platform/queries/window.js';
import type { MessageView, ThreadReader } from '../runtime/thread-reader.js';
import { orThreadNotFound } from '../runtime/thread-visibility.js';

type Direction = 'before' | 'after' | 'around';

/** Which messages of a thread are wanted. */
export interface MessagePageRequest {
  readonly accountId: string;
  readonly threadId: string;
  readonly page: Page;
  /** @default from the first message on */
  readonly anchor: { readonly direction: Direction; readonly messageId: string } | undefined;
}

interface MessagePage {
  readonly values: readonly MessageView[];
  readonly nextPageToken: string;
}

/** @throws InvalidRequest with all that is wrong */
export function parseMessagePage(request: ListMessagesRequest): MessagePageRequest {
  const checks = new RequestChecks();
  const accountId = checks.ulid('accountId', request.accountId);
  const threadId = checks.ulid('threadId', request.threadId);
  const anchors = (['before', 'after', 'around'] as const).flatMap((direction) => {
    const path = `${direction}MessageId` as const;
    const text = request[path];
    return text === undefined ? [] : [{ direction, path, messageId: checks.ulid(path, text) }];
  });
  if (anchors.length > 1) {
    for (const { path } of anchors) {
      checks.add(path, { kind: 'malformed', expected: 'the only one of the three message ids' });
    }
  }
  const [anchor] = anchors;
  const chosen = anchor === undefined ? [] : [anchor.direction, anchor.messageId];
  const page = parsePage(checks, { list: 'ListMessages', arguments: [accountId, threadId, ...chosen] }, request);
  return orInvalidRequest(checks.finish({ accountId, threadId, page, anchor }));
}

/**
 * Reads that page, always in the order of posting.
 * @throws Fault kind `not-found`, reason THREAD_NOT_FOUND or MESSAGE_NOT_FOUND
 */
export async function readMessagePage(reader: ThreadReader, request: MessagePageRequest): Promise<MessagePage> {
  const { accountId, threadId, page, anchor } = request;
  const forwards = async (after: Cursor | undefined, limit: number) =>
    orThreadNotFound(await reader.listMessages(accountId, threadId, { after, limit }));
  const { after: token, limit } = page.window;
  if (anchor === undefined) return page.of(await forwards(token, limit), bytesOfMessage);

  const { direction } = anchor;
  const place = token ?? { position: await findPosition(reader, request, anchor.messageId), id: '' };
  if (direction === 'after') return page.of(await forwards(place, limit), bytesOfMessage);
  if (direction === 'around') {
    // What a token leads to is no longer around the message, but after what was.
    if (token !== undefined) return page.of(await forwards(token, limit), bytesOfMessage);
    const older = await backwards(reader, request, place, Math.floor((page.size - 1) / 2));
    const newer = await forwards({ position: place.position - 1, id: '' }, limit - older.length);
    return page.of([...older.toReversed(), ...newer], bytesOfMessage);
  }
  const { values, nextPageToken } = page.of(await backwards(reader, request, place, limit), bytesOfMessage);
  // Only then: the account may have stopped seeing the thread since the page before.
  if (values.length === 0) orThreadNotFound(await reader.chat.findPosition(accountId, threadId, anchor.messageId));
  return { values: values.toReversed(), nextPageToken };
}

async function findPosition(
  reader: ThreadReader,
  { accountId, threadId }: MessagePageRequest,
  messageId: string,
): Promise<number> {
  const { position } = orThreadNotFound(await reader.chat.findPosition(accountId, threadId, messageId));
  if (position === undefined) throw new Fault('not-found', 'MESSAGE_NOT_FOUND', 'message is not found');
  return position;
}

async function backwards(
  reader: ThreadReader,
  { accountId, threadId }: MessagePageRequest,
  after: Cursor,
  limit: number,
): Promise<Listed<MessageView>[]> {
  return limit === 0 ? [] : reader.chat.listMessagesBackwards(accountId, threadId, { after, limit });
}
