import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { JobFolder } from "../cli/job-folder.ts";

const job = `
version: 1
name: expiry
kafka: { bootstrap_servers: embedded }
checkpoint: { interval: 60s, max_records: 5000 }
sources:
  orders:
    type: kafka
    topic: orders
    start: earliest
    event_time: { field: at, format: epoch_millis }
    watermark: { max_out_of_orderness: 0s }
steps:
  - { id: once, type: dedupe, key: id, ttl: 10m }
sinks:
  first: { type: file, path: out/first.jsonl, input: [once, once.duplicates, errors] }
`;

function bytesOf(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(directory, name)))
    .reduce((sum, facts) => sum + (facts.isFile() ? facts.size : 0), 0);
}

it("D10: keys leave the state with event time, in memory and on the disk", async (context) => {
  const folder = new JobFolder(context, job);
  const perRound = 20_000;
  const hashBytes = 16;
  const keys: number[] = [];
  const bytes: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const rows = Array.from({ length: perRound }, (_, index) => {
      const id = round * perRound + index;
      // Half an hour a round, three times the ttl.
      return `{"id":${id},"at":${Math.floor((id / perRound) * 1_800_000)}}\n`;
    });
    folder.write("rows.jsonl", rows.join(""));
    const made = await folder.pipeline("produce", "orders", "--file", "rows.jsonl");
    assert.equal(made.exit, 0, made.stderr);
    const end = await folder.run("--format", "json");
    assert.equal(end.exit, 0, end.stderr);
    const { nodes } = JSON.parse(end.stdout) as {
      nodes: { node: string; state: { keys?: number } }[];
    };
    keys.push(nodes.find(({ node }) => node === "once")?.state.keys ?? Number.NaN);
    bytes.push(bytesOf(join(folder.path, ".pipeline/state/expiry")));
  }
  assert.ok(
    keys.every((count) => count > 0 && count < perRound / 2),
    `keys: ${keys.join(", ")}`,
  );
  // All rounds together wrote 6 * 20,000 hashes; what a third of a round needs stays, with the store's slack.
  const written = 6 * perRound * hashBytes;
  assert.ok(bytes.at(-1)! < written / 2, `bytes: ${bytes.join(", ")}`);
});
