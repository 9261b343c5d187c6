import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EngineError } from "../../engine/core/errors.ts";
import type { JsonObject, JsonValue } from "../../engine/core/json.ts";
import type { RawBatch } from "../../engine/core/record.ts";
import type { Value } from "../../engine/core/value.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import type { CompiledExpression, EvaluationContext } from "../../engine/expression/expression.ts";
import type {
  ConnectorContext,
  ConnectorResolveContext,
} from "../../engine/connectors/connector.ts";
import { generateSource } from "../../engine/connectors/generate/generate-source.ts";
import { SleepingClock, connectorContext } from "./connector-context.ts";
import { sourceConformance } from "./source-conformance.ts";

const never = new AbortController().signal;

/** Stand-ins for expressions: the source cares for order, absence and errors, not for the language. */
const functions: Readonly<
  Record<string, (made: JsonObject, context: EvaluationContext) => Value | undefined>
> = {
  index: (_made, context) => context.index,
  random: (_made, context) => context.random(),
  double: (made) => Number(made["a"]) * 2,
  odd: (made) => (Number(made["id"]) % 2 === 1 ? true : undefined),
  long: () => "x".repeat(300),
  fails() {
    throw new ExpressionError("EXPRESSION_ERROR", "T2001", "the left side is no number", 0);
  },
};

function compile({ expression }: { expression: string }): CompiledExpression {
  return {
    source: expression,
    reads: undefined,
    gives: { type: "any", optional: true },
    deterministic: true,
    field: undefined,
    evaluate: (made, context) => functions[expression]!(made as JsonObject, context),
  };
}

const resolveContext: ConnectorResolveContext = {
  expression: (path, scope) => ({
    expression: String(path.at(-1) === "fails" ? "fails" : expressions[String(path[1])]),
    scope: scope ?? "record",
  }),
  durationMs: () => undefined,
  path: () => undefined,
  report: () => assert.fail("nothing to report"),
  kafka: {},
};
const expressions: Readonly<Record<string, string>> = {
  id: "index",
  a: "random",
  b: "double",
  c: "odd",
  long: "long",
  fails: "fails",
};

function source(raw: JsonObject, changes: Partial<ConnectorContext> = {}) {
  const config = generateSource.resolve(
    { set: { id: "", a: "", b: "", c: "" }, ...raw },
    resolveContext,
  );
  return generateSource.create(config!, connectorContext("/nowhere", { compile, ...changes }));
}

async function texts(raw: JsonObject, position?: JsonValue): Promise<string[]> {
  const subject = source(raw);
  await subject.open(position === undefined ? await subject.resolveStart() : [position], {
    untilEnd: false,
  });
  const found: string[] = [];
  for (;;) {
    const batch = await subject.poll(100, never);
    if (batch === undefined) return found;
    found.push(...rowsOf(batch));
  }
}

function rowsOf(batch: RawBatch): string[] {
  return batch.offsets.map((_, row) =>
    batch.bytes.toString("utf8", batch.starts[row], batch.ends[row]),
  );
}

const mixed: JsonObject = {
  count: 2000,
  seed: 7,
  malformed: { odds: 0.05 },
  repeats: { odds: 0.1, within: 50 },
};
const mixedTexts = await texts(mixed);

sourceConformance("a generate source", async () => ({
  create: () => source(mixed),
  expected: [mixedTexts.map((value) => ({ value }))],
}));

sourceConformance("a generate source of no records", async () => ({
  create: () => source({ count: 0 }),
  expected: [[]],
}));

