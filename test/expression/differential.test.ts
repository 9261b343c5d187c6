import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { formattingFunctions } from "../../engine/expression/builtins/borrowed.ts";
import { collectionFunctions } from "../../engine/expression/builtins/collections.ts";
import { higherOrderFunctions } from "../../engine/expression/builtins/higher-order.ts";
import { matchingFunctions } from "../../engine/expression/builtins/matching.ts";
import { numberFunctions } from "../../engine/expression/builtins/numbers.ts";
import { stringFunctions } from "../../engine/expression/builtins/strings.ts";
import { compareOn, compileBoth, fuzz } from "./differential.ts";

/** Another seed for a while: `FUZZ_SEED=7 node test/run.mjs differential`. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);

/** What the pairs must use, and end in a value with. */
const language: readonly string[] = [
  ..."+ - * / % & = != < <= > >= in and or .. [ { ?: ?? ~>"
    .split(" ")
    .map((each) => `operator ${each}`),
  ..."path name wildcard descendant parent variable string number value".split(" "),
  ..."filter sort condition block bind lambda function partial regex transform".split(" "),
  ...["@", "#", "[]", "group-by", "signature", "tail call", "closure"],
  ...["$round", "$toMillis", "$fromMillis", "$now", "$millis"],
  ...[
    ...stringFunctions,
    ...matchingFunctions,
    ...numberFunctions,
    ...collectionFunctions,
    ...higherOrderFunctions,
    ...formattingFunctions,
  ].map(({ name }) => name),
];

test("50,000 random pairs of expression and document give what jsonata gives", async (context) => {
  const { counts, differences, coverage } = await fuzz(seed, 50_000);
  context.diagnostic(`seed ${seed}: ${JSON.stringify(Object.fromEntries(counts))}`);
  assert.deepEqual(
    differences.map((each) => each.detail),
    [],
  );
  // What cannot be compared must stay rare, or the test would say little.
  const count = (name: string): number => counts.get(name) ?? 0;
  assert.ok(count("value") > 20_000 && count("absent") > 10_000 && count("error") > 5_000);
  const values = language.map((name) => [name, coverage.get(name)?.get("value") ?? 0] as const);
  assert.deepEqual(
    values.filter(([, found]) => found < 5),
    [],
  );
  const rarest = values.toSorted((a, b) => a[1] - b[1]).slice(0, 5);
  context.diagnostic(`${language.length} constructs, the rarest ${rarest.join("; ")}`);
});

const folder = new URL("regressions/", import.meta.url);

test("what once differed agrees", async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  assert.ok(files.length > 0);
  for (const file of files) {
    const { source, document } = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as {
      source: string;
      document: object;
    };
    const { kind, detail } = await compareOn(compileBoth(source), document);
    assert.notEqual(kind, "difference", `${file}: ${detail ?? ""}`);
  }
});
