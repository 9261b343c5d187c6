import assert from "node:assert/strict";
import { test } from "node:test";
import jsonata from "jsonata";
import type { ValueObject } from "../../engine/core/value.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import { deepFrozen, emptyContext, emptyEvaluation } from "./context.ts";
import { ExpressionMaker, randomDocument, randomFrom } from "./random-expressions.ts";

type Answer = { readonly value: string } | { readonly reason: string };

async function oracle(source: string, document: object): Promise<Answer | undefined> {
  const input = structuredClone(document);
  try {
    const result: unknown = await jsonata(source).evaluate(input);
    // jsonata changes some inputs, and gives NaN or absent members as results: nothing to agree with.
    if (JSON.stringify(input) !== JSON.stringify(document) || !isJson(result)) return undefined;
    return { value: JSON.stringify(result) ?? "absent" };
  } catch (error) {
    const { code } = error as { code?: string };
    return code === undefined ? undefined : { reason: code };
  }
}

function isJson(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every((entry) => entry !== undefined && isJson(entry));
}

function ours(source: string, document: object): Answer {
  try {
    const compiled = compileExpression(source, emptyContext);
    const result = compiled.evaluate(deepFrozen(document) as ValueObject, emptyEvaluation);
    return { value: JSON.stringify(result) ?? "absent" };
  } catch (error) {
    if (error instanceof ExpressionError) return { reason: error.reason };
    throw error;
  }
}

test("random expressions on random frozen documents give what jsonata gives", async (context) => {
  const counts = { values: 0, errors: 0, skipped: 0 };
  for (const seed of [1, 2, 3]) {
    const random = randomFrom(seed);
    for (let round = 0; round < 1500; round++) {
      const source = new ExpressionMaker(random).make();
      const document = randomDocument(random);
      const expected = await oracle(source, document);
      if (expected === undefined) {
        counts.skipped++;
        continue;
      }
      const actual = ours(source, document);
      if ("reason" in expected) {
        // Of several errors in one constructor jsonata reports any; ours is the first.
        counts.errors++;
        assert.ok("reason" in actual, `${source} on ${JSON.stringify(document)}`);
      } else {
        counts.values++;
        assert.deepEqual(actual, expected, `${source} on ${JSON.stringify(document)}`);
      }
    }
  }
  context.diagnostic(JSON.stringify(counts));
  assert.ok(counts.values > 3000 && counts.skipped < 200);
});
