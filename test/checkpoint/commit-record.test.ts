import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson } from "../../engine/checkpoint/canonical-json.ts";
import {
  chainCommit,
  decodeCommit,
  encodeCommit,
  genesisHash,
} from "../../engine/checkpoint/commit-record.ts";
import type { CommitContent } from "../../engine/checkpoint/commit-record.ts";
import { sealText, unsealText } from "../../engine/checkpoint/sealed-file.ts";

const content: CommitContent = {
  positions: { orders: [{ offset: 12 }, null] },
  clocks: { dedupe: { lanes: [1, 2] } },
  states: { dedupe: { type: "dedupe", layout: null, states: {} } },
  files: { processed: { path: "/out/processed.jsonl", length: 1234 } },
  outboxes: { embedded: { records: 1, bytes: 40, digest: "ab", topics: ["t"], since: 1 } },
  layoutHash: "00",
  counters: { orders: 12 },
  finished: false,
};

test("a record reads back as it was written, chained to the one before", () => {
  const first = chainCommit(undefined, content);
  assert.equal(first.epoch, 1);
  assert.equal(first.previousHash, genesisHash);
  const second = chainCommit(first, { ...content, finished: true });
  assert.equal(second.epoch, 2);
  assert.equal(second.previousHash, first.hash);
  for (const record of [first, second]) {
    assert.deepEqual(decodeCommit(record.epoch, encodeCommit(record)), record);
  }
});

test("equal content has an equal hash in any member order; any difference changes it", () => {
  const shuffled = Object.fromEntries(
    Object.entries(content).toReversed(),
  ) as unknown as CommitContent;
  assert.equal(chainCommit(undefined, shuffled).hash, chainCommit(undefined, content).hash);
  const changes: Partial<CommitContent>[] = [
    { positions: {} },
    { clocks: {} },
    { states: {} },
    { files: { processed: { path: "/out/processed.jsonl", length: 1235 } } },
    { outboxes: {} },
    { layoutHash: "01" },
    { counters: { orders: 13 } },
    { finished: true },
  ];
  const hashes = changes.map((change) => chainCommit(undefined, { ...content, ...change }).hash);
  hashes.push(chainCommit(undefined, content).hash);
  hashes.push(chainCommit({ epoch: 0, hash: "1".repeat(64) }, content).hash);
  hashes.push(chainCommit({ epoch: 1, hash: genesisHash }, content).hash);
  assert.equal(new Set(hashes).size, hashes.length);
});

test("a record with any flipped byte, another epoch or a cut does not verify", () => {
  const record = chainCommit(undefined, content);
  const bytes = encodeCommit(record);
  assert.throws(() => decodeCommit(2, bytes), { code: "STATE_CORRUPT" });
  for (let at = 0; at < bytes.length; at++) {
    if (at === 64) continue; // The line break between hash and content says nothing.
    const flipped = Uint8Array.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    assert.throws(() => decodeCommit(1, flipped), { code: "STATE_CORRUPT" }, `byte ${at}`);
  }
  for (const length of [0, 10, 64, 65, bytes.length - 1]) {
    assert.throws(() => decodeCommit(1, bytes.subarray(0, length)), { code: "STATE_CORRUPT" });
  }
});

test("canonical JSON orders members at every depth and nothing else", () => {
  assert.equal(
    canonicalJson({ b: [3, { d: null, c: "é" }], a: { "2": true, "10": -0.5 } }),
    '{"a":{"10":-0.5,"2":true},"b":[3,{"c":"é","d":null}]}',
  );
});

test("a sealed file reads back, and any flipped byte of its meaning is noticed", () => {
  const sealed = { epoch: 3, hash: "ab", summary: { keys: [1, 2] } };
  const bytes = sealText(sealed);
  assert.deepEqual(unsealText(bytes, "/state/head"), sealed);
  let refused = 0;
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 4;
    try {
      // A changed blank between members says the same.
      assert.deepEqual(unsealText(flipped, "/state/head"), sealed);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "STATE_CORRUPT", `byte ${at}`);
      refused++;
    }
  }
  assert.ok(refused > bytes.length / 2);
  for (const text of ["", "null", "[]", "{}", '{"content":{},"checksum":""}']) {
    assert.throws(() => unsealText(Buffer.from(text), "/state/head"), /\/state\/head/);
  }
});
