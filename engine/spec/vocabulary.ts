import { nearestName } from "../core/nearest.ts";
import { foreignFields, foreignTypes, reservedFields, reservedTypes } from "./foreign-words.ts";
import type { Words } from "./foreign-words.ts";
import type { ObjectKind } from "./place-names.ts";

/** What to say about a field that does not exist. */
export interface FieldAdvice {
  readonly code: "SPEC_UNKNOWN_FIELD" | "SPEC_NOT_AVAILABLE";
  readonly suggestion: string | undefined;
  /** Our field that is meant: that it is missing need not be said again. */
  readonly meant: string | undefined;
}

/** `allowedLateness`, `allowed-lateness`, `Allowed.Lateness` as we would write it. */
export function snakeCase(name: string): string {
  return name
    .slice(0, 200)
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[-. ]/g, "_")
    .toLowerCase();
}

function didYouMean(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean "${name}"?`;
}

function wordFor(words: Words | undefined, name: string): string | undefined {
  return words !== undefined && Object.hasOwn(words, name) ? words[name] : undefined;
}

export function adviseField(
  name: string,
  kind: ObjectKind | undefined,
  known: readonly string[],
): FieldAdvice {
  const snake = snakeCase(name);
  if (kind !== undefined && (reservedFields[kind] ?? []).includes(snake)) {
    const suggestion = "the word is reserved for a later version";
    return { code: "SPEC_NOT_AVAILABLE", suggestion, meant: undefined };
  }
  const code = "SPEC_UNKNOWN_FIELD";
  const word = kind === undefined ? undefined : wordFor(foreignFields[kind], snake);
  const meant = [snake, word].find((ours) => ours !== undefined && known.includes(ours));
  if (meant !== undefined) return { code, suggestion: didYouMean(meant), meant };
  const nearest = nearestName(name, known);
  if (word?.includes(" ") === true) return { code, suggestion: word, meant: nearest };
  // Our word for it, though not in this place.
  const suggestion =
    nearest === undefined && word !== undefined
      ? `our word for it is "${word}"`
      : didYouMean(nearest);
  return { code, suggestion, meant: nearest };
}

/** What to say about a `type` (or other closed choice) that does not exist. */
export function adviseType(
  name: string,
  kind: ObjectKind | undefined,
  known: readonly string[],
): { code: "SPEC_UNKNOWN_TYPE" | "SPEC_NOT_AVAILABLE"; suggestion: string } {
  const snake = snakeCase(name);
  if (kind !== undefined && (reservedTypes[kind] ?? []).includes(snake)) {
    return { code: "SPEC_NOT_AVAILABLE", suggestion: `available are ${known.join(", ")}` };
  }
  const word = kind === undefined ? undefined : wordFor(foreignTypes[kind], snake);
  const meant = [snake, word].find((ours) => ours !== undefined && known.includes(ours));
  const suggestion =
    meant === undefined && word?.includes(" ") === true
      ? word
      : (didYouMean(meant ?? nearestName(name, known)) ?? `known types are ${known.join(", ")}`);
  return { code: "SPEC_UNKNOWN_TYPE", suggestion };
}
