/**
 * The partition, from 0 to `partitions - 1`, that an aggregate belongs to: FNV-1a-32 of its id, modulo the number of
 * partitions, as nats-server's own `{{partition(N,1)}}` computes it (http://www.isthe.com/chongo/tech/comp/fnv/).
 */
export function partitionOf(aggregateId: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < aggregateId.length; index += 1) {
    const byte = aggregateId.charCodeAt(index);
    // Only of ASCII each character is one byte.
    if (byte > 0x7f) return partitionOfBytes(Buffer.from(aggregateId), partitions);
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

function partitionOfBytes(bytes: Uint8Array, partitions: number): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % partitions;
}
