// Where the time of a thread goes, by the parts of design.md's speed budget, out of a V8 CPU profile.
import { readFileSync } from "node:fs";

/** First match wins, from the innermost frame outwards: V8's own work belongs to whoever asked for it. */
const parts = [
  ["JSON.parse", /core\/json-(?:text\.js:(?:parseRecordText|parseSlowly)|parser\.js)/],
  ["output JSON", /core\/(?:json-text|envelope)\.js|runtime\/sink-node\.js/],
  ["event time", /core\/event-time\.js/],
  ["schema + rules", /\/schema\/|operators\/validate\.js/],
  ["dedupe incl. log", /operators\/dedupe\.js|\/state\/|classic-level|abstract-level/],
  ["window", /operators\/(?:aggregate|accumulators|window-calendar)\.js|runtime\/step-clock\.js/],
  [
    "enrich",
    /\/expression\/|operators\/(?:enrich|assignments|key-fields)\.js|core\/(?:decimal|rounding)/,
  ],
  [
    "between threads",
    /runtime\/(?:intake-(?:message|server)|node-intake-worker|value-types)\.js|:postMessage$/,
  ],
  ["bookkeeping, files", /\/(?:runtime|connectors|checkpoint|operators|core|cli|plan)\//],
];
const other = "start and Node";
const special = new Map([
  ["(garbage collector)", "garbage collection"],
  ["(idle)", "idle"],
  ["(program)", other],
]);

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
    const { functionName, url } = byId.get(id).callFrame;
    const place = `${url}:${functionName}`;
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