describe("a generated record", () => {
  it("has its fields in order, later ones made from earlier ones, absent ones left out", async () => {
    const made = (await texts({ count: 4 })).map((text) => JSON.parse(text) as JsonObject);
    for (const [index, record] of made.entries()) {
      assert.deepEqual(
        Object.keys(record),
        index % 2 === 1 ? ["id", "a", "b", "c"] : ["id", "a", "b"],
      );
      assert.equal(record["id"], index);
      assert.equal(record["b"], Number(record["a"]) * 2);
    }
  });

  it("depends on the seed", async () => {
    assert.deepEqual(await texts({ count: 50, seed: 3 }), await texts({ count: 50, seed: 3 }));
    assert.notDeepEqual(await texts({ count: 50, seed: 3 }), await texts({ count: 50, seed: 4 }));
    // Beyond 32 bits too.
    assert.notDeepEqual(
      await texts({ count: 5, seed: 3 }),
      await texts({ count: 5, seed: 3 + 2 ** 32 }),
    );
  });

  it("draws numbers that are spread evenly and do not follow from their neighbours", async () => {
    const drawn = (await texts({ count: 20_000, set: { id: "", a: "" } })).map((text) =>
      Number((JSON.parse(text) as JsonObject)["a"]),
    );
    const tenths = Array.from({ length: 10 }, () => 0);
    let products = 0;
    for (const [index, number] of drawn.entries()) {
      assert.ok(number >= 0 && number < 1);
      tenths[Math.floor(number * 10)]! += 1;
      products += (number - 0.5) * ((drawn[index + 1] ?? 0.5) - 0.5);
    }
    for (const count of tenths) assert.ok(Math.abs(count - 2000) < 200, String(tenths));
    // The covariance of neighbours, against a variance of 1/12.
    assert.ok(Math.abs(products / drawn.length) < 0.002, String(products / drawn.length));
  });

  it("is malformed with the given odds: a proper start of the text it would have", async () => {
    const whole = await texts({ count: 4000 });
    const cut = await texts({ count: 4000, malformed: { odds: 0.1 } });
    let malformed = 0;
    for (const [index, text] of cut.entries()) {
      if (text === whole[index]) continue;
      malformed += 1;
      assert.ok(text.length > 0 && whole[index]!.startsWith(text));
      assert.throws(() => JSON.parse(text));
    }
    assert.ok(malformed > 320 && malformed < 480, String(malformed));
  });

  it("repeats one of the last records with the given odds, byte for byte", async () => {
    const found = await texts({ count: 4000, repeats: { odds: 0.1, within: 20 } });
    let repeats = 0;
    for (const [index, text] of found.entries()) {
      if ((JSON.parse(text) as JsonObject)["id"] === index) continue;
      repeats += 1;
      assert.ok(found.slice(Math.max(0, index - 20), index).includes(text));
    }
    assert.ok(repeats > 320 && repeats < 480, String(repeats));
    assert.equal((JSON.parse(found[0]!) as JsonObject)["id"], 0);
  });

  it("beyond the cap shows its head", async () => {
    const subject = source({ count: 1, set: { long: "" } }, { maxRecordBytes: 200 });
    await subject.open(await subject.resolveStart(), { untilEnd: false });
    const batch = await subject.poll(10, never);
    assert.equal(batch!.oversized?.get(0)?.length, 300 + '{"long":""}'.length);
  });

  it("stops the run, naming field and record, when an expression fails", async () => {
    await assert.rejects(texts({ count: 1, set: { id: "", fails: "" } }), (error) => {
      assert.ok(error instanceof EngineError);
      assert.equal(error.code, "SPEC_INVALID");
      assert.match(error.message, /record 0.*field fails.*no number/);
      return true;
    });
  });
});

describe("a generate source", () => {
  it("keeps its pace by the clock", async () => {
    const clock = new SleepingClock();
    const subject = source({ count: 100, rate: 50 }, { clock });
    clock.set(1000);
    await subject.open(await subject.resolveStart(), { untilEnd: false });
    let records = 0;
    for (;;) {
      const batch = await subject.poll(1000, never);
      records += batch?.offsets.length ?? 0;
      assert.ok(records <= ((clock.nowMs() - 1000) * 50) / 1000, `${records} at ${clock.nowMs()}`);
      if (batch?.ended === true) break;
    }
    assert.equal(records, 100);
    assert.equal(clock.nowMs(), 3000);
  });

  it("keeps its pace when the clock is set back", async () => {
    const clock = new SleepingClock();
    clock.set(1_000_000);
    const subject = source({ count: 100, rate: 10 }, { clock });
    await subject.open(await subject.resolveStart(), { untilEnd: false });
    clock.set(0);
    let records = 0;
    for (let polls = 0; records < 10; polls += 1) {
      assert.ok(polls < 100, "it waits for the clock to catch up");
      records += (await subject.poll(1, never))?.offsets.length ?? 0;
    }
    assert.ok(clock.nowMs() <= 2000);
  });

  const changes: readonly (readonly [string, JsonObject])[] = [
    ["its seed", { seed: 8 }],
    ["its repeats", { repeats: { odds: 0.2 } }],
    ["its malformed", { malformed: { odds: 0.2 } }],
    ["its fields", { set: { id: "" } }],
    ["a count below what was made", { count: 5 }],
  ];
  for (const [name, change] of changes) {
    it(`refuses to go on with another input: ${name}`, async () => {
      const first = source(mixed);
      await first.open(await first.resolveStart(), { untilEnd: false });
      const batch = await first.poll(10, never);
      const second = source({ ...mixed, ...change });
      await assert.rejects(second.open([batch!.resumeAt], { untilEnd: false }), {
        code: "INPUT_CHANGED",
      });
    });
  }

  it("refuses to make more once it has ended", async () => {
    const first = source({ count: 10 });
    await first.open(await first.resolveStart(), { untilEnd: false });
    const batch = await first.poll(10, never);
    assert.equal(batch!.ended, true);
    await assert.rejects(source({ count: 11 }).open([batch!.resumeAt], { untilEnd: false }), {
      code: "INPUT_CHANGED",
    });
    const again = source({ count: 10 });
    await again.open([batch!.resumeAt], { untilEnd: false });
    assert.deepEqual((await again.poll(10, never))?.offsets, []);
  });

  it("refuses a position of another kind of system", async () => {
    for (const position of [null, { offset: 1, crc: 2, ended: false }, "x"]) {
      await assert.rejects(source(mixed).open([position], { untilEnd: false }), {
        code: "STATE_FOREIGN",
      });
    }
  });
});
