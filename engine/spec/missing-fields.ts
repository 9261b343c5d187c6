import type { JsonObject, JsonValue } from "../core/json.ts";
import type { CheckContext } from "./check-context.ts";
import type { SpecPath } from "./job-spec.ts";
import { describePlace } from "./place-names.ts";
import { choicesOf, isSchema, memberOf, namesOf, propertiesOf, schemasOf } from "./schema-shape.ts";
import type { SpecMap } from "./spec-node.ts";

/** At the `id` of a step, at the key of anything with one, else at the first field. */
function reportAt(
  context: CheckContext,
  node: SpecMap,
  path: SpecPath,
  text: { code: string; message: string; suggestion?: string | undefined },
): void {
  const { findings } = context;
  const [first] = node.members.keys();
  if (node.members.has("id")) findings.at([...path, "id"], "value", path, text);
  else if (typeof path.at(-1) === "string") findings.at(path, "key", path, text);
  else if (first !== undefined) findings.at([...path, first], "key", path, text);
  else findings.at(path, "value", path, text);
}

export function reportMissing(
  context: CheckContext,
  node: SpecMap,
  schema: JsonObject,
  path: SpecPath,
  name: string,
): void {
  reportAt(context, node, path, {
    code: "SPEC_MISSING_FIELD",
    message: `${describePlace(path, context.root)} needs the field "${name}"`,
    suggestion: adviseMissing(name, memberOf(propertiesOf(schema), name)),
  });
}

export function adviseMissing(name: string, schema: JsonValue | undefined): string {
  const choices = choicesOf(schema);
  if (choices?.length === 1) return `add \`${name}: ${choiceText(choices[0])}\``;
  if (choices !== undefined)
    return `add \`${name}:\`, one of ${choices.map(choiceText).join(", ")}`;
  const meaning = isSchema(schema) ? schema["x-pipeline"] : undefined;
  if (meaning === "duration") return `add \`${name}:\` with a duration such as 10m`;
  if (meaning === "expression") return `add \`${name}:\` with an expression`;
  return `add \`${name}:\``;
}

function choiceText(choice: JsonValue | undefined): string {
  return typeof choice === "string" ? choice : JSON.stringify(choice ?? null);
}

/** Alternatives that only ask for fields: `oneOf: [{ required: [rows] }, { required: [file] }]`. */
export function requiredGroups(
  alternatives: readonly JsonObject[],
): readonly (readonly string[])[] {
  const plain = alternatives.every((alternative) =>
    Object.keys(alternative).every((keyword) => keyword === "required"),
  );
  return plain ? alternatives.map((alternative) => namesOf(alternative["required"])) : [];
}

/** Reports if none of the groups of fields is there or, where exactly one must be, several. */
export function reportMissingGroups(
  context: CheckContext,
  node: SpecMap,
  schema: JsonObject,
  path: SpecPath,
): void {
  for (const keyword of ["oneOf", "anyOf"] as const) {
    const groups = requiredGroups(schemasOf(schema[keyword]));
    if (groups.length === 0) continue;
    const there = groups.filter((group) => group.every((name) => node.members.has(name)));
    const place = describePlace(path, context.root);
    const words = groups.map((group) => group.map((name) => `"${name}"`).join(" and "));
    if (there.length === 0) {
      reportAt(context, node, path, {
        code: "SPEC_MISSING_FIELD",
        message: `${place} needs ${groups.length > 2 ? "one of " : ""}${words.join(groups.length > 2 ? ", " : " or ")}`,
      });
    } else if (there.length > 1 && keyword === "oneOf") {
      const [, second] = there;
      const names = there.flat().map((name) => `"${name}"`);
      context.findings.at([...path, second?.[0] ?? ""], "key", path, {
        code: "SPEC_BAD_VALUE",
        message: `${place} has ${names.join(" and ")}; only one of them is possible`,
      });
    }
  }
}
