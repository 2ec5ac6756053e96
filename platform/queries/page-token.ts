import { createHash } from 'node:crypto';
import { fittingIntoAnswer } from './answer-size.js';
import type { Cursor, Listed } from './window.js';

/** What a token belongs to: a list's name and the arguments that choose its entries. */
export interface PagedList {
  readonly list: string;
  readonly arguments: readonly string[];
}

const CHECKSUM_BYTES = 12;
const MAX_TOKEN_CHARACTERS = 200;
const cursorFormat = /^(\d{1,16})\.([0-9A-Z]{0,26})$/;

/**
 * A page of at most `size` entries from `size + 1` that were read: the last of those only tells whether there is more. It
 * ends earlier when more would not fit into one answer.
 * `nextPageToken` is empty on the last page.
 */
export function pageOf<T>(
  entries: readonly Listed<T>[],
  size: number,
  paged: PagedList,
  bytesOf: (value: T) => number = () => 0,
): { values: T[]; nextPageToken: string } {
  const page = fittingIntoAnswer(entries.slice(0, size), ({ value }) => bytesOf(value));
  const last = page.at(-1);
  return {
    values: page.map(({ value }) => value),
    nextPageToken: entries.length > page.length && last !== undefined ? encodePageToken(paged, last.cursor) : '',
  };
}

/**
 * A place in a list as an opaque text that serves only that list. The checksum keeps callers from building on what is
 * inside, and tells a token of another list; it guards no secret: what a caller may see is checked at each page.
 */
export function encodePageToken(paged: PagedList, { position, id }: Cursor): string {
  const place = `${position}.${id}`;
  return Buffer.concat([checksum(paged, place), Buffer.from(place)]).toString('base64url');
}

/** The place in this list, or undefined when the token is none of it. */
export function decodePageToken(paged: PagedList, token: string): Cursor | undefined {
  if (token.length > MAX_TOKEN_CHARACTERS) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  // Decoding is lenient: of all texts that give these bytes, one is the token.
  if (bytes.toString('base64url') !== token) return undefined;
  const place = bytes.subarray(CHECKSUM_BYTES).toString('latin1');
  const [, position, id] = cursorFormat.exec(place) ?? [];
  if (position === undefined || id === undefined) return undefined;
  if (!checksum(paged, place).equals(bytes.subarray(0, CHECKSUM_BYTES))) return undefined;
  return { position: Number(position), id };
}

function checksum({ list, arguments: args }: PagedList, place: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([list, args, place]))
    .digest()
    .subarray(0, CHECKSUM_BYTES);
}
