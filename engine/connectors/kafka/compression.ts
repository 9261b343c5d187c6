import { gunzipSync, gzipSync } from "node:zlib";
import * as zlib from "node:zlib";
import { EngineError } from "../../core/errors.ts";
import { decompressSnappy } from "./snappy.ts";

/** Numbers of the codecs in a batch's attributes. */
const compressionNames = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Compression = "none" | "gzip" | "zstd";

/** Node has zstd from 22.15 on; the type declarations of older releases do not know it. */
const zstd = zlib as unknown as {
  readonly zstdCompressSync?: (bytes: Uint8Array) => Buffer;
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: zlib.ZlibOptions) => Buffer;
};

/** Fast rather than small: the broker's disk is not what a job waits for. */
const gzipLevel = 1;

/** No producer makes batches like that: a few bytes must not fill the memory. */
const unpackedBytesMax = 256 << 20;
const unpacking = { maxOutputLength: unpackedBytesMax };

export function compressionNumber(compression: Compression): number {
  return compressionNames.indexOf(compression);
}

/** Throws USAGE for a codec that this Node does not have. */
export function compress(compression: Compression, bytes: Uint8Array): Uint8Array {
  if (compression === "none") return bytes;
  if (compression === "gzip") return gzipSync(bytes, { level: gzipLevel });
  if (zstd.zstdCompressSync !== undefined) return zstd.zstdCompressSync(bytes);
  throw new EngineError("USAGE", "compression zstd needs Node 22.15 or newer", {
    hint: "Use compression gzip or none, or run the job on a newer Node.",
  });
}

/** `where` names topic, partition and offset. Throws INPUT_UNDECODABLE for a codec that cannot be read here. */
export function decompress(codec: number, bytes: Uint8Array, where: string): Buffer {
  if (codec === 1) return gunzipSync(bytes, unpacking);
  if (codec === 2)
    return decompressSnappy(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (codec === 4 && zstd.zstdDecompressSync !== undefined) {
    return zstd.zstdDecompressSync(bytes, unpacking);
  }
  const name = compressionNames[codec] ?? `number ${codec}`;
  const hint =
    codec === 4
      ? "zstd needs Node 22.15 or newer."
      : "Set the topic's compression.type to gzip, zstd or uncompressed, and start behind these records.";
  throw new EngineError(
    "INPUT_UNDECODABLE",
    `${where} is compressed with ${name}, which cannot be read`,
    {
      hint,
    },
  );
}
