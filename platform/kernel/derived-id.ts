import { createHash } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * An id in the form of a ULID that follows from the text alone, so that a repeated request leads to the same thing on
 * any instance: `01`, as every ULID from 2004 to 2039 begins, and 120 bits of the text's SHA-256. Its time means nothing.
 */
export function deriveId(text: string): string {
  const bits = BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 30)}`);
  let id = '01';
  for (let shift = 115n; shift >= 0n; shift -= 5n) id += CROCKFORD[Number((bits >> shift) & 31n)];
  return id;
}

/** A short digest (96 bits of SHA-256) that tells one content from another. */
export function fingerprintOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
