/**
 * Most gRPC clients take no answer of more than 4 MiB. So much a page's entries may have, by estimate; what comes on top,
 * such as what is looked up for each entry, has room then.
 */
const MAX_PAGE_BYTES = 2_400_000;

/** The first entries that fit into one answer, at least one of them. */
export function fittingIntoAnswer<T>(entries: readonly T[], bytesOf: (entry: T) => number): readonly T[] {
  let bytes = 0;
  const end = entries.findIndex((entry, index) => {
    bytes += bytesOf(entry);
    return index > 0 && bytes > MAX_PAGE_BYTES;
  });
  return end === -1 ? entries : entries.slice(0, end);
}
