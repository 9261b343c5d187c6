/** What is kept of a record beyond `max_record_bytes`: enough to recognize it, little enough to hold. */
export const headBytes = 4096;

/** The first few KB of a record, not cut inside a UTF-8 sequence. */
export function headOf(record: Buffer): Buffer {
  if (record.length <= headBytes) return record;
  let end = headBytes;
  // A continuation byte is 10xxxxxx; in valid UTF-8 at most three of them follow a first byte.
  while (end > headBytes - 3 && (record[end]! & 0xc0) === 0x80) end -= 1;
  return record.subarray(0, end);
}
