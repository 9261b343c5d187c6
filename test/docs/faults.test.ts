import assert from "node:assert/strict";
import { test } from "node:test";
import { faultRows, testsByRow } from "./fault-rows.ts";

test("every row of docs/faults.md has a test that carries its id", () => {
  const rows = faultRows();
  const tests = testsByRow();
  assert.ok(rows.length > 40);
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length, "an id stands once");
  assert.deepEqual(
    rows.filter(({ id }) => !tests.has(id)),
    [],
  );
});
