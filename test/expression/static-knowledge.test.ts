import assert from "node:assert/strict";
import { test } from "node:test";
import { compileExpression } from "../../engine/expression/compile.ts";
import type { ExpressionScope, ValueFacts } from "../../engine/expression/expression.ts";
import { fieldFacts } from "../../engine/expression/field-facts.ts";
import { decimal, emptyContext, errorOf, evaluate } from "./context.ts";

const schema = {
  $defs: { money: { type: ["string", "number"], format: "decimal" } },
  type: "object",
  required: ["id", "amount", "count", "paid", "status"],
  properties: {
    id: { type: "string", minLength: 1 },
    amount: { $ref: "#/$defs/money" },
    fee: { $ref: "#/$defs/money" },
    count: { type: "integer" },
    paid: { type: "boolean" },
    status: { enum: ["new", "done"] },
    lines: { type: "array" },
    address: { type: "object" },
    anything: {},
  },
};
const fields = fieldFacts(schema);
const context = {
  ...emptyContext,
  fields,
  tables: new Map([
    ["rates", { name: "rates", rows: new Map([["us", { rate: decimal("0.08"), label: "US" }]]) }],
  ]),
};

function facts(source: string, scope: ExpressionScope = "record"): string {
  const { gives, deterministic } = compileExpression(source, { ...context, scope });
  return `${gives.type}${gives.optional ? "?" : ""}${deterministic ? "" : " volatile"}`;
}

test("a schema tells the types of fields and which are always there", () => {
  assert.deepEqual(
    Object.fromEntries([...fields].map(([name, { type, optional }]) => [name, [type, optional]])),
    {
      id: ["text", false],
      amount: ["decimal", false],
      fee: ["decimal", true],
      count: ["number", false],
      paid: ["boolean", false],
      status: ["text", false],
      lines: ["array", true],
      address: ["object", true],
      anything: ["any", true],
    },
  );
  const looped = { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/a" } } };
  assert.equal(fieldFacts(looped).size, 0);
});

/** Type, `?` if it may be absent, and whether a replay may find something else. */
const rows: readonly (readonly [source: string, facts: string])[] = [
  ["id", "text"],
  ["$.id", "text"],
  ["$$.id", "text"],
  ["fee", "decimal?"],
  ["anything", "any?"],
  ["unlisted", "any?"],
  ["address.city", "any?"],
  ["id & '-' & count", "text"],
  ["count + 1", "number"],
  ["amount * 2", "decimal"],
  ["amount + fee", "decimal?"],
  ["$round(amount * 0.08, 2)", "decimal"],
  ["amount * $row('rates', id).rate", "decimal?"],
  ["$row('rates', id)", "object?"],
  ["$row('rates', id).label", "any?"],
  ["amount > 5", "boolean?"],
  ["count = 5 and paid", "boolean"],
  ["$uppercase(id)", "text"],
  ["$split(id, '-')[1]", "text?"],
  ["paid ? 'a' : 'b'", "text"],
  ["paid ? 'a' : 1", "any"],
  ["paid ? amount : fee", "decimal?"],
  ["{'a': id}", "object"],
  ["[id, status]", "array"],
  ["$exists(fee)", "boolean"],
  ["function($x){ $x }", "function"],
  ["($v := amount; $v)", "decimal"],
  ["$sum(lines.n)", "any?"],
  ["$is_currency(id)", "boolean"],
  ["$millis_between(id, id)", "number"],
  ["$event_time()", "text?"],
  ["$processing_time()", "text volatile"],
  ["$now()", "text? volatile"],
  ["id & $now('[Y]')", "text volatile"],
  ["$map([1], $millis)", "any? volatile"],
  ["$toMillis(id)", "number?"],
  ["$toMillis('13:45', '[H]:[m]')", "number? volatile"],
];

test("the compiler says what an expression gives", () => {
  for (const [source, expected] of rows) assert.equal(facts(source), expected, source);
  assert.equal(facts("$uniform(1, 2)", "generate"), "number? volatile");
  assert.equal(facts("$index()", "generate"), "number");
});

test("reads lists the fields of the record, or says that it cannot", () => {
  const reads = (source: string): string =>
    [...(compileExpression(source, context).reads ?? ["?"])].toSorted().join(" ");
  for (const [source, expected] of [
    ["id & $.status & $$.count", "count id status"],
    ["lines.(n + $$.count)", "count lines"],
    ["lines[n > 1].m", "lines"],
    ["$map(lines, function($l){ $l.n * count })", "count lines"],
    ["lines@$l.id", "id lines"],
    ["lines#$i.(id & $i)", "lines"],
    ["lines^(n).m", "lines"],
    ["lines{id: n}", "lines"],
    ["address ~> |$|{'x': id}|", "address"],
    ["lines.%.id", "?"],
    ["$", "?"],
    ["**.n", "?"],
    ["$keys($)", "?"],
  ] as const) {
    assert.equal(reads(source), expected, source);
  }
});

test("with types known, faults of every record are found when the text is compiled", () => {
  for (const [source, reason, offset] of [
    ["amount / 2", "DECIMAL_DIVISION", 7],
    ["1 + fee / count", "DECIMAL_DIVISION", 8],
    ["amount = id", "T2009", 7],
    ["amount > status", "T2009", 7],
    ["amount in ['1']", "T2009", 7],
    ["$average(amount)", "DECIMAL_DIVISION", 0],
    ["id * 2", "T2001", 0],
    ["2 * (id & 'x')", "T2002", 4],
    ["paid + 1", "T2001", 0],
  ] as const) {
    const error = errorOf(() => compileExpression(source, context));
    assert.deepEqual([error.reason, error.offset], [reason, offset], source);
  }
});

test("known types change no result", () => {
  const record = {
    id: "a-b",
    amount: decimal("12.50"),
    count: 3,
    paid: true,
    status: "new",
    lines: [{ n: 1 }],
  };
  const known: ReadonlyMap<string, ValueFacts> = fields;
  for (const [source] of rows) {
    const outcome = (given: typeof known | undefined): unknown => {
      try {
        return evaluate(source, record, given === undefined ? {} : { ...context, fields: given });
      } catch (error) {
        return (error as { reason?: string }).reason;
      }
    };
    if (source.includes("$row")) continue;
    assert.deepEqual(outcome(known), outcome(undefined), source);
  }
});
