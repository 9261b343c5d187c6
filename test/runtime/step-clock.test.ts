import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { Lanes } from "../../engine/runtime/lanes.ts";
import { StepClock } from "../../engine/runtime/step-clock.ts";

/** B of the lanes a, b and c; `results` is the lane of an aggregate. */
const maxOutOfOrdernessMs = 10;
const laneNames = ["a", "b", "c", "results"] as const;
type LaneName = (typeof laneNames)[number];

/** What happens to a lane at an input (the first unless said), and W of the step afterwards. */
interface Move {
  readonly lane: LaneName;
  readonly input?: number;
  readonly does: number | "rests" | { readonly promises: number };
  readonly W: number;
}

function lanes(): Lanes {
  const made = new Lanes();
  for (const name of laneNames) {
    made.add({ name, maxOutOfOrdernessMs: name === "results" ? Infinity : maxOutOfOrdernessMs });
  }
  return made;
}

function clockOf(...inputs: readonly (readonly LaneName[])[]): StepClock {
  return new StepClock(
    lanes(),
    inputs.map((names) => names.map(numberOf)),
  );
}

function numberOf(name: LaneName): number {
  return laneNames.indexOf(name);
}

function apply(clock: StepClock, { lane, input = 0, does }: Omit<Move, "W">): boolean {
  if (does === "rests") return clock.rest(input, numberOf(lane));
  if (typeof does === "number") return clock.observe(input, numberOf(lane), does);
  return clock.raise(input, numberOf(lane), does.promises);
}

function follow(clock: StepClock, moves: readonly Move[]): void {
  for (const [index, move] of moves.entries()) {
    const before = clock.watermark;
    const rose = apply(clock, move);
    assert.equal(clock.watermark, move.W, `W after move ${index}: ${JSON.stringify(move)}`);
    assert.equal(rose, clock.watermark > before, `what move ${index} said of W`);
  }
}

const ended = { promises: Infinity };

