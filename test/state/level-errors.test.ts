import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ErrorCode } from "../../engine/core/errors.ts";
import { EngineError } from "../../engine/core/errors.ts";
import { stateFileError } from "../../engine/state/file-errors.ts";
import { isLevelLocked, levelError } from "../../engine/state/level-errors.ts";
import type { LevelWork } from "../../engine/state/level-errors.ts";
import { LevelLogStore } from "../../engine/state/level-log-store.ts";
import { temporaryDirectory } from "./state-fixtures.ts";

function level(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

const rows: readonly (readonly [Error, LevelWork, ErrorCode])[] = [
  [level("LEVEL_LOCKED", "IO error: lock /s/log/LOCK: already held"), "open", "STATE_LOCKED"],
  [level("LEVEL_CORRUPTION", "Corruption: bad entry in block"), "read", "STATE_CORRUPT"],
  [level("LEVEL_CORRUPTION", "Corruption: CURRENT file"), "open", "STATE_CORRUPT"],
  [
    level("LEVEL_IO_ERROR", "IO error: /s/log/000005.ldb: No such file or directory"),
    "read",
    "STATE_CORRUPT",
  ],
  [
    level("LEVEL_IO_ERROR", "IO error: /s/log/000007.log: No space left on device"),
    "write",
    "DISK_FULL",
  ],
  [
    level("LEVEL_IO_ERROR", "IO error: /s/log/MANIFEST-4: No space left on device"),
    "open",
    "DISK_FULL",
  ],
  [level("LEVEL_IO_ERROR", "IO error: /s/log/000007.log: Input/output error"), "write", "STATE_IO"],
  [level("LEVEL_IO_ERROR", "IO error: /s/log/CURRENT: Input/output error"), "open", "STATE_IO"],
  [level("LEVEL_IO_ERROR", "IO error: /s/log/LOCK: Permission denied"), "open", "STATE_IO"],
  [level("LEVEL_IO_ERROR", "IO error: /s/log/000007.log: Too many open files"), "read", "STATE_IO"],
  [level("LEVEL_DATABASE_NOT_OPEN", "Database is not open"), "write", "STATE_IO"],
];

test("Level's errors become ours by their innermost cause, with the path and a hint", () => {
  for (const [error, work, code] of rows) {
    const wrapped = Object.assign(new Error("Database failed to open", { cause: error }), {
      code: "LEVEL_DATABASE_NOT_OPEN",
    });
    for (const given of [error, wrapped]) {
      const made = levelError(given, "/s/log", work);
      assert.equal(made.code, code, error.message);
      assert.match(made.message, /\/s\/log/);
      assert.ok(made.hint !== undefined && made.hint.length > 10);
      assert.equal(isLevelLocked(given), code === "STATE_LOCKED");
    }
  }
  const own = new EngineError("STATE_CORRUPT", "ours");
  assert.equal(levelError(own, "/s/log", "read"), own);
});

test("errors of files become DISK_FULL or STATE_IO; all others pass", () => {
  const failed = (code: string): Error => stateFileError(level(code, code), "/s");
  for (const [code, expected] of [
    ["ENOSPC", "DISK_FULL"],
    ["EDQUOT", "DISK_FULL"],
    ["EIO", "STATE_IO"],
    ["EACCES", "STATE_IO"],
    ["EROFS", "STATE_IO"],
  ] as const) {
    const error = failed(code);
    assert.ok(error instanceof EngineError && error.code === expected && error.exit === 5, code);
  }
  const bug = new TypeError("x is not a function");
  assert.equal(stateFileError(bug, "/s"), bug);
  assert.equal(failed("ERR_INVALID_ARG_TYPE") instanceof EngineError, false);
  assert.ok(stateFileError("text", "/s") instanceof Error);
});

test("a log that is missing is not made unless it is the first run", async (t) => {
  const directory = temporaryDirectory(t);
  await assert.rejects(LevelLogStore.open(join(directory, "log"), { createIfMissing: false }), {
    code: "STATE_CORRUPT",
  });
  const store = await LevelLogStore.open(join(directory, "log"), { createIfMissing: true });
  await store.close();
});

test("a path where no directory can be made is an I/O error", async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "file"), "");
  await assert.rejects(
    LevelLogStore.open(join(directory, "file", "log"), { createIfMissing: true }),
    EngineError,
  );
});

test("writes after the store was closed are refused, not lost", async (t) => {
  const store = await LevelLogStore.open(join(temporaryDirectory(t), "log"), {
    createIfMissing: true,
  });
  await store.close();
  await assert.rejects(store.put(new Uint8Array([1]), new Uint8Array([2])), { code: "STATE_IO" });
  await assert.rejects(store.deleteMany([new Uint8Array([1])]), { code: "STATE_IO" });
});
