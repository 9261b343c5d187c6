/** Castagnoli polynomial, bits reversed. */
const polynomial = 0x82f63b78;

/** Eight tables of 256 ("slicing by 8"): table k is for the byte k places before the end of a group of eight. */
const tables = makeTables();

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
    }
    made[byte] = remainder;
  }
  for (let index = 256; index < made.length; index += 1) {
    const before = made[index - 256] ?? 0;
    made[index] = (before >>> 8) ^ (made[before & 0xff] ?? 0);
  }
  return made;
}

/**
 * CRC-32C (Castagnoli) as an unsigned 32-bit integer. `seed` is the checksum of the bytes before these, so that
 * `crc32c(b, crc32c(a))` is the checksum of a followed by b.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const table = tables;
  const length = bytes.length;
  let checksum = ~seed;
  let index = 0;
  for (const groups = length - 7; index < groups; index += 8) {
    checksum ^=
      (bytes[index] ?? 0) |
      ((bytes[index + 1] ?? 0) << 8) |
      ((bytes[index + 2] ?? 0) << 16) |
      ((bytes[index + 3] ?? 0) << 24);
    checksum =
      (table[1792 + (checksum & 0xff)] ?? 0) ^
      (table[1536 + ((checksum >>> 8) & 0xff)] ?? 0) ^
      (table[1280 + ((checksum >>> 16) & 0xff)] ?? 0) ^
      (table[1024 + (checksum >>> 24)] ?? 0) ^
      (table[768 + (bytes[index + 4] ?? 0)] ?? 0) ^
      (table[512 + (bytes[index + 5] ?? 0)] ?? 0) ^
      (table[256 + (bytes[index + 6] ?? 0)] ?? 0) ^
      (table[bytes[index + 7] ?? 0] ?? 0);
  }
  for (; index < length; index += 1) {
    checksum = (checksum >>> 8) ^ (table[(checksum ^ (bytes[index] ?? 0)) & 0xff] ?? 0);
  }
  return ~checksum >>> 0;
}
