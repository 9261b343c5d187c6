import assert from "node:assert/strict";
import { test } from "node:test";
import { decideSettle } from "../../engine/connectors/kafka/settle-decision.ts";
import type { OpenRange, SettleFacts } from "../../engine/connectors/kafka/settle-decision.ts";
import type { FoundMarker } from "../../engine/connectors/kafka/commits-topic.ts";

const commitsTopic = "job.commits";

function open(
  topic: string,
  partition: number,
  firstOffset: number,
  lastOffset: number,
): OpenRange {
  return { topic, partition, firstOffset, lastOffset };
}

function marker(
  offset: number,
  ends: readonly (readonly [partition: number, offset: number])[],
  outcome?: "commit" | "abort",
): FoundMarker {
  const all = ends.map(([partition, end]) => ({ topic: "out", partition, offset: end }));
  const mark = { job: "job", incarnation: "one", epoch: offset, hash: "", ends: all };
  return { offset, outcome, marker: mark };
}

function outcomes(
  facts: Omit<SettleFacts, "commitsTopic" | "closed"> & Partial<SettleFacts>,
): unknown {
  const decision = decideSettle({ closed: [], ...facts, commitsTopic });
  if (decision === undefined) return "refuse";
  const texts = (parts: readonly { topic: string; partition: number }[]): string[] =>
    parts.map(({ topic, partition }) => `${topic}/${partition}`);
  return { commit: texts(decision.commit), abort: texts(decision.abort) };
}

test("records without a commit marker are taken back", () => {
  assert.deepEqual(
    outcomes({ open: [open("out", 0, 10, 19)], markers: [marker(4, [[0, 9]], "commit")] }),
    {
      commit: [],
      abort: ["out/0"],
    },
  );
});

test("a whole epoch that is open with its marker is kept", () => {
  const facts = {
    open: [open(commitsTopic, 0, 5, 5), open("out", 0, 10, 19)],
    markers: [marker(5, [[0, 19]])],
  };
  assert.deepEqual(outcomes(facts), { commit: [`${commitsTopic}/0`, "out/0"], abort: [] });
});

test("what the commits topic shows of the epoch decides for its partitions", () => {
  for (const outcome of ["commit", "abort"] as const) {
    const facts = { open: [open("out", 0, 10, 19)], markers: [marker(5, [[0, 19]], outcome)] };
    assert.deepEqual(outcomes(facts), { commit: [], abort: [], [outcome]: ["out/0"] });
  }
});

test("one closed partition decides for the others, and two that disagree are left to a person", () => {
  const facts = {
    open: [open(commitsTopic, 0, 5, 5), open("out", 0, 10, 19)],
    markers: [
      marker(5, [
        [0, 19],
        [1, 7],
        [2, 8],
      ]),
    ],
  };
  const end = (partition: number, offset: number, outcome: "commit" | "abort") => ({
    topic: "out",
    partition,
    offset,
    outcome,
  });
  assert.deepEqual(outcomes({ ...facts, closed: [end(1, 7, "abort")] }), {
    commit: [],
    abort: [`${commitsTopic}/0`, "out/0"],
  });
  assert.equal(outcomes({ ...facts, closed: [end(1, 7, "abort"), end(2, 8, "commit")] }), "refuse");
});

test("a kept epoch with records of a later one behind it in one range is left to a person", () => {
  const facts = { open: [open("out", 0, 10, 25)], markers: [marker(5, [[0, 19]], "commit")] };
  assert.equal(outcomes(facts), "refuse");
});

test("a barrier alone stands for no records and is closed", () => {
  assert.deepEqual(
    outcomes({ open: [open(commitsTopic, 0, 8, 8)], markers: [marker(5, [], "commit")] }),
    {
      commit: [`${commitsTopic}/0`],
      abort: [],
    },
  );
});
