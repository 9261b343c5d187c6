import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { MemoryDisk } from "../../engine/testing/memory-disk.ts";
import { MemoryFiles } from "../../engine/testing/memory-files.ts";
import { MemoryProcess } from "../../engine/testing/memory-process.ts";
import { fileContract } from "./file-contract.ts";

fileContract("the machine's files", async (t) => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "file-contract-")));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return { files: nodeFiles, directory };
});

fileContract("files in memory", async () => {
  const files = new MemoryFiles(new MemoryProcess(new MemoryDisk()));
  await files.makeDirectory("/disk");
  return { files, directory: "/disk" };
});

test("the machine's files: a directory that cannot be made tells why, not that it is missing", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "files-"));
  t.after(() => rmSync(directory, { recursive: true }));
  symlinkSync("nowhere", join(directory, "link"));
  await assert.rejects(nodeFiles.makeDirectory(join(directory, "link")), { code: "EEXIST" });
});
