import type { JsonObject, JsonValue } from "../core/json.ts";
import type { CheckContext } from "./check-context.ts";
import { chooseAlternative } from "./alternatives.ts";
import type { SpecPath } from "./job-spec.ts";
import { holdsNames, reportBadName } from "./name-check.ts";
import { describePlace, objectKind, ownerNoun, ownerPath } from "./place-names.ts";
import { checkScalar } from "./scalar-check.ts";
import { flattenSchema, isSchema, memberOf, namesOf, propertiesOf } from "./schema-shape.ts";
import type { SpecList, SpecMap, SpecNode } from "./spec-node.ts";
import { reportMissing, reportMissingGroups } from "./missing-fields.ts";
import { allowsType, reportWrongType, typeOfNode, typesOf } from "./type-check.ts";
import { adviseField } from "./vocabulary.ts";

/** What a walk over one map remembers for the fields that are missing. */
interface MapFacts {
  /** Fields that a misspelt one stands for. */
  readonly meant: Set<string>;
  /** True if a word was used that is not available yet: it may be what is asked for. */
  reserved: boolean;
}

/**
 * Walks the document once along the job's schema: puts parameters into literals, checks everything, reports every
 * fault, and gives the plain value without the faulty parts. Items of a list keep their numbers: a faulty map stays as
 * what is good of it, and a list of scalars with a faulty one is left out as a whole.
 */
export function checkStructure(context: CheckContext): JsonObject {
  const value = checkNode(context, context.root, context.schema, []);
  return isSchema(value) ? value : emptyObject();
}

/** Without prototype: `root["constructor"]` is undefined like any other field that is not there. */
function emptyObject(): Record<string, JsonValue> {
  const empty: Record<string, JsonValue> = Object.create(null);
  return empty;
}

function checkNode(
  context: CheckContext,
  node: SpecNode,
  schema: JsonObject,
  path: SpecPath,
): JsonValue | undefined {
  const flat = flattenSchema(schema, context.schema, node);
  const choice = chooseAlternative(context, node, flat, path, checkNode);
  if (choice.kind === "checked") return choice.value;
  const { schema: chosen, open } = choice;
  if (node.kind === "scalar") return checkScalar(context, node, chosen, path);
  const types = typesOf(chosen);
  const type = typeOfNode(node);
  if (!allowsType(types, type)) {
    const expression = chosen["x-pipeline"] === "expression";
    reportWrongType(context, path, expression ? ["string"] : (types ?? []), type, undefined);
    return undefined;
  }
  return node.kind === "map"
    ? checkMap(context, node, chosen, path, open)
    : checkList(context, node, chosen, path);
}

function checkList(
  context: CheckContext,
  node: SpecList,
  schema: JsonObject,
  path: SpecPath,
): JsonValue | undefined {
  const items = isSchema(schema["items"]) ? schema["items"] : {};
  const values: JsonValue[] = [];
  let complete = true;
  for (const [index, item] of node.items.entries()) {
    const value = checkNode(context, item, items, [...path, index]);
    complete &&= value !== undefined || typesOf(items)?.includes("object") !== false;
    values.push(value ?? (item.kind === "scalar" && item.value === null ? null : emptyObject()));
  }
  const { minItems, maxItems } = schema;
  const count = values.length;
  const fault =
    typeof minItems === "number" && count < minItems
      ? minItems === 1
        ? "must not be empty"
        : `must have at least ${minItems} items, not ${count}`
      : typeof maxItems === "number" && count > maxItems
        ? `must have at most ${maxItems} items, not ${count}`
        : schema["uniqueItems"] === true && repeats(values)
          ? "names something twice"
          : undefined;
  if (fault !== undefined) {
    const message = `${describePlace(path, context.root)} ${fault}`;
    context.findings.atValue(path, { code: "SPEC_BAD_VALUE", message });
    return undefined;
  }
  return complete ? values : undefined;
}

function repeats(values: readonly JsonValue[]): boolean {
  return new Set(values.map((value) => JSON.stringify(value))).size < values.length;
}

