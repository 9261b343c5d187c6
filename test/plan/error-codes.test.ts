import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { errorCatalog } from "../../engine/core/errors.ts";
import { faultTypes } from "../../engine/core/fault.ts";

const projectFolder = new URL("../../", import.meta.url);
const document = readFileSync(new URL("docs/errors.md", projectFolder), "utf8");

/** Codes that stand in a table row of their own, between the code marks. */
function documented(): readonly string[] {
  return document
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .flatMap((line) => {
      const cells = line.split("|").slice(1, 3);
      return cells.flatMap((cell) => /^ `([A-Z_]+)` $/.exec(cell)?.[1] ?? []);
    });
}

function findingCodes(): readonly string[] {
  const codes = new Set<string>();
  const files = readdirSync(new URL("engine/", projectFolder), {
    recursive: true,
    encoding: "utf8",
  });
  for (const file of files) {
    if (!file.endsWith(".ts")) continue;
    const text = readFileSync(new URL(`engine/${file}`, projectFolder), "utf8");
    for (const [, code] of text.matchAll(/"((?:SPEC|EXPRESSION|SCHEMA|TABLE)_[A-Z_]+)"/g)) {
      if (code !== undefined) codes.add(code);
    }
  }
  return [...codes];
}

test("every code that the engine can give is documented", () => {
  const known = new Set(documented());
  const codes = [...findingCodes(), ...Object.keys(errorCatalog), ...Object.keys(faultTypes)];
  assert.ok(codes.length > 100, "the search reads the engine's files");
  assert.deepEqual(
    codes.filter((code) => !known.has(code)),
    [],
  );
});

test("no code is documented that the engine does not have", () => {
  const codes = new Set([
    ...findingCodes(),
    ...Object.keys(errorCatalog),
    ...Object.keys(faultTypes),
    ...Object.values(faultTypes),
  ]);
  assert.deepEqual(
    documented().filter((code) => !codes.has(code)),
    [],
  );
});

test("exit codes in the document are those of the catalog", () => {
  for (const [code, { exit }] of Object.entries(errorCatalog)) {
    assert.ok(document.includes(`| \`${code}\` | ${exit} |`), `${code} exits with ${exit}`);
  }
});

test("a fault stands below its type", () => {
  let type = "";
  for (const line of document.split("\n")) {
    const [, first, second] = /^\| (?:`([A-Z_]+)` )?\| `([A-Z_]+)` \|/.exec(line) ?? [];
    if (second === undefined || !Object.hasOwn(faultTypes, second)) continue;
    type = first ?? type;
    assert.equal(type, faultTypes[second as keyof typeof faultTypes], second);
  }
});
