// Where the time of a thread goes, by the parts of design.md's speed budget, out of a V8 CPU profile.
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/** First match wins, from the innermost frame outwards: V8's own work belongs to whoever asked for it. */
const parts = [
  ["JSON.parse", /core\/json-(?:text\.ts:(?:parseRecordText|parseSlowly)|parser\.ts)/],
  ["output JSON", /core\/(?:json-text|envelope)\.ts|runtime\/sink-node\.ts/],
  ["event time", /core\/event-time\.ts/],
  ["schema + rules", /\/schema\/|operators\/validate\.ts/],
  ["dedupe incl. log", /operators\/dedupe\.ts|\/state\/|classic-level|abstract-level/],
  ["window", /operators\/(?:aggregate|accumulators|window-calendar)\.ts|runtime\/step-clock\.ts/],
  [
    "enrich",
    /\/expression\/|operators\/(?:enrich|assignments|key-fields)\.ts|core\/(?:decimal|rounding)/,
  ],
  [
    "between threads",
    /runtime\/(?:intake-(?:message|server)|node-intake-worker|value-types|array-packer|crossing-buffers)\.ts|:postMessage$/,
  ],
  ["bookkeeping, files", /\/(?:runtime|connectors|checkpoint|operators|core|cli|plan)\//],
];
const other = "start and Node";
const special = new Map([
  ["(garbage collector)", "garbage collection"],
  ["(idle)", "idle"],
  ["(program)", other],
]);

const sourceMaps = new Map();

/** The source file of a function: the program is one file, with a source map beside it. */
function sourceOf({ url, lineNumber, columnNumber }) {
  if (!url.startsWith("file:") || url.includes("/node_modules/")) return url;
  if (!sourceMaps.has(url)) {
    sourceMaps.set(
      url,
      new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, "utf8"))),
    );
  }
  return sourceMaps.get(url).findEntry(lineNumber, columnNumber).originalSource ?? url;
}

/** Microseconds per part. `path` is a .cpuprofile of one run. */
export function timeByPart(path) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, "utf8"));
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const known = new Map();
  const partOf = (id) => {
    if (id === undefined) return other;
    const found = known.get(id);
    if (found !== undefined) return found;
    const { callFrame } = byId.get(id);
    const { functionName } = callFrame;
    const place = `${sourceOf(callFrame)}:${functionName}`;
    const part =
      special.get(functionName) ??
      parts.find(([, frames]) => frames.test(place))?.[0] ??
      partOf(parents.get(id));
    known.set(id, part);
    return part;
  };
  const sums = new Map(
    [...parts.map(([name]) => name), "garbage collection", other, "idle"].map((name) => [name, 0]),
  );
  for (const [index, id] of samples.entries()) {
    const part = partOf(id);
    sums.set(part, sums.get(part) + timeDeltas[index]);
  }
  return sums;
}