const rules: readonly {
  readonly rule: string;
  readonly inputs: readonly (readonly LaneName[])[];
  readonly moves: readonly Move[];
}[] = [
  {
    rule: "W trails the largest event time by B and never goes back",
    inputs: [["a"]],
    moves: [
      { lane: "a", does: 100, W: 90 },
      { lane: "a", does: 50, W: 90 },
      { lane: "a", does: 100, W: 90 },
      { lane: "a", does: 101, W: 91 },
      { lane: "a", does: -500, W: 91 },
    ],
  },
  {
    rule: "times before the epoch count like any other",
    inputs: [["a"]],
    moves: [
      { lane: "a", does: -100, W: -110 },
      { lane: "a", does: 0, W: -10 },
    ],
  },
  {
    rule: "an input's W is the minimum of its lanes; one without records holds it back",
    inputs: [["a", "b"]],
    moves: [
      { lane: "a", does: 100, W: -Infinity },
      { lane: "b", does: 50, W: 40 },
      { lane: "b", does: 70, W: 60 },
      { lane: "b", does: 200, W: 90 },
      { lane: "a", does: 300, W: 190 },
    ],
  },
  {
    rule: "a step's W is the minimum of its inputs",
    inputs: [["a"], ["b"]],
    moves: [
      { lane: "a", input: 0, does: 100, W: -Infinity },
      { lane: "b", input: 1, does: 60, W: 50 },
      { lane: "b", input: 1, does: 160, W: 90 },
      { lane: "a", input: 0, does: 130, W: 120 },
    ],
  },
  {
    rule: "one lane has a clock of its own at each input",
    inputs: [["a"], ["a"]],
    moves: [
      { lane: "a", input: 0, does: 100, W: -Infinity },
      { lane: "a", input: 1, does: 40, W: 30 },
      { lane: "a", input: 1, does: 100, W: 90 },
    ],
  },
  {
    rule: "the end of a lane takes it out of the minimum, the end of all ends the step",
    inputs: [["a", "b"]],
    moves: [
      { lane: "b", does: 50, W: -Infinity },
      { lane: "a", does: ended, W: 40 },
      { lane: "b", does: 60, W: 50 },
      { lane: "b", does: ended, W: Infinity },
    ],
  },
  {
    rule: "an aggregate's lane has the watermark that was promised, whatever its records' times",
    inputs: [["results"]],
    moves: [
      { lane: "results", does: 99, W: -Infinity },
      { lane: "results", does: { promises: 80 }, W: 80 },
      { lane: "results", does: { promises: 70 }, W: 80 },
      { lane: "results", does: 500, W: 80 },
      { lane: "results", does: ended, W: Infinity },
    ],
  },
  {
    rule: "a resting lane holds nothing back until its next record, and takes nothing back then",
    inputs: [["a", "b"]],
    moves: [
      { lane: "b", does: 50, W: -Infinity },
      { lane: "a", does: 100, W: 40 },
      { lane: "b", does: "rests", W: 90 },
      { lane: "a", does: 120, W: 110 },
      { lane: "b", does: 60, W: 110 },
      { lane: "a", does: 200, W: 110 },
      { lane: "b", does: 150, W: 140 },
    ],
  },
  {
    rule: "W stands still while all lanes rest, and goes on with the one that wakes",
    inputs: [["a", "b"]],
    moves: [
      { lane: "a", does: 100, W: -Infinity },
      { lane: "b", does: 50, W: 40 },
      { lane: "a", does: "rests", W: 40 },
      { lane: "b", does: "rests", W: 40 },
      { lane: "a", does: 100, W: 90 },
      { lane: "a", does: 130, W: 120 },
    ],
  },
  {
    rule: "a lane that rests beside ended ones does not end the input: it may go on",
    inputs: [["a", "b"]],
    moves: [
      { lane: "a", does: 100, W: -Infinity },
      { lane: "b", does: 50, W: 40 },
      { lane: "a", does: ended, W: 40 },
      { lane: "b", does: "rests", W: 40 },
      { lane: "b", does: 70, W: 60 },
      { lane: "b", does: "rests", W: 60 },
      { lane: "b", does: ended, W: Infinity },
    ],
  },
  {
    rule: "an ended lane does not rest",
    inputs: [["a", "b"]],
    moves: [
      { lane: "a", does: ended, W: -Infinity },
      { lane: "a", does: "rests", W: -Infinity },
      { lane: "b", does: ended, W: Infinity },
    ],
  },
  {
    rule: "an input of which all lanes rest holds the step back no more",
    inputs: [["a"], ["b", "c"]],
    moves: [
      { lane: "a", input: 0, does: 100, W: -Infinity },
      { lane: "b", input: 1, does: 50, W: -Infinity },
      { lane: "b", input: 1, does: "rests", W: -Infinity },
      { lane: "c", input: 1, does: "rests", W: 90 },
      { lane: "a", input: 0, does: 150, W: 140 },
      { lane: "c", input: 1, does: 70, W: 140 },
      { lane: "a", input: 0, does: 300, W: 140 },
      { lane: "c", input: 1, does: 250, W: 240 },
    ],
  },
  {
    rule: "the end of one input does not end a step while another rests",
    inputs: [["a"], ["b"]],
    moves: [
      { lane: "b", input: 1, does: 50, W: -Infinity },
      { lane: "a", input: 0, does: 100, W: 40 },
      { lane: "b", input: 1, does: "rests", W: 90 },
      { lane: "a", input: 0, does: ended, W: 90 },
      { lane: "b", input: 1, does: ended, W: Infinity },
    ],
  },
];

