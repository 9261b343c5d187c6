// Judges what a run of the orders job wrote, by recomputing it from the rules.
//   node test/oracle/orders-oracle.mjs INPUT OUTDIR [--ordered]
// INPUT is one file of orders, read as one lane; OUTDIR holds processed.jsonl, late.jsonl, aggregations.jsonl and
// dlq.jsonl, each valid up to the length in its `.committed` marker (the whole file without one). Outputs are
// compared as multisets of lines, the fields of processing time left open; `--ordered` wants the order too. Exit 1 on
// any difference.
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { OrdersRules, comparable } from "./orders-rules.mjs";

const outputs = ["processed", "late", "aggregations", "dlq"];
const shownMax = 5;
const shownLength = 600;

/** Lines of a file up to `length`, without their newlines; an unterminated last one too. */
function* linesOf(path, length) {
  const file = openSync(path, "r");
  try {
    let rest = Buffer.alloc(0);
    for (let at = 0; at < length;) {
      const chunk = Buffer.allocUnsafe(Math.min(1 << 20, length - at));
      const got = readSync(file, chunk, 0, chunk.length, at);
      if (got === 0) break;
      at += got;
      const bytes = Buffer.concat([rest, chunk.subarray(0, got)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        yield bytes.subarray(start, end);
        start = end + 1;
      }
      rest = bytes.subarray(start);
    }
    if (rest.length > 0) yield rest;
  } finally {
    closeSync(file);
  }
}

/** What the run shows of one output: nothing without a file. */
function* actualLines(directory, output) {
  const path = join(directory, `${output}.jsonl`);
  if (!existsSync(path)) return;
  const marker = `${path}.committed`;
  const length = existsSync(marker)
    ? JSON.parse(readFileSync(marker, "utf8")).length
    : statSync(path).size;
  if (length > statSync(path).size) throw new Error(`${path} is shorter than its marker says`);
  for (const bytes of linesOf(path, length)) yield bytes.toString("utf8");
}

/** Runs the rules over the input; `take(output, line)` gets every line that should have been written. */
function recompute(input, take) {
  const rules = new OrdersRules(take);
  for (const bytes of linesOf(input, statSync(input).size)) rules.line(bytes);
  rules.end();
  return rules.counts;
}

/** A multiset of lines by digest, and a digest of their sequence. */
class LineSet {
  size = 0;
  #sequence = createHash("sha256");
  #counts = new Map();

  add(line, count) {
    if (count > 0) this.size += count;
    const digest = digestOf(line);
    this.#sequence.update(digest, "latin1");
    const left = (this.#counts.get(digest) ?? 0) + count;
    if (left === 0) this.#counts.delete(digest);
    else this.#counts.set(digest, left);
  }

  /** Digest of the lines added so far in their order; starts over. */
  sequence() {
    const digest = this.#sequence.digest("hex");
    this.#sequence = createHash("sha256");
    return digest;
  }

  /** Lines added more often (> 0) or taken away more often (< 0). */
  surplus(line) {
    return this.#counts.get(digestOf(line)) ?? 0;
  }

  get differences() {
    return this.#counts.size;
  }
}

function digestOf(line) {
  return createHash("md5").update(line).digest("latin1");
}

function shorten(line) {
  return line.length > shownLength ? `${line.slice(0, shownLength)}... (${line.length})` : line;
}

function judge(input, directory, ordered) {
  const sets = new Map(outputs.map((output) => [output, new LineSet()]));
  const counts = recompute(input, (output, line) => sets.get(output).add(line, 1));
  for (const [name, count] of counts) console.log(`${String(count).padStart(10)} ${name}`);
  let differs = false;
  for (const output of outputs) {
    const set = sets.get(output);
    const expectedOrder = set.sequence();
    let found = 0;
    for (const line of actualLines(directory, output)) {
      found += 1;
      set.add(comparable(output, line), -1);
    }
    const sameOrder = set.sequence() === expectedOrder;
    const wrong = set.differences > 0 || (ordered && !sameOrder);
    differs ||= wrong;
    console.log(
      `${wrong ? "DIFFERS" : "equal  "} ${output}: ${set.size} expected, ${found} found, ` +
        `${set.differences} different lines, order ${sameOrder ? "equal" : "differs"}`,
    );
  }
  if (differs) showDifferences(input, directory, sets);
  return !differs;
}

/** A second pass, so that the first need not keep any line. */
function showDifferences(input, directory, sets) {
  for (const output of outputs) {
    const set = sets.get(output);
    if (set.differences === 0) continue;
    const shown = new Set();
    const show = (label, line) => {
      if (shown.size >= shownMax || shown.has(line)) return;
      shown.add(line);
      console.log(`${output} ${label}: ${shorten(line)}`);
    };
    recompute(input, (name, line) => {
      if (name === output && set.surplus(line) > 0) show("is missing", line);
    });
    shown.clear();
    for (const line of actualLines(directory, output)) {
      const compared = comparable(output, line);
      if (set.surplus(compared) < 0) show("should not hold", compared);
    }
  }
}

const [input, directory, ...flags] = process.argv.slice(2);
if (input === undefined || directory === undefined || flags.some((flag) => flag !== "--ordered")) {
  console.error("usage: node test/oracle/orders-oracle.mjs INPUT OUTDIR [--ordered]");
  process.exitCode = 2;
} else {
  process.exitCode = judge(input, directory, flags.includes("--ordered")) ? 0 : 1;
}
