import { createHash } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * An id in the form of a ULID that follows from the text alone, so that a repeated request leads to the same thing on
 * any instance. Its 128 bits are the first of the text's SHA-256; its time part means nothing.
 */
export function deriveId(text: string): string {
  const bits = BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 32)}`);
  let id = '';
  for (let shift = 125n; shift >= 0n; shift -= 5n) id += CROCKFORD[Number((bits >> shift) & 31n)];
  return id;
}

/** A short digest (96 bits of SHA-256) that tells one content from another. */
export function fingerprintOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
