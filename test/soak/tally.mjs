// How often each order is in a topic: the first order id of a record's bytes counts, whole or cut by the generator.
import { TopicReader } from "../../engine/connectors/embedded/topic-reader.ts";

const idStart = Buffer.from("ORD-20250113-");
const zero = 48;

/** By order number; 0 stands for records without one. */
export async function tally(folder, topic, numberMax) {
  const counts = new Uint16Array(numberMax + 1);
  const reader = new TopicReader(folder, topic);
  await reader.open("beginning");
  for await (const records of reader.records({ follow: false }, new AbortController().signal)) {
    for (const { value } of records) counts[numberOf(value, numberMax)] += 1;
  }
  await reader.close();
  return counts;
}

function numberOf(value, numberMax) {
  const start = value.indexOf(idStart);
  if (start < 0) return 0;
  let number = 0;
  for (let at = start + idStart.length; value[at] >= zero && value[at] <= zero + 9; at += 1) {
    number = number * 10 + value[at] - zero;
  }
  return number <= numberMax ? number : 0;
}
