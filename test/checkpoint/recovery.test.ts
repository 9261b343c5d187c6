import assert from "node:assert/strict";
import { test } from "node:test";
import { chainCommit, genesisHash } from "../../engine/checkpoint/commit-record.ts";
import type { CommitRecord } from "../../engine/checkpoint/commit-record.ts";
import type { DeliveryMark } from "../../engine/checkpoint/delivery.ts";
import type { Identity } from "../../engine/checkpoint/identity.ts";
import { decideRecovery } from "../../engine/checkpoint/recovery.ts";
import type { FileFacts, RecoveryFacts } from "../../engine/checkpoint/recovery.ts";
import { errorCatalog } from "../../engine/core/errors.ts";
import type { ErrorCode } from "../../engine/core/errors.ts";

/**
 * The whole decision as a table: no disk, no broker. Unless a row says otherwise: job `orders`, one file sink `out`,
 * one target `embedded`, epoch 3 committed and shown everywhere.
 */
const path = "/out/out.jsonl";
const outbox = (since: number) => ({ records: 5, bytes: 100, digest: "d", topics: ["t"], since });

function chain(
  epochs: number,
  files: CommitRecord["files"],
  outboxes: CommitRecord["outboxes"],
): CommitRecord[] {
  const records: CommitRecord[] = [];
  for (let i = 0; i < epochs; i++) {
    records.push(
      chainCommit(records.at(-1), {
        positions: {},
        clocks: {},
        states: {},
        files,
        outboxes,
        layoutHash: "",
        counters: i,
        finished: false,
      }),
    );
  }
  return records;
}

const [first, second, third] = chain(
  3,
  { out: { path, length: 300 } },
  { embedded: outbox(1) },
) as [CommitRecord, CommitRecord, CommitRecord];
const newSinks = chain(3, {}, {})[2] as CommitRecord;
const newTarget = { ...third, outboxes: { embedded: outbox(3) } };

const identity: Identity = {
  formatVersion: 1,
  job: "orders",
  layout: null,
  outputs: { out: path },
  startPositions: {},
  hashSeed: "0".repeat(32),
  incarnations: ["run-1", "run-2"],
};

const mark = (
  epoch: number,
  hash: string,
  incarnation = "run-2",
  job = "orders",
): DeliveryMark => ({
  job,
  incarnation,
  epoch,
  hash,
});
const at3 = mark(3, third.hash);
const at2 = mark(2, second.hash);
const at1 = mark(1, first.hash);
const file = (
  length: number | undefined,
  found?: DeliveryMark,
  markLength = 300,
  where = path,
): FileFacts => ({
  path: where,
  length,
  mark: found === undefined ? undefined : { ...found, length: markLength },
});
const headOf = ({ epoch, hash }: { epoch: number; hash: string }) => ({
  epoch,
  hash,
  summary: null,
});
const head0 = { epoch: 0, hash: genesisHash, summary: null };

const base: RecoveryFacts = {
  job: "orders",
  identity,
  head: headOf(third),
  commit: third,
  files: { out: file(300, at3) },
  targets: { embedded: at3 },
  overwrite: false,
};
const fresh: Partial<RecoveryFacts> = {
  identity: undefined,
  head: undefined,
  commit: undefined,
  files: { out: file(undefined) },
  targets: { embedded: undefined },
};
const unstarted: Partial<RecoveryFacts> = { ...fresh, identity, head: head0 };

interface Expected {
  readonly epoch: number;
  readonly lengths?: Record<string, number>;
  readonly publish?: string[];
  readonly deliver?: string[];
}

type Row = readonly [what: string, facts: Partial<RecoveryFacts>, expected: ErrorCode | Expected];

const log: Row[] = [
  ["everything is in step", {}, { epoch: 3 }],
  ["another job's state", { identity: { ...identity, job: "refunds" } }, "STATE_FOREIGN"],
  ["the identity is gone, the log is not", { identity: undefined }, "STATE_CORRUPT"],
  ["the head is gone", { head: undefined }, "STATE_CORRUPT"],
  ["the log is one ahead of the head", { head: headOf(second) }, { epoch: 3 }],
  [
    "the log is one ahead, but of another chain",
    { head: { ...headOf(second), hash: "x" } },
    "STATE_CORRUPT",
  ],
  ["the log is two ahead of the head", { head: headOf(first) }, "STATE_CORRUPT"],
  ["the log is behind the head", { head: { epoch: 4, hash: "h", summary: null } }, "STATE_CORRUPT"],
  ["the log is empty, the head is not", { commit: undefined }, "STATE_CORRUPT"],
  [
    "the head names the epoch, but another content",
    { head: { ...headOf(third), hash: "x" } },
    "STATE_CORRUPT",
  ],
  [
    "the first commit, the head not written yet",
    {
      commit: first,
      head: head0,
      files: { out: file(300, mark(0, genesisHash), 0) },
      targets: { embedded: mark(0, genesisHash) },
    },
    { epoch: 1, publish: ["out"], deliver: ["embedded"] },
  ],
];

