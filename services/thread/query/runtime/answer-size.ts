import type { MessageView, ThreadView } from './thread-views.js';

/** An id as a field. */
const ID_BYTES = 28;
/** Ids, times, and tags and lengths of all fields. */
const FIXED_BYTES = 200;

export function bytesOfMessage({ text, toAccountIds }: MessageView): number {
  return FIXED_BYTES + Buffer.byteLength(text) + toAccountIds.length * ID_BYTES;
}

export function bytesOfThread({ title, remarks = '' }: ThreadView): number {
  return FIXED_BYTES + Buffer.byteLength(title) + Buffer.byteLength(remarks);
}
