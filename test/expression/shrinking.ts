import { compareOn, compileBoth } from "./differential.ts";
import type { Difference } from "./differential.ts";

const triesMax = 3_000;

/** Makes a pair that differs smaller, as far as a limited number of tries gets. */
export async function shrunk(difference: Difference): Promise<Difference> {
  let best = difference;
  let tries = 0;
  for (let improved = true; improved;) {
    improved = false;
    for (const candidate of smaller(best)) {
      if (++tries > triesMax) return best;
      const detail = await differs(candidate);
      if (detail === undefined) continue;
      best = { ...candidate, detail };
      improved = true;
      break;
    }
  }
  return best;
}

type Pair = Pick<Difference, "source" | "document">;

async function differs({ source, document }: Pair): Promise<string | undefined> {
  // A regular expression left of `?:` may keep the interpreter busy for ever.
  if (/\/[^/ ]+\//.test(source) && /\?[:?]/.test(source)) return undefined;
  const { kind, detail } = await compareOn(compileBoth(source), document);
  return kind === "difference" ? (detail ?? "") : undefined;
}

function* smaller({ source, document }: Pair): Generator<Pair> {
  for (const part of partsOf(source)) yield { source: part, document };
  for (const smallerDocument of smallerValues(document)) {
    yield { source, document: smallerDocument as object };
  }
}

/** Bracketed parts alone, and the text with a bracketed part replaced. */
function* partsOf(source: string): Generator<string> {
  const open: number[] = [];
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? "";
    if ("([{".includes(character)) open.push(at);
    if (!")]}".includes(character)) continue;
    const from = open.pop();
    if (from === undefined) continue;
    yield source.slice(from + 1, at);
    yield source.slice(0, at + 1);
    for (const plain of ["a", "1", ""]) {
      const replaced = source.slice(0, from) + plain + source.slice(at + 1);
      if (replaced.length < source.length) yield replaced;
    }
  }
}

function* smallerValues(value: unknown): Generator {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const index of value.keys()) yield value.toSpliced(index, 1);
    for (const [index, entry] of value.entries()) {
      for (const other of smallerValues(entry)) yield value.with(index, other);
    }
    return;
  }
  for (const name of Object.keys(value)) {
    const { [name]: _, ...rest } = value as Record<string, unknown>;
    yield rest;
  }
  for (const [name, entry] of Object.entries(value)) {
    for (const other of smallerValues(entry)) yield { ...value, [name]: other };
  }
}