const freshRows: Row[] = [
  ["a fresh directory, nothing there", fresh, { epoch: 0, lengths: { out: 0 }, publish: ["out"] }],
  [
    "fresh, an empty file",
    { ...fresh, files: { out: file(0) } },
    { epoch: 0, lengths: { out: 0 }, publish: ["out"] },
  ],
  ["fresh, a file with content", { ...fresh, files: { out: file(5) } }, "OUTPUT_EXISTS"],
  [
    "fresh, a file with content and a marker",
    { ...fresh, files: { out: file(300, at3) } },
    "OUTPUT_EXISTS",
  ],
  [
    "fresh, content, --overwrite",
    { ...fresh, files: { out: file(300, at3) }, overwrite: true },
    { epoch: 0, lengths: { out: 0 }, publish: ["out"] },
  ],
  [
    "fresh, the file is gone but its marker tells of output",
    { ...fresh, files: { out: file(undefined, at3) } },
    "OUTPUT_FOREIGN",
  ],
  [
    "fresh, only the marker of a start that showed nothing",
    { ...fresh, files: { out: file(0, mark(0, genesisHash, "other"), 0) } },
    { epoch: 0, lengths: { out: 0 }, publish: ["out"] },
  ],
  [
    "fresh, the target holds output of this job",
    { ...fresh, targets: { embedded: at3 } },
    "SINK_DIVERGED",
  ],
  [
    "fresh, the same with --overwrite: topics are never overwritten",
    { ...fresh, targets: { embedded: at3 }, overwrite: true },
    "SINK_DIVERGED",
  ],
  [
    "killed before the first commit, uncommitted bytes in the file",
    { ...unstarted, files: { out: file(77, mark(0, genesisHash), 0) } },
    { epoch: 0, lengths: { out: 0 }, publish: ["out"] },
  ],
  [
    "killed before the first marker",
    { ...unstarted, files: { out: file(0) } },
    { epoch: 0, lengths: { out: 0 }, publish: ["out"] },
  ],
  [
    "killed between identity and the overwriting",
    { ...unstarted, files: { out: file(300, mark(9, "h", "other")) } },
    "OUTPUT_EXISTS",
  ],
  [
    "the same, again with --overwrite",
    { ...unstarted, files: { out: file(300, mark(9, "h", "other")) }, overwrite: true },
    { epoch: 0, lengths: { out: 0 }, publish: ["out"] },
  ],
  [
    "nothing is committed, but the target holds an epoch",
    { ...unstarted, targets: { embedded: at1 } },
    "SINK_DIVERGED",
  ],
  [
    "nothing is committed, a twin has delivered",
    { ...unstarted, targets: { embedded: mark(1, "h", "twin") } },
    "SINK_FENCED",
  ],
];

