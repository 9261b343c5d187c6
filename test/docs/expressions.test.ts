import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseDecimal } from "../../engine/core/decimal.ts";
import { serializeValue } from "../../engine/core/json-text.ts";
import type { Value, ValueObject } from "../../engine/core/value.ts";
import { formattingFunctions } from "../../engine/expression/builtins/borrowed.ts";
import { collectionFunctions } from "../../engine/expression/builtins/collections.ts";
import { higherOrderFunctions } from "../../engine/expression/builtins/higher-order.ts";
import {
  generatorFunctions,
  jobFunctions,
} from "../../engine/expression/builtins/job-functions.ts";
import { matchingFunctions } from "../../engine/expression/builtins/matching.ts";
import { numberFunctions } from "../../engine/expression/builtins/numbers.ts";
import { stringFunctions } from "../../engine/expression/builtins/strings.ts";
import { timeFunctions } from "../../engine/expression/builtins/times.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import type { CompileContext, EvaluationContext } from "../../engine/expression/expression.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { projectRoot } from "../crash/pipeline-process.ts";
import { deepFrozen, emptyContext, emptyEvaluation } from "../expression/context.ts";

const text = readFileSync(join(projectRoot, "docs/expressions.md"), "utf8");

const decimal = (value: unknown): Value => parseDecimal(String(value)) as Value;
const context: CompileContext = {
  ...emptyContext,
  tables: new Map([
    [
      "rates",
      {
        name: "rates",
        rows: new Map([
          ["us", { region: "us", rate: decimal("0.08") }],
          ["eu", { region: "eu", rate: decimal("0.19") }],
        ]),
      },
    ],
  ]),
  parameters: new Map([["topic", "orders"]]),
};
const evaluation: EvaluationContext = {
  ...emptyEvaluation,
  eventTimeMs: Date.UTC(2025, 0, 13, 15),
  processingTimeMs: Date.UTC(2025, 0, 13, 15, 0, 2, 123),
};

/** The record of the document, with decimals where the text says so. */
function documentedRecord(): ValueObject {
  const json = JSON.parse(/```json\n(.*?)```/s.exec(text)?.[1] ?? "") as Record<string, Value>;
  const lines = json["lines"] as readonly Record<string, Value>[];
  return deepFrozen({
    ...json,
    amount: decimal(json["amount"]),
    lines: lines.map((line) => ({ ...line, net: decimal(line["net"]) })),
  });
}

const record = documentedRecord();

function outcome(source: string): string {
  try {
    const value = compileExpression(source, context).evaluate(record, evaluation);
    return value === undefined
      ? "absent"
      : JSON.stringify(JSON.parse(serializeValue(value)) as unknown);
  } catch (error) {
    if (error instanceof ExpressionError) return `error ${error.reason}`;
    throw error;
  }
}

const examples = [...text.matchAll(/```jsonata\n(.*?)```/gs)].flatMap(([, block]) =>
  (block ?? "").trimEnd().split("\n"),
);

test("every example gives what the document says", () => {
  assert.ok(examples.length > 200);
  for (const example of examples) {
    const at = example.lastIndexOf(" => ");
    assert.ok(at > 0, example);
    const wanted = example.slice(at + 4).trim();
    const normal = /^(?:absent|error )/.test(wanted)
      ? wanted
      : JSON.stringify(JSON.parse(wanted) as unknown);
    assert.equal(outcome(example.slice(0, at).trim()), normal, example);
  }
});

test("every function is documented with an example", () => {
  const functions = [
    ...jobFunctions(context),
    ...stringFunctions,
    ...matchingFunctions,
    ...numberFunctions,
    ...collectionFunctions,
    ...higherOrderFunctions,
    ...timeFunctions,
    ...formattingFunctions,
  ].map(({ name }) => name);
  const shown = (name: string): boolean =>
    examples.some((example) => example.includes(`${name}(`) || example.includes(`${name})`));
  assert.deepEqual(
    functions.filter((name) => !shown(name)),
    [],
  );
  for (const { name } of generatorFunctions) assert.ok(text.includes(`\`${name}(`), name);
});

/** Functions that jsonata binds, read from its source. */
function functionsOfJsonata(): readonly string[] {
  const source = readFileSync(join(projectRoot, "node_modules/jsonata/jsonata.js"), "utf8");
  return [...source.matchAll(/(?:staticFrame|environment)\.bind\('(\w+)'/g)].map(
    ([, name]) => `$${name ?? ""}`,
  );
}

/** Names that a part of the document lists: in its headings, or in lines of nothing but names. */
function listed(from: string, to: string): readonly string[] {
  const part = text.slice(text.indexOf(from), text.indexOf(to));
  const lines = part
    .split("\n")
    .filter((line) => /^### .*`\$/.test(line) || /^(?:`\$\w+` ?)+$/.test(line));
  return lines.flatMap((line) => [...line.matchAll(/`(\$\w+)`/g)].map(([, name]) => name ?? ""));
}

test("the document lists jsonata's functions and ours, no more and no fewer", () => {
  const refused = ["$eval", "$random", "$shuffle"];
  const theirs = functionsOfJsonata();
  assert.ok(theirs.length > 60);
  assert.deepEqual(
    listed("## JSONata's functions", "## Limits").toSorted(),
    theirs.filter((name) => !refused.includes(name)).toSorted(),
  );
  for (const name of refused) {
    assert.ok(text.includes(`\`${name}\``));
    assert.equal(outcome(`${name}('1')`), "error UNSUPPORTED");
  }
  const ours = [
    "$round",
    ...[...jobFunctions(context), ...timeFunctions].map(({ name }) => name),
  ].filter((name) => name === "$round" || !theirs.includes(name));
  assert.deepEqual(
    listed("## Functions beside JSONata's", "## Decimals").toSorted(),
    [...new Set(ours)].toSorted(),
  );
});

test("every named deviation of the differential test is explained", () => {
  const source = readFileSync(join(projectRoot, "test/expression/differential.ts"), "utf8");
  const union = /type Deviation =(.*?);\n/s.exec(source)?.[1] ?? "";
  const names = [...union.matchAll(/\| "([a-z-]+)"/g)].map(([, name]) => name ?? "");
  assert.ok(names.length > 8);
  for (const name of names) assert.ok(text.includes(`\`${name}\``), name);
});
