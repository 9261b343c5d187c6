/** The hash by which Kafka's Java client spreads keys over partitions; a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const multiplier = 0x5bd1e995;
  let hash = 0x9747b28c ^ length;
  const tail = length & ~3;
  for (let index = 0; index < tail; index += 4) {
    let word =
      (bytes[index] ?? 0) |
      ((bytes[index + 1] ?? 0) << 8) |
      ((bytes[index + 2] ?? 0) << 16) |
      ((bytes[index + 3] ?? 0) << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    word = Math.imul(word, multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  if (length > tail) {
    // Missing bytes count as zero, which leaves the hash as it is.
    hash ^= ((bytes[tail + 2] ?? 0) << 16) | ((bytes[tail + 1] ?? 0) << 8) | (bytes[tail] ?? 0);
    hash = Math.imul(hash, multiplier);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  hash ^= hash >>> 15;
  return hash | 0;
}

/** The partition that Kafka's Java client gives a record with this key. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}