const files: Row[] = [
  [
    "uncommitted bytes behind the committed length",
    { files: { out: file(999, at3) } },
    { epoch: 3, lengths: { out: 300 } },
  ],
  [
    "the marker lags by one",
    { files: { out: file(310, at2, 200) } },
    { epoch: 3, publish: ["out"] },
  ],
  [
    "the marker lags by two",
    { files: { out: file(310, at1, 100) } },
    { epoch: 3, publish: ["out"] },
  ],
  ["the marker is gone", { files: { out: file(310) } }, { epoch: 3, publish: ["out"] }],
  [
    "the marker is of an earlier incarnation",
    { files: { out: file(300, mark(3, third.hash, "run-1")) } },
    { epoch: 3 },
  ],
  ["the marker is ahead", { files: { out: file(999, mark(4, "h"), 999) } }, "SINK_DIVERGED"],
  [
    "the marker is ahead of a commit without new bytes",
    { files: { out: file(300, mark(4, "h"), 300) } },
    "SINK_DIVERGED",
  ],
  [
    "the marker has the epoch, but another hash",
    { files: { out: file(300, mark(3, "x")) } },
    "SINK_DIVERGED",
  ],
  [
    "the marker has the epoch, but another length",
    { files: { out: file(300, at3, 299) } },
    "SINK_DIVERGED",
  ],
  [
    "the marker lags by one with another hash",
    { files: { out: file(300, mark(2, "x"), 200) } },
    "SINK_DIVERGED",
  ],
  [
    "the marker lags, but covers more than is committed",
    { files: { out: file(400, at1, 301) } },
    "SINK_DIVERGED",
  ],
  [
    "the marker is of another incarnation",
    { files: { out: file(300, mark(3, third.hash, "run-9")) } },
    "OUTPUT_FOREIGN",
  ],
  [
    "the marker is of another job",
    { files: { out: file(300, mark(3, third.hash, "run-2", "refunds")) } },
    "OUTPUT_FOREIGN",
  ],
  ["the file is shorter than committed", { files: { out: file(299, at3) } }, "OUTPUT_DAMAGED"],
  [
    "the file holds other bytes than were committed",
    { files: { out: { ...file(300, at3), changed: true } } },
    "OUTPUT_DAMAGED",
  ],
  ["the file is gone", { files: { out: file(undefined, at3) } }, "OUTPUT_DAMAGED"],
  [
    "the same with --overwrite: committed output is not given up",
    { files: { out: file(299, at3) }, overwrite: true },
    "OUTPUT_DAMAGED",
  ],
  [
    "nothing was ever written to it and the file is gone",
    {
      commit: { ...third, files: { out: { path, length: 0 } } },
      files: { out: file(undefined, at3, 0) },
    },
    "OUTPUT_DAMAGED",
  ],
];

const moved = "/moved/out.jsonl";
const sinkChanges: Row[] = [
  [
    "a new sink",
    { files: { out: file(300, at3), more: file(undefined, undefined, 0, "/out/more.jsonl") } },
    { epoch: 3, lengths: { out: 300, more: 0 }, publish: ["more"] },
  ],
  [
    "a new sink whose file has content",
    { files: { out: file(300, at3), more: file(9, undefined, 0, "/out/more.jsonl") } },
    "OUTPUT_EXISTS",
  ],
  [
    "a new sink, killed before its first commit",
    {
      commit: newSinks,
      head: headOf(newSinks),
      files: { out: file(50, mark(3, newSinks.hash), 0) },
      targets: {},
    },
    { epoch: 3, lengths: { out: 0 }, publish: ["out"] },
  ],
  [
    "a sink that comes back finds its old committed output",
    { commit: newSinks, head: headOf(newSinks), files: { out: file(300, at1, 300) }, targets: {} },
    "OUTPUT_EXISTS",
  ],
  ["a sink that is gone from the spec", { files: {} }, { epoch: 3, lengths: {} }],
  [
    "a sink with another path, nothing there",
    { files: { out: { ...file(undefined, undefined, 0, moved), isLeftBehind: true } } },
    { epoch: 3, lengths: { out: 0 }, publish: ["out"] },
  ],
  [
    "a sink with another path, and nothing where it was before",
    { files: { out: file(undefined, undefined, 0, moved) } },
    "OUTPUT_DAMAGED",
  ],
  [
    "a sink with another name goes on with its file",
    { files: { renamed: file(320, at3, 300) } },
    { epoch: 3, lengths: { renamed: 300 } },
  ],
  [
    "a new sink is not let over a file that was there, not even with --overwrite",
    { overwrite: true, files: { fresh: file(300, undefined, 0, moved) } },
    "OUTPUT_EXISTS",
  ],
  [
    "a sink with another path, content there",
    { files: { out: { ...file(300, undefined, 0, moved), isLeftBehind: true } } },
    "OUTPUT_EXISTS",
  ],
  [
    "a folder moved with its marker",
    { files: { out: file(320, at3, 300, moved) } },
    { epoch: 3, lengths: { out: 300 } },
  ],
  ["a folder moved, then cut", { files: { out: file(200, at3, 300, moved) } }, "OUTPUT_DAMAGED"],
  [
    "two sinks that have changed paths with each other",
    {
      commit: {
        ...third,
        files: { out: { path, length: 300 }, more: { path: moved, length: 300 } },
      },
      files: {
        out: { ...file(300, at3, 300, moved), isLeftBehind: true },
        more: { ...file(300, at3, 300, path), isLeftBehind: true },
      },
    },
    "OUTPUT_EXISTS",
  ],
];

