import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

const noGeneration = -1;
const noMember = "";
const noLeaderEpoch = -1;

/** Of a group without members; `offsets` by partition of one topic. */
export function encodeOffsetCommit(
  group: string,
  topic: string,
  offsets: readonly number[],
): Buffer {
  const writer = new WireWriter();
  writer.string(group).int32(noGeneration).string(noMember);
  writer.array([topic], (name) => {
    writer.string(name).array([...offsets.entries()], ([partition, offset]) => {
      writer.int32(partition).int64(offset).int32(noLeaderEpoch).string(null);
    });
  });
  return writer.finish();
}

/** The error codes, one for each partition. */
export function decodeOffsetCommit(body: Buffer): number[] {
  const reader = new WireReader(body);
  reader.int32();
  return reader
    .array(() => {
      reader.string();
      return reader.array(() => {
        reader.int32();
        return reader.int16();
      });
    })
    .flat();
}
