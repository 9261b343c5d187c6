/**
 * A process of its own for the tests that kill one. usage: DIRECTORY deliver INCARNATION LAST_EPOCH, or DIRECTORY produce
 * TOPIC NAME APPENDS, or DIRECTORY consume TOPIC RECORDS. Says `ready` once it starts to work, then what it consumed.
 */
import { argv, env, stdout } from "node:process";
import { TopicReader } from "../../engine/connectors/embedded/topic-reader.ts";
import { TopicWriter } from "../../engine/connectors/embedded/topic-writer.ts";
import { failpointScript } from "../../engine/testing/failpoint-script.ts";
import { deliverEpochs, folderAt, machineClock, record } from "./embedded-fixtures.ts";

const [directory = "", work = "", first = "", second = "", third = ""] = argv.slice(2);
const folder = folderAt(directory);
const failpoints = failpointScript(env["PIPELINE_FAILPOINTS"], (ms) => machineClock.sleep(ms));
/** Small, so that killed writers are also caught replacing the journal. */
const options = { failpoints, journalBytesMax: 4000, mutexWaitMs: 600_000 };

stdout.write("ready\n");
if (work === "deliver") await deliverEpochs(folder, first, Number(second), options);
else if (work === "produce") await produceAppends(first, second, Number(third));
else if (work === "consume") await consumeCount(first, Number(second));
else throw new Error(`unknown work ${work}`);

/** Each append holds five records that must be seen together. */
async function produceAppends(topic: string, name: string, appends: number): Promise<void> {
  const writer = new TopicWriter(folder, topic, options);
  for (let append = 0; append < appends; append += 1) {
    const records = Array.from({ length: 5 }, (_, index) => record(`${name}/${append}/${index}`));
    await writer.append(records);
  }
  await writer.close();
}

async function consumeCount(topic: string, count: number): Promise<void> {
  const stop = new AbortController();
  const reader = new TopicReader(folder, topic);
  await reader.open("beginning");
  let seen = 0;
  for await (const records of reader.records({ follow: true }, stop.signal)) {
    for (const { partition, offset, value } of records) {
      stdout.write(`${partition}@${offset}=${String(value)}\n`);
    }
    seen += records.length;
    if (seen >= count) stop.abort();
  }
  await reader.close();
}
