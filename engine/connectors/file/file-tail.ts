import { crc32 } from "node:zlib";
import type { FileSegment } from "../../checkpoint/commit-record.ts";
import type { File } from "../../core/file-system.ts";

/** A check reads at most two of them, however long the file is; what a disk may lose is younger. */
const segmentBytes = 128 << 20;
const readBytes = 1 << 20;

/** The checksums of what was last written to a file, as it grows. */
export class FileTail {
  #whole: FileSegment | undefined;
  #growing: FileSegment;

  /** `known`: segments that end at `length`, from a commit; without any nothing before `length` is covered. */
  constructor(length: number, known: readonly FileSegment[] = []) {
    this.#whole = known.at(-2);
    this.#growing = known.at(-1) ?? emptyAt(length);
  }

  /** One or two, in the order of the file, the last of them up to its end. */
  get segments(): readonly FileSegment[] {
    return this.#whole === undefined ? [this.#growing] : [this.#whole, this.#growing];
  }

  add(bytes: Uint8Array): void {
    const { from, to, crc32: before } = this.#growing;
    this.#growing = { from, to: to + bytes.length, crc32: crc32(bytes, before) };
    if (this.#growing.to - from < segmentBytes) return;
    this.#whole = this.#growing;
    this.#growing = emptyAt(this.#growing.to);
  }
}

/** True if the file has all bytes of the segment, unchanged. */
export async function holdsSegment(file: File, segment: FileSegment): Promise<boolean> {
  const { from, to } = segment;
  const block = Buffer.allocUnsafeSlow(Math.min(to - from, readBytes));
  let crc = 0;
  for (let at = from; at < to;) {
    const read = await file.read(block.subarray(0, Math.min(block.length, to - at)), at);
    if (read === 0) return false;
    crc = crc32(block.subarray(0, read), crc);
    at += read;
  }
  return crc === segment.crc32;
}

function emptyAt(offset: number): FileSegment {
  return { from: offset, to: offset, crc32: 0 };
}
