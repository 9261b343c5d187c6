import { shown } from "./check-context.ts";
import type { CheckContext } from "./check-context.ts";
import type { SpecPath } from "./job-spec.ts";
import { nameGrammar } from "./parameter-schema.ts";
import { ownerNoun } from "./place-names.ts";

const reservedNames: ReadonlySet<string> = new Set(["errors"]);

/** Sections whose keys are ids. */
const namedSections: ReadonlySet<string> = new Set(["sources", "tables", "sinks", "parameters"]);

export function holdsNames(path: SpecPath): boolean {
  return path.length === 1 && namedSections.has(String(path[0]));
}

/** Reports an id that cannot be one, and why. */
export function reportBadName(
  context: CheckContext,
  name: string,
  path: SpecPath,
  at: "key" | "value",
): "reserved" | "misspelt" | undefined {
  const noun = ownerNoun(path);
  if (reservedNames.has(name)) {
    context.findings.at(path, at, path, {
      code: "SPEC_NAME",
      message: `"${name}" is reserved and cannot name a ${noun}`,
      suggestion: "as the input of a sink it means every error port that nothing else consumes",
    });
    return "reserved";
  }
  if (nameGrammar.test(name)) return undefined;
  const proposal = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "");
  context.findings.at(path, at, path, {
    code: "SPEC_NAME",
    message: `${shown(name)} cannot name a ${noun}: small letters, digits and _, a letter first`,
    suggestion: nameGrammar.test(proposal) && name.length < 100 ? `write ${proposal}` : undefined,
  });
  return "misspelt";
}
