import type { Finding } from "../core/finding.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { shown } from "./check-context.ts";
import type { CheckContext } from "./check-context.ts";
import type { SpecPath } from "./job-spec.ts";
import { adviseMissing, requiredGroups, reportMissing } from "./missing-fields.ts";
import { describePlace, objectKind } from "./place-names.ts";
import {
  choicesOf,
  flattenSchema,
  mergeSchemas,
  propertiesOf,
  schemasOf,
  without,
} from "./schema-shape.ts";
import type { SpecMap, SpecNode } from "./spec-node.ts";
import { substitute } from "./substitution.ts";
import { allowsType, reportWrongType, typeOfNode, typesOf } from "./type-check.ts";
import { adviseType } from "./vocabulary.ts";

export type Choice =
  | {
      readonly kind: "schema";
      readonly schema: JsonObject;
      /** True if unknown fields are no faults here: it is not known what the map is. */
      readonly open: boolean;
    }
  | { readonly kind: "checked"; readonly value: JsonValue | undefined };

/** The walk itself, handed in: it calls this, too. */
export type CheckNode = (
  context: CheckContext,
  node: SpecNode,
  schema: JsonObject,
  path: SpecPath,
) => JsonValue | undefined;

/** Picks the alternative of `oneOf` or `anyOf` that is meant: by `type`, by kind of value, else by fewest faults. */
export function chooseAlternative(
  context: CheckContext,
  node: SpecNode,
  schema: JsonObject,
  path: SpecPath,
  checkNode: CheckNode,
): Choice {
  const alternatives = [...schemasOf(schema["oneOf"]), ...schemasOf(schema["anyOf"])];
  if (alternatives.length === 0 || requiredGroups(alternatives).length > 0) {
    return { kind: "schema", schema, open: false };
  }
  const base = without(schema, "oneOf", "anyOf");
  const variants = alternatives.map((alternative) =>
    mergeSchemas(base, flattenSchema(alternative, context.schema, node)),
  );
  if (node.kind === "map") {
    const byType = chooseByType(context, node, variants, path, checkNode);
    if (byType !== undefined) return byType;
  }
  const fitting = variants.filter((variant) => fits(variant, node));
  if (fitting.length === 0) {
    const types = new Set(variants.flatMap((variant) => typesOf(variant) ?? []));
    const text = node.kind === "scalar" ? node.text : undefined;
    reportWrongType(context, path, [...types], typeOfNode(node), text);
    return { kind: "checked", value: undefined };
  }
  const [only] = fitting;
  if (fitting.length === 1 && only !== undefined) {
    return chooseAlternative(context, node, only, path, checkNode);
  }
  const choices = fitting.map((variant) => choicesOf(variant));
  if (choices.every((choice) => choice !== undefined)) {
    return { kind: "schema", schema: { ...base, enum: choices.flat() }, open: false };
  }
  return tryAll(context, node, fitting, path, checkNode);
}

function fits(schema: JsonObject, node: SpecNode): boolean {
  const types = typesOf(schema);
  // A parameter may become a number or boolean.
  const parameter = node.kind === "scalar" && node.text.includes("${");
  if (parameter && types?.some((type) => type !== "object" && type !== "array") === true)
    return true;
  return allowsType(types, typeOfNode(node));
}

function tryAll(
  context: CheckContext,
  node: SpecNode,
  variants: readonly JsonObject[],
  path: SpecPath,
  checkNode: CheckNode,
): Choice {
  let best: { found: readonly Finding[]; result: JsonValue | undefined } | undefined;
  for (const variant of variants) {
    const attempt = context.findings.try(() => checkNode(context, node, variant, path));
    if (best === undefined || attempt.found.length < best.found.length) best = attempt;
    if (attempt.found.length === 0) break;
  }
  context.findings.keep(best?.found ?? []);
  return { kind: "checked", value: best?.result };
}

/** Undefined unless every variant has its own `type`. */
function chooseByType(
  context: CheckContext,
  node: SpecMap,
  variants: readonly JsonObject[],
  path: SpecPath,
  checkNode: CheckNode,
): Choice | undefined {
  const maps = variants.filter((variant) => allowsType(typesOf(variant), "object"));
  const types = maps.map((variant) => choicesOf(propertiesOf(variant)["type"]));
  if (maps.length === 0 || types.some((choices) => choices === undefined)) return undefined;
  const known = types.flatMap((choices) => choices ?? []).map(String);
  const member = node.members.get("type");
  const unclear: Choice = { kind: "schema", schema: commonFields(maps), open: true };
  if (member === undefined) {
    reportMissingType(context, node, maps, known, path);
    return unclear;
  }
  const typePath = [...path, "type"];
  if (member.value.kind !== "scalar" || typeof member.value.value !== "string") {
    const text = member.value.kind === "scalar" ? member.value.text : undefined;
    reportWrongType(context, typePath, ["string"], typeOfNode(member.value), text);
    return unclear;
  }
  const { found, result: type } = context.findings.try(() =>
    substitute(
      member.value.kind === "scalar" ? member.value.text : "",
      typePath,
      context.parameters,
      context.findings,
    ),
  );
  if (type === undefined) {
    context.findings.keep(found);
    return unclear;
  }
  const index = types.findIndex((choices) => choices?.includes(type.text));
  const chosen = maps[index];
  if (chosen !== undefined) {
    return chooseAlternative(context, node, chosen, path, checkNode);
  }
  const { code, suggestion } = adviseType(type.text, objectKind(path), known);
  context.findings.atValue(typePath, {
    code,
    message: `the type ${shown(type.text)} ${code === "SPEC_NOT_AVAILABLE" ? "is not available yet" : "does not exist"} (${describePlace(path, context.root)})`,
    suggestion,
  });
  return unclear;
}

/** Other systems write the type as a key: `- dedupe: { ... }`. */
function reportMissingType(
  context: CheckContext,
  node: SpecMap,
  variants: readonly JsonObject[],
  known: readonly string[],
  path: SpecPath,
): void {
  const key = [...node.members.keys()].find((name) => known.includes(name));
  if (key === undefined || Object.hasOwn(commonProperties(variants), key)) {
    const schema: JsonObject = { properties: { type: { enum: known } } };
    reportMissing(context, node, schema, path, "type");
    return;
  }
  context.findings.atKey([...path, key], {
    code: "SPEC_MISSING_FIELD",
    message: `${describePlace(path, context.root)} needs the field "type"`,
    suggestion: `${adviseMissing("type", { const: key })}, and its fields beside it`,
  });
}

function commonProperties(variants: readonly JsonObject[]): Record<string, JsonValue> {
  const [first, ...others] = variants.map((variant) => propertiesOf(variant));
  return Object.fromEntries(
    Object.entries(first ?? {}).filter(
      ([name]) => name !== "type" && others.every((properties) => Object.hasOwn(properties, name)),
    ),
  );
}

/** What can be checked of a map whose type is not known. */
function commonFields(variants: readonly JsonObject[]): JsonObject {
  const properties = commonProperties(variants);
  return {
    type: "object",
    properties,
    required: Object.hasOwn(properties, "id") ? ["id"] : [],
  };
}
