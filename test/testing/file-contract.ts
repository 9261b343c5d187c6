import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { File, FileSystem } from "../../engine/core/file-system.ts";

/** A file system and an empty directory on it. */
export interface FileContractSubject {
  readonly files: FileSystem;
  readonly directory: string;
}

async function contentOf(file: File): Promise<string> {
  const bytes = Buffer.alloc(await file.size());
  assert.equal(await file.read(bytes, 0), bytes.length);
  return bytes.toString("latin1");
}

async function textOf(files: FileSystem, path: string): Promise<string | undefined> {
  return (await files.readFile(path))?.toString("latin1");
}

async function put(files: FileSystem, path: string, text: string): Promise<void> {
  const file = await files.open(path, "readwrite");
  await file.truncate(0);
  await file.write(Buffer.from(text), 0);
  await file.close();
}

/** What every file system behind the port does alike. */
export function fileContract(
  name: string,
  make: (t: TestContext) => Promise<FileContractSubject>,
): void {
  const check = (
    title: string,
    body: (subject: FileContractSubject) => Promise<void>,
  ): Promise<void> => test(`${name}: ${title}`, async (t) => body(await make(t)));

  void check(
    "a file holds what was written where, and zeros where nothing was",
    async (subject) => {
      const { files, directory } = subject;
      const path = join(directory, "a");
      const file = await files.open(path, "readwrite");
      await file.write(Buffer.from("hello"), 0);
      await file.write(Buffer.from("world"), 8);
      await file.write(Buffer.from("J"), 0);
      await file.write(Buffer.alloc(0), 100);
      assert.equal(await contentOf(file), "Jello\0\0\0world");
      assert.equal(await file.size(), 13);
      await file.truncate(3);
      await file.truncate(6);
      assert.equal(await contentOf(file), "Jel\0\0\0");
      assert.equal(await file.read(Buffer.alloc(10), 4), 2);
      assert.equal(await file.read(Buffer.alloc(10), 6), 0);
      assert.equal(await file.read(Buffer.alloc(10), 60), 0);
      await file.sync();
      await file.close();
      assert.equal(await textOf(files, path), "Jel\0\0\0");
      assert.equal((await files.stat(path))?.size, 6);
      assert.equal((await files.stat(path))?.isDirectory, false);
    },
  );

  void check("modes say whether a file must, may or must not be there", async (subject) => {
    const { files, directory } = subject;
    const path = join(directory, "a");
    await assert.rejects(files.open(path, "read"), { code: "ENOENT" });
    await (await files.open(path, "create")).close();
    await assert.rejects(files.open(path, "create"), { code: "EEXIST" });
    await put(files, path, "kept");
    const again = await files.open(path, "readwrite");
    assert.equal(await contentOf(again), "kept");
    await again.close();
    const reader = await files.open(path, "read");
    assert.equal(await contentOf(reader), "kept");
    await assert.rejects(reader.write(Buffer.from("x"), 0), { code: "EBADF" });
    await reader.close();
    await assert.rejects(files.open(join(directory, "none", "a"), "readwrite"), { code: "ENOENT" });
    await assert.rejects(files.open(join(path, "a"), "readwrite"), { code: "ENOTDIR" });
    await assert.rejects(files.open(directory, "readwrite"), { code: "EISDIR" });
  });

  void check(
    "what is not there is undefined or empty, and removing it is no error",
    async (subject) => {
      const { files, directory } = subject;
      const path = join(directory, "none");
      assert.equal(await files.readFile(path), undefined);
      assert.equal(await files.stat(path), undefined);
      assert.deepEqual(await files.list(path), []);
      assert.equal(await files.realPath(path), undefined);
      assert.equal(await files.realPath(directory), directory);
      await files.remove(path);
      await assert.rejects(files.rename(path, join(directory, "b")), { code: "ENOENT" });
      await assert.rejects(files.syncDirectory(path), { code: "ENOENT" });
    },
  );

  void check(
    "directories are made with their parents, listed in order, removed whole",
    async (subject) => {
      const { files, directory } = subject;
      const inner = join(directory, "d", "e");
      await files.makeDirectory(inner);
      await files.makeDirectory(inner);
      assert.equal((await files.stat(inner))?.isDirectory, true);
      for (const name of ["b", "a", "B"]) await put(files, join(inner, name), name);
      assert.deepEqual(await files.list(inner), ["B", "a", "b"]);
      assert.deepEqual(await files.list(directory), ["d"]);
      await assert.rejects(files.makeDirectory(join(inner, "a")), { code: "EEXIST" });
      await assert.rejects(files.makeDirectory(join(inner, "a", "x")), { code: "ENOTDIR" });
      await assert.rejects(files.list(join(inner, "a")), { code: "ENOTDIR" });
      await files.syncDirectory(inner);
      await files.remove(join(directory, "d"));
      assert.deepEqual(await files.list(directory), []);
      assert.equal(await files.stat(join(inner, "a")), undefined);
    },
  );

  void check("a rename replaces a file at once and keeps its identity", async (subject) => {
    const { files, directory } = subject;
    const [a, b] = [join(directory, "a"), join(directory, "b")];
    await put(files, a, "new");
    await put(files, b, "old");
    const held = await files.open(b, "read");
    const identity = (await files.stat(a))?.identity;
    assert.notEqual(identity, (await files.stat(b))?.identity);
    await files.rename(a, b);
    assert.equal((await files.stat(b))?.identity, identity);
    assert.equal(await textOf(files, b), "new");
    assert.equal(await contentOf(held), "old");
    await held.close();
    await files.rename(b, b);
    assert.equal(await textOf(files, b), "new");
    const folder = join(directory, "folder");
    await files.makeDirectory(folder);
    await assert.rejects(files.rename(b, folder), { code: "EISDIR" });
    await assert.rejects(files.rename(folder, b), { code: "ENOTDIR" });
    await files.rename(b, join(folder, "c"));
    assert.deepEqual(await files.list(directory), ["folder"]);
    assert.equal(await textOf(files, join(folder, "c")), "new");
  });

  void check("an open file outlives its name, and a closed one takes nothing", async (subject) => {
    const { files, directory } = subject;
    const path = join(directory, "a");
    const file = await files.open(path, "create");
    await files.remove(path);
    await file.write(Buffer.from("still"), 0);
    await file.sync();
    assert.equal(await contentOf(file), "still");
    assert.deepEqual(await files.list(directory), []);
    await file.close();
    await assert.rejects(file.write(Buffer.from("x"), 0), { code: "EBADF" });
    await assert.rejects(file.read(Buffer.alloc(1), 0), { code: "EBADF" });
  });
}
