import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "../../engine/core/nearest.ts";

const fields = ["id", "ttl", "key", "input", "window", "allowed_lateness", "emit", "order_id"];

void test("a slip of the pen finds the name that was meant", () => {
  const rows: readonly [string, string | undefined][] = [
    ["alowed_lateness", "allowed_lateness"],
    ["allowed_latenes", "allowed_lateness"],
    ["lalowed_lateness", "allowed_lateness"],
    ["Window", "window"],
    ["widnow", "window"],
    ["ID", "id"],
    ["tll", "ttl"],
    ["orderId", "order_id"],
    ["xx", undefined],
    ["grace", undefined],
    ["something_else_entirely", undefined],
    ["", undefined],
    ["a".repeat(100_000), undefined],
  ];
  for (const [name, nearest] of rows) {
    assert.equal(nearestName(name, fields), nearest, name.slice(0, 40));
  }
});

void test("every name with one letter changed, lost, doubled or swapped is found again", () => {
  for (const field of fields.filter((name) => name.length > 3)) {
    for (let index = 0; index < field.length; index += 1) {
      const head = field.slice(0, index);
      const letter = field.charAt(index);
      const tail = field.slice(index + 1);
      const slips = [
        `${head}#${tail}`,
        head + tail,
        head + letter + letter + tail,
        head + tail.slice(0, 1) + letter + tail.slice(1),
      ];
      for (const slip of slips.filter((name) => name !== field)) {
        assert.equal(nearestName(slip, fields), field, slip);
      }
    }
  }
});

void test("of equally near names the first is meant, and a name is never its own correction", () => {
  assert.equal(nearestName("bat", ["cat", "hat"]), "cat");
  assert.equal(nearestName("cat", ["cat", "hat"]), "hat");
  assert.equal(nearestName("cat", []), undefined);
});
