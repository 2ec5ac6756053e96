import type { RequestChecks } from '../kernel/request-checks.js';
import { decodePageToken, pageOf, type PagedList } from './page-token.js';
import type { Cursor, Window } from './window.js';

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

/** The fields of a request that ask for a page (AIP-158). */
export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

/** A page that was asked for: what to read for it, and how it is made of what was read. */
export interface Page {
  /** Entries at most. */
  readonly size: number;
  /** One entry more, which tells whether there is another page. */
  readonly window: Window;
  of<T>(entries: Parameters<typeof pageOf<T>>[0], bytesOf?: (value: T) => number): ReturnType<typeof pageOf<T>>;
}

/**
 * The page that a request asks for; what is wrong with it is recorded in `checks`.
 *
 * @param maxSize a larger one means this. @default 1000
 */
export function parsePage(
  checks: RequestChecks,
  paged: PagedList,
  { pageSize, pageToken }: PageRequest,
  maxSize = MAX_PAGE_SIZE,
): Page {
  checks.integer('pageSize', pageSize, { minimum: 0, maximum: 2 ** 31 - 1 });
  const size = Math.min(pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize, maxSize);
  const after = pageToken === '' ? undefined : parseToken(checks, paged, pageToken);
  return {
    size,
    window: { after, limit: size + 1 },
    of: (entries, bytesOf) => pageOf(entries, size, paged, bytesOf),
  };
}

function parseToken(checks: RequestChecks, paged: PagedList, pageToken: string): Cursor | undefined {
  const cursor = decodePageToken(paged, pageToken);
  if (cursor === undefined) {
    checks.add('pageToken', { kind: 'malformed', expected: 'a next_page_token of this list with the same arguments' });
  }
  return cursor;
}
