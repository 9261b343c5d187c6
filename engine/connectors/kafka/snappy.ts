import { WireError } from "./wire-reader.ts";

/** Java's clients cut a block into chunks, each with its length, behind this magic number and two versions. */
const framedMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const framedHeaderBytes = 16;

/** Both forms that producers write: a bare block (librdkafka), or chunks (Java). Throws WireError, RangeError. */
export function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, framedMagic.length).equals(framedMagic)) return decompressBlock(bytes);
  const chunks: Buffer[] = [];
  for (let at = framedHeaderBytes; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new WireError("a snappy chunk is cut off");
    chunks.push(decompressBlock(bytes.subarray(at + 4, end)));
    at = end;
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** One block: its length, then literals and copies of what is already there. */
function decompressBlock(bytes: Buffer): Buffer {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) throw new WireError("a snappy block has no length");
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  // A copy of two bytes gives at most 64: a length beyond that is not snappy's.
  if (length > bytes.length * 64) throw new WireError("a snappy block claims too much");
  const out = Buffer.allocUnsafe(length);
  let filled = 0;
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    if ((tag & 3) === 0) {
      let count = tag >>> 2;
      if (count >= 60) {
        const lengthBytes = count - 59;
        count = bytes.readUIntLE(at, lengthBytes);
        at += lengthBytes;
      }
      count += 1;
      if (at + count > bytes.length || filled + count > length) {
        throw new WireError("a snappy literal is cut off");
      }
      bytes.copy(out, filled, at, at + count);
      at += count;
      filled += count;
      continue;
    }
    let count: number;
    let back: number;
    if ((tag & 3) === 1) {
      count = 4 + ((tag >>> 2) & 7);
      back = ((tag >>> 5) << 8) | bytes.readUInt8(at);
      at += 1;
    } else if ((tag & 3) === 2) {
      count = 1 + (tag >>> 2);
      back = bytes.readUInt16LE(at);
      at += 2;
    } else {
      count = 1 + (tag >>> 2);
      back = bytes.readUInt32LE(at);
      at += 4;
    }
    if (back === 0 || back > filled || filled + count > length) {
      throw new WireError("a snappy copy reaches outside");
    }
    // Byte by byte: a copy may overlap what it writes.
    for (let index = 0; index < count; index += 1) out[filled + index] = out[filled + index - back]!;
    filled += count;
  }
  if (filled !== length) throw new WireError("a snappy block is shorter than it claims");
  return out;
}
