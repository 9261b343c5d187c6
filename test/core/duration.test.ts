import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, parseDuration } from "../../engine/core/duration.ts";

void test("a duration is an integer with one unit, below 100 years", () => {
  const rows: readonly [string, number | undefined][] = [
    ["0s", 0],
    ["500ms", 500],
    ["10s", 10_000],
    ["5m", 300_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["36524d", 36_524 * 86_400_000],
    ["36525d", undefined],
    ["1000000000h", undefined],
    ["1e9h", undefined],
    ["9999999999999999ms", undefined],
    ["60", undefined],
    ["10 min", undefined],
    ["10min", undefined],
    ["-1s", undefined],
    ["+1s", undefined],
    ["1.5h", undefined],
    ["1h30m", undefined],
    ["1H", undefined],
    ["s", undefined],
    ["", undefined],
    [" 1s", undefined],
    ["1s\n", undefined],
    ["\u0661s", undefined],
  ];
  for (const [text, ms] of rows) {
    assert.equal(parseDuration(text), ms, JSON.stringify(text));
  }
});

void test("a duration prints with the largest unit that shows it exactly", () => {
  const rows: readonly [number, string][] = [
    [0, "0s"],
    [1, "1ms"],
    [1_500, "1500ms"],
    [90_000, "90s"],
    [300_000, "5m"],
    [86_400_000, "1d"],
    [90_000_000, "25h"],
  ];
  for (const [ms, text] of rows) {
    assert.equal(formatDuration(ms), text);
    assert.equal(parseDuration(text), ms);
  }
});
