import type { ResolveContext } from "./operator.ts";

/** Names that reach the machinery behind JavaScript objects; data may have them, a job does not make them. */
const refusedNames: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Reports a field name that a job may not use; `path` leads to it. True if it may. */
export function checkFieldName(
  name: string,
  path: readonly (string | number)[],
  context: ResolveContext,
  at: "key" | "value",
): boolean {
  if (name !== "" && !refusedNames.has(name)) return true;
  context.report(path, {
    code: "SPEC_FIELD_NAME",
    message: name === "" ? "a field needs a name" : `"${name}" cannot be the name of a field`,
    at,
  });
  return false;
}