const targets: Row[] = [
  [
    "the target holds the epoch before",
    { targets: { embedded: at2 } },
    { epoch: 3, deliver: ["embedded"] },
  ],
  [
    "the target holds the epoch, by an earlier incarnation",
    { targets: { embedded: mark(3, third.hash, "run-1") } },
    { epoch: 3 },
  ],
  [
    "the target holds the epoch with another hash",
    { targets: { embedded: mark(3, "x") } },
    "SINK_DIVERGED",
  ],
  [
    "the target holds the epoch before with another hash",
    { targets: { embedded: mark(2, "x") } },
    "SINK_DIVERGED",
  ],
  ["the target is two behind", { targets: { embedded: at1 } }, "SINK_DIVERGED"],
  ["the target holds nothing", { targets: { embedded: undefined } }, "SINK_DIVERGED"],
  ["the target is ahead", { targets: { embedded: mark(4, "h") } }, "SINK_DIVERGED"],
  ["a twin has delivered", { targets: { embedded: mark(4, "h", "twin") } }, "SINK_FENCED"],
  [
    "a twin has delivered this very epoch",
    { targets: { embedded: mark(3, third.hash, "twin") } },
    "SINK_FENCED",
  ],
  [
    "the outbox to deliver is damaged",
    { targets: { embedded: at2 }, damagedOutboxes: ["embedded"] },
    "STATE_CORRUPT",
  ],
  ["a damaged outbox that nobody needs any more", { damagedOutboxes: ["embedded"] }, { epoch: 3 }],
  [
    "a target new with this epoch holds no more than our session",
    { commit: newTarget, targets: { embedded: mark(0, genesisHash) } },
    { epoch: 3, deliver: ["embedded"] },
  ],
  [
    "a target new with this epoch has lost the session that this epoch began with",
    { commit: newTarget, targets: { embedded: undefined } },
    "SINK_DIVERGED",
  ],
  [
    "a target back with this epoch holds an old one",
    { commit: newTarget, targets: { embedded: at1 } },
    { epoch: 3, deliver: ["embedded"] },
  ],
  [
    "a target new with this epoch holds it already",
    { commit: newTarget, targets: { embedded: at3 } },
    { epoch: 3 },
  ],
  [
    "a target new in the spec",
    { commit: newSinks, head: headOf(newSinks), files: {}, targets: { embedded: undefined } },
    { epoch: 3 },
  ],
  [
    "a target that comes back with an old mark",
    { commit: newSinks, head: headOf(newSinks), files: {}, targets: { embedded: at1 } },
    { epoch: 3 },
  ],
  [
    "a target that comes back from the future",
    { commit: newSinks, head: headOf(newSinks), files: {}, targets: { embedded: mark(9, "h") } },
    "SINK_DIVERGED",
  ],
  ["a target that is gone from the spec", { targets: {} }, { epoch: 3 }],
  [
    "one of two targets lags",
    {
      commit: { ...third, outboxes: { embedded: outbox(1), kafka: outbox(1) } },
      targets: { embedded: at3, kafka: at2 },
    },
    { epoch: 3, deliver: ["kafka"] },
  ],
  [
    "one refusal is enough",
    { targets: { embedded: at2, kafka: mark(3, "h", "twin") } },
    "SINK_FENCED",
  ],
];

const tables: readonly (readonly [string, Row[]])[] = [
  ["identity, head and log", log],
  ["a fresh directory", freshRows],
  ["output files", files],
  ["changed sinks", sinkChanges],
  ["delivery targets", targets],
];

for (const [table, rows] of tables) {
  for (const [what, facts, expected] of rows) {
    test(`${table}: ${what}`, () => {
      const given = { ...base, ...facts };
      const decision = decideRecovery(given);
      if (typeof expected === "string") {
        assert.ok(decision.kind === "refuse", JSON.stringify(decision));
        assert.equal(decision.code, expected);
        const exit = expected === "OUTPUT_EXISTS" ? 2 : 6;
        assert.equal(errorCatalog[decision.code].exit, exit);
        assert.ok(decision.message.length > 10 && decision.hint.length > 10);
      } else {
        assert.ok(decision.kind === "recover", JSON.stringify(decision));
        const lengths = expected.lengths ?? (given.files["out"] === undefined ? {} : { out: 300 });
        assert.deepEqual(decision, {
          kind: "recover",
          publish: [],
          deliver: [],
          ...expected,
          lengths,
        });
      }
    });
  }
}

test("a refusal of the log comes before any of the outputs, so that nothing is blamed for it", () => {
  const decision = decideRecovery({
    ...base,
    head: undefined,
    files: { out: file(1, mark(9, "h", "twin")) },
    targets: { embedded: mark(9, "h", "twin") },
  });
  assert.ok(decision.kind === "refuse" && decision.code === "STATE_CORRUPT");
});