function checkMap(
  context: CheckContext,
  node: SpecMap,
  schema: JsonObject,
  path: SpecPath,
  open: boolean,
): JsonValue {
  const value = emptyObject();
  const facts: MapFacts = { meant: new Set(), reserved: false };
  const properties = propertiesOf(schema);
  for (const [name, member] of node.members) {
    const fieldPath = [...path, name];
    if (holdsNames(path)) {
      if (reportBadName(context, name, fieldPath, "key") === "reserved") continue;
    } else if (!namedWell(schema, name)) {
      const message = `${JSON.stringify(name.slice(0, 60))} is no name for a field of ${describePlace(path, context.root)}`;
      context.findings.atKey(fieldPath, { code: "SPEC_NAME", message });
    }
    const fieldSchema = memberOf(properties, name) ?? otherFields(schema, name);
    if (isSchema(fieldSchema)) {
      const checked = checkNode(context, member.value, fieldSchema, fieldPath);
      if (checked !== undefined) value[name] = checked;
    } else if (!open) {
      reportUnknown(context, schema, fieldPath, facts);
    }
  }
  for (const name of namesOf(schema["required"])) {
    if (!node.members.has(name) && !facts.meant.has(name) && !facts.reserved) {
      reportMissing(context, node, schema, path, name);
    }
  }
  if (!facts.reserved && facts.meant.size === 0) reportMissingGroups(context, node, schema, path);
  checkSize(context, node.members.size, schema, path);
  return value;
}

function namedWell(schema: JsonObject, name: string): boolean {
  const names = schema["propertyNames"];
  const pattern = isSchema(names) ? names["pattern"] : undefined;
  return typeof pattern !== "string" || new RegExp(pattern, "u").test(name);
}

/**
 * The schema of a field that is not among the properties; undefined if there must be none. A map that lists its fields
 * is closed unless it says otherwise.
 */
function otherFields(schema: JsonObject, name: string): JsonValue | undefined {
  const patterns = schema["patternProperties"];
  for (const [pattern, fields] of isSchema(patterns) ? Object.entries(patterns) : []) {
    if (new RegExp(pattern, "u").test(name)) return fields === true ? {} : fields;
  }
  const others = schema["additionalProperties"];
  if (isSchema(others)) return others;
  if (others === true) return {};
  const listed = isSchema(schema["properties"]) || isSchema(patterns);
  return others === undefined && !listed ? {} : undefined;
}

function checkSize(context: CheckContext, size: number, schema: JsonObject, path: SpecPath): void {
  const { minProperties, maxProperties } = schema;
  const place = describePlace(path, context.root);
  const message =
    typeof minProperties === "number" && size < minProperties
      ? minProperties === 1
        ? `${place} must not be empty`
        : `${place} must have at least ${minProperties} fields, not ${size}`
      : typeof maxProperties === "number" && size > maxProperties
        ? `${place} must have at most ${maxProperties} ${maxProperties === 1 ? "field" : "fields"}, not ${size}`
        : undefined;
  if (message === undefined) return;
  context.findings.at(path, "key", path, { code: "SPEC_BAD_VALUE", message });
}

function reportUnknown(
  context: CheckContext,
  schema: JsonObject,
  fieldPath: SpecPath,
  facts: MapFacts,
): void {
  const path = fieldPath.slice(0, -1);
  const name = String(fieldPath.at(-1));
  const known = Object.keys(propertiesOf(schema));
  const advice = adviseField(name, objectKind(path), known);
  if (advice.meant !== undefined) facts.meant.add(advice.meant);
  const place = describePlace(path, context.root);
  const shownName = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}...` : name);
  if (advice.code === "SPEC_NOT_AVAILABLE") facts.reserved = true;
  context.findings.atKey(fieldPath, {
    code: advice.code,
    message:
      advice.code === "SPEC_NOT_AVAILABLE"
        ? `${shownName} of ${place} is not available yet`
        : `unknown field ${shownName} in ${place}`,
    suggestion: advice.suggestion ?? adviseHome(schema, name),
    ...relatedOwner(context, path),
  });
}

/** The field may be one of a block of this map. */
function adviseHome(schema: JsonObject, name: string): string | undefined {
  for (const [block, inner] of Object.entries(propertiesOf(schema))) {
    if (isSchema(inner) && memberOf(propertiesOf(inner), name) !== undefined) {
      return `it belongs under "${block}"`;
    }
  }
  return undefined;
}

/** The line to look at besides: `- id: by_region`, `dlq:`. */
function relatedOwner(
  context: CheckContext,
  path: SpecPath,
): { related: readonly ReturnType<CheckContext["findings"]["place"]>[] } | Record<string, never> {
  const owner = ownerPath(path);
  if (owner === undefined) return {};
  const message = `in this ${ownerNoun(owner)}`;
  const isStep = owner[0] === "steps";
  const place = isStep
    ? context.findings.place([...owner, "id"], "key", message)
    : context.findings.place(owner, "key", message);
  return { related: [place] };
}
