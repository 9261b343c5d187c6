import assert from "node:assert/strict";
import { test } from "node:test";
import { compileExpression } from "../../engine/expression/compile.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import { attacks, hostileRecord } from "./attacks.ts";
import { deepFrozen, emptyContext, emptyEvaluation } from "./context.ts";

function endOf(source: string): string {
  try {
    compileExpression(source, emptyContext).evaluate(hostileRecord, emptyEvaluation);
    return "value";
  } catch (error) {
    if (error instanceof ExpressionError) return error.reason;
    throw error;
  }
}

/** Every own member of the objects that all code shares. */
function sharedMembers(): readonly string[] {
  const shared = { Object, Array, String, Number, Function, RegExp, Map, Set, Date, JSON, Math };
  return [
    ...Object.getOwnPropertyNames(globalThis),
    ...Object.entries(shared).flatMap(([name, value]) =>
      [value, (value as { prototype?: object }).prototype ?? {}].flatMap((each) =>
        Object.getOwnPropertyNames(each).map((member) => `${name}.${member}`),
      ),
    ),
  ];
}

test("every attack ends as it must, in time and space, and leaves nothing behind", (context) => {
  deepFrozen({ ...hostileRecord, deep: undefined });
  const before = sharedMembers();
  let slowestMs = 0;
  let mostMb = 0;
  for (const { source, ends } of attacks) {
    const memory = process.memoryUsage().rss;
    const start = process.cpuUsage();
    assert.equal(endOf(source), ends, source.slice(0, 200));
    const { user, system } = process.cpuUsage(start);
    const cpuMs = (user + system) / 1000;
    const grownMb = (process.memoryUsage().rss - memory) / 1e6;
    assert.ok(cpuMs < 1000, `${source.slice(0, 200)} took ${cpuMs} ms`);
    assert.ok(grownMb < 100, `${source.slice(0, 200)} grew memory by ${grownMb} MB`);
    slowestMs = Math.max(slowestMs, cpuMs);
    mostMb = Math.max(mostMb, grownMb);
  }
  assert.deepEqual(sharedMembers(), before);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  context.diagnostic(
    `${attacks.length} attacks, the slowest took ${slowestMs.toFixed(0)} ms, the largest ${mostMb.toFixed(0)} MB`,
  );
});

test("the same attack ends the same way each time", () => {
  for (const { source, ends } of attacks.filter((each) => each.ends === "FUEL").slice(0, 6)) {
    assert.equal(endOf(source), ends);
    assert.equal(endOf(source), ends);
  }
});