describe("The clock of a step", () => {
  for (const { rule, inputs, moves } of rules) {
    it(`keeps the rule: ${rule}`, () => follow(clockOf(...inputs), moves));
  }

  it("judges a record by its own lane, but never below what has fired", () => {
    const clock = clockOf(["a", "b"]);
    assert.equal(clock.laneWatermark(0, numberOf("a")), -Infinity);
    apply(clock, { lane: "a", does: 100 });
    assert.equal(clock.laneWatermark(0, numberOf("a")), 90);
    assert.equal(clock.laneWatermark(0, numberOf("b")), -Infinity);
    apply(clock, { lane: "b", does: "rests" });
    assert.equal(clock.laneWatermark(0, numberOf("b")), 90);
  });

  it("judges the records of an input that rested by what has fired since", () => {
    const clock = clockOf(["a"], ["b"]);
    apply(clock, { lane: "b", input: 1, does: 50 });
    apply(clock, { lane: "a", input: 0, does: 100 });
    assert.equal(clock.laneWatermark(1, numberOf("b")), 40);
    apply(clock, { lane: "b", input: 1, does: "rests" });
    assert.equal(clock.watermark, 90);
    assert.equal(clock.laneWatermark(1, numberOf("b")), 90);
  });

  it("judges the records of a lane that wakes by what its input has seen meanwhile", () => {
    const clock = clockOf(["a", "b"], ["c"]);
    apply(clock, { lane: "b", does: "rests" });
    apply(clock, { lane: "a", does: 100 });
    apply(clock, { lane: "c", input: 1, does: 30 });
    apply(clock, { lane: "b", does: 50 });
    assert.equal(clock.watermark, 20);
    assert.equal(clock.laneWatermark(0, numberOf("b")), 90);
  });

  it("stands after a restart where it stood", () => {
    const before = clockOf(["a", "b"], ["results"]);
    apply(before, { lane: "a", does: ended });
    apply(before, { lane: "b", does: 80 });
    apply(before, { lane: "results", input: 1, does: { promises: 60 } });
    const after = clockOf(["a", "b"], ["results"]);
    after.restore(JSON.parse(JSON.stringify(before.snapshot())));
    assert.deepEqual(after.snapshot(), before.snapshot());
    assert.equal(after.watermark, 60);
    assert.equal(after.laneWatermark(0, numberOf("a")), Infinity);
    assert.equal(after.laneWatermark(0, numberOf("b")), 70);
  });

  it("goes on after a restart without the lane that held it back", () => {
    const before = clockOf(["a", "b"]);
    apply(before, { lane: "b", does: 50 });
    apply(before, { lane: "a", does: 100 });
    const after = clockOf(["a"]);
    after.restore(before.snapshot());
    follow(after, [
      { lane: "a", does: 90, W: 40 },
      { lane: "a", does: 105, W: 95 },
    ]);
  });

  it("does not let a lane that is new after a restart reopen what has fired", () => {
    const before = clockOf(["a"]);
    apply(before, { lane: "a", does: 100 });
    const after = clockOf(["a", "b"], ["c"]);
    after.restore(before.snapshot());
    assert.equal(after.laneWatermark(0, numberOf("b")), 90);
    assert.equal(after.laneWatermark(1, numberOf("c")), 90);
  });

  it("has, without rests, the minimum over inputs and lanes at every moment", () => {
    const inputs = [["a", "b"], ["b", "c"], ["results"]] as const;
    const places = inputs.flatMap((names, input) => names.map((lane) => ({ input, lane })));
    const move = fc.record({
      place: fc.nat({ max: places.length - 1 }),
      timeMs: fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.constant(Infinity)),
    });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const clock = clockOf(...inputs);
        const largest = places.map(() => -Infinity);
        for (const { place, timeMs } of moves) {
          const { input, lane } = places[place]!;
          const isPromise = lane === "results" || timeMs === Infinity;
          apply(clock, { lane, input, does: isPromise ? { promises: timeMs } : timeMs });
          const own = isPromise ? timeMs : timeMs - maxOutOfOrdernessMs;
          largest[place] = Math.max(largest[place]!, own);
          assert.equal(clock.watermark, Math.min(...largest));
        }
      }),
      { seed: 20250113, numRuns: 300 },
    );
  });
});
