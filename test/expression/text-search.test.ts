import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, meter } from "../../engine/expression/meter.ts";
import { linearSearch } from "../../engine/expression/regex-syntax.ts";
import { indexOf } from "../../engine/expression/text-search.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import { pick, randomFrom } from "./random-documents.ts";

test("long tokens are found where the host finds them", () => {
  const random = randomFrom(1);
  for (let round = 0; round < 60; round++) {
    const alphabet = pick(random, ["ab", "aaaab", "abc"]);
    const text = Array.from({ length: 60_000 }, () => pick(random, [...alphabet])).join("");
    const at = Math.floor(random() * 59_000);
    const length = 17 + Math.floor(random() * 100);
    const found = text.slice(at, at + length);
    const token = pick(random, [found, `${found.slice(0, -1)}z`, `z${found}`, "aab".repeat(9)]);
    const from = pick(random, [0, at, Math.floor(random() * 60_000)]);
    meter.fuel = limits.fuel;
    assert.equal(indexOf(text, token, from), text.indexOf(token, from), `${token} from ${from}`);
  }
});

test("a search that can pay finds what it finds with all steps, however few it has", () => {
  const patterns = [
    /a/,
    /(a)(b*c)?/,
    /b+$/,
    /\bc/,
    /^(a|b)+/,
    /a{2,4}|c/,
    /(?:ab|a)(c|bcd)(d*)/,
    /[^a]+?c/,
    /a.*c/,
    /B+c?/i,
    /(?:[ab]{0,9}c){9}d|a(.*d)?/,
  ];
  const random = randomFrom(2);
  const outcomes = { found: 0, unpaid: 0 };
  for (let round = 0; round < 3000; round++) {
    const search = linearSearch(pick(random, patterns));
    const length = Math.floor(random() * 60);
    const text = Array.from({ length }, () => pick(random, [..."aabbcd \n"])).join("");
    const from = Math.floor(random() * (length + 1));
    meter.fuel = limits.fuel;
    const whole = search.find(text, from);
    meter.fuel = Math.floor(random() * random() * 1500);
    try {
      assert.deepEqual(search.find(text, from), whole);
      outcomes.found++;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      assert.equal(error.reason, "FUEL");
      outcomes.unpaid++;
    }
  }
  assert.ok(outcomes.found > 500 && outcomes.unpaid > 300, JSON.stringify(outcomes));
});
