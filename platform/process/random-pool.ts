import { randomFillSync } from 'node:crypto';

/** Drawn at once: the call costs about as much for these as for a few. */
const POOL_BYTES = 4_096;

const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

/** `count` cryptographically strong random bytes as hexadecimal digits, two a byte. At most 4,096. */
export function randomHex(count: number): string {
  const from = take(count);
  return pool.toString('hex', from, from + count);
}

/** A number from 0 on below 1, in steps of 1/256: what the library `ulid` draws for each character. */
export function randomFraction(): number {
  return pool.readUInt8(take(1)) / 256;
}

/** Where so many bytes lie that nobody else gets. */
function take(count: number): number {
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const from = used;
  used += count;
  return from;
}
