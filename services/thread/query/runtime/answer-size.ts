import type { MessageView, ThreadView } from './thread-views.js';

/**
 * Most gRPC clients take no answer of more than 4 MiB. So much a page's entries may have, by estimate; what comes on top, such
 * as reactions to 1,000 messages, has room then.
 */
const MAX_PAGE_BYTES = 2_400_000;
/** An id as a field. */
const ID_BYTES = 28;
/** Ids, times, and tags and lengths of all fields. */
const FIXED_BYTES = 200;

/** The first entries that fit into one answer, at least one of them. */
export function fittingIntoAnswer<T>(entries: readonly T[], bytesOf: (entry: T) => number): readonly T[] {
  let bytes = 0;
  const end = entries.findIndex((entry, index) => {
    bytes += bytesOf(entry);
    return index > 0 && bytes > MAX_PAGE_BYTES;
  });
  return end === -1 ? entries : entries.slice(0, end);
}

export function bytesOfMessage({ text, toAccountIds }: MessageView): number {
  return FIXED_BYTES + Buffer.byteLength(text) + toAccountIds.length * ID_BYTES;
}

export function bytesOfThread({ title, remarks = '' }: ThreadView): number {
  return FIXED_BYTES + Buffer.byteLength(title) + Buffer.byteLength(remarks);
}
