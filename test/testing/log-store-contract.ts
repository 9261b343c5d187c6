import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { LogStore, OpenLogStore } from "../../engine/state/log-store.ts";

/** A way to open log stores, and a path where there is none yet. */
export interface LogStoreContractSubject {
  readonly open: OpenLogStore;
  readonly path: string;
}

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

async function textsOf(store: LogStore): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const { key, value } of store.entries()) {
    texts.push(`${Buffer.from(key).toString("latin1")}=${Buffer.from(value).toString("latin1")}`);
  }
  return texts;
}

async function keysOf(store: LogStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const key of store.keysDescending()) keys.push(Buffer.from(key).toString("latin1"));
  return keys;
}

/** What every log store behind the port does alike. */
export function logStoreContract(
  name: string,
  make: (t: TestContext) => Promise<LogStoreContractSubject>,
): void {
  test(`${name}: entries are there in byte order after it was opened again`, async (t) => {
    const { open, path } = await make(t);
    const store = await open(path, { createIfMissing: true });
    for (const key of ["b", "\x00", "ab", "\xff", "a", "\xff\x00"]) {
      await store.put(bytes(key), bytes(`of ${key}`));
    }
    const all = ["\x00", "a", "ab", "b", "\xff", "\xff\x00"];
    await store.close();
    const again = await open(path, { createIfMissing: false });
    assert.deepEqual(
      await textsOf(again),
      all.map((key) => `${key}=of ${key}`),
    );
    assert.deepEqual(await keysOf(again), all.toReversed());
    assert.equal(Buffer.from((await again.get(bytes("ab"))) ?? []).toString(), "of ab");
    assert.equal(await again.get(bytes("none")), undefined);
    await again.deleteMany([bytes("a"), bytes("none"), bytes("\xff")]);
    await again.deleteMany([]);
    await again.compact(bytes("a"), bytes("z"));
    assert.deepEqual(await keysOf(again), ["\xff\x00", "b", "ab", "\x00"]);
    await again.close();
  });

  test(`${name}: what was handed in may be changed afterwards`, async (t) => {
    const { open, path } = await make(t);
    const store = await open(path, { createIfMissing: true });
    const value = bytes("first");
    await store.put(bytes("key"), value);
    value.fill(0);
    assert.deepEqual(await textsOf(store), ["key=first"]);
    await store.close();
  });

  test(`${name}: a log that is missing is not made unless asked, and one in use is locked`, async (t) => {
    const { open, path } = await make(t);
    await assert.rejects(open(path, { createIfMissing: false }), { code: "STATE_CORRUPT" });
    const store = await open(path, { createIfMissing: true });
    await assert.rejects(open(path, { createIfMissing: false }), { code: "STATE_LOCKED" });
    await store.close();
    await (await open(path, { createIfMissing: false })).close();
  });
}
