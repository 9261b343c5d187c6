import assert from "node:assert/strict";
import { test } from "node:test";
import { attacks, endOf, hostileRecord } from "./attacks.ts";
import { deepFrozen } from "./context.ts";

/** Every own member, by its place, of what all code shares: globals, their members and prototypes. */
function sharedMembers(): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (place: string, owner: object, depth: number): void => {
    for (const name of Reflect.ownKeys(owner)) {
      const member = Object.getOwnPropertyDescriptor(owner, name);
      const value: unknown = member?.value;
      const path = `${place}.${String(name)}`;
      found.set(path, value);
      const isShared = typeof value === "function" || name === "prototype" || depth === 2;
      if (isShared && typeof value === "object" && value !== null) visit(path, value, depth - 1);
      else if (typeof value === "function" && depth > 0) visit(path, value, depth - 1);
    }
  };
  visit("globalThis", globalThis, 2);
  return found;
}

test("every attack ends as it must, and leaves nothing behind", (context) => {
  deepFrozen({ ...hostileRecord, deep: undefined });
  // The first look makes members that Node loads when they are asked for.
  sharedMembers();
  const before = sharedMembers();
  for (const { source, ends } of attacks) {
    assert.equal(endOf(source), ends, source.slice(0, 200));
  }
  const after = sharedMembers();
  assert.ok(before.has("globalThis.Object.prototype.toString") && before.size > 1000);
  assert.deepEqual([...after.keys()], [...before.keys()]);
  for (const [place, value] of after) assert.ok(Object.is(value, before.get(place)), place);
  context.diagnostic(`${attacks.length} attacks, ${before.size} shared members unchanged`);
});

test("the same attack ends the same way each time", () => {
  for (const { source, ends } of attacks.filter((each) => each.ends === "FUEL").slice(0, 6)) {
    assert.equal(endOf(source), ends);
    assert.equal(endOf(source), ends);
  }
});
