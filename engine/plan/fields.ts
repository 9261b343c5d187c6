import type { JsonValue } from "../core/json.ts";
import { nearestName } from "../core/nearest.ts";
import type { ValueFacts } from "../expression/expression.ts";
import { fieldFacts } from "../expression/field-facts.ts";
import { schemaFields } from "../schema/compile-schema.ts";
import type { Draft, DraftSink, DraftStep } from "./draft.ts";
import type { NodeContext, ReadExpression } from "./node-context.ts";
import type { PortReference } from "./plan.ts";
import { isObject, objectOf, textsOf } from "./raw.ts";
import type { Wiring, WiringReader } from "./wiring.ts";

/** What is known of a record's top-level fields; undefined where nothing is. */
type Fields =
  | {
      readonly names: ReadonlySet<string>;
      readonly open: boolean;
      /** Types, of those fields whose type is known. */
      readonly facts: ReadonlyMap<string, ValueFacts>;
    }
  | undefined;

/**
 * Names of an aggregate's key fields: a field name; the last part of a dotted path; the names of a map.
 * Undefined if the key is none of these.
 */
export function keyNames(key: JsonValue | undefined): readonly string[] | undefined {
  if (isObject(key)) return Object.keys(key);
  const texts = textsOf(key);
  const names = texts.flatMap((text) => {
    const match = /^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)$|^`([^`]+)`$/.exec(text.trim());
    const name = match?.[1] ?? match?.[2];
    return name === undefined ? [] : [name];
  });
  return names.length > 0 && names.length === texts.length ? names : undefined;
}

/**
 * Finds fields that an expression reads although nothing behind a schema can have given them. `order`: steps, each
 * behind its inputs.
 */
export function checkFields(
  draft: Draft,
  order: readonly string[],
  wiring: Wiring,
  reader: WiringReader,
  contexts: ReadonlyMap<DraftStep | DraftSink, NodeContext>,
): void {
  const inputs = new Map<string, Fields>();
  const outputs = new Map<string, Fields>();
  const fieldsOf = (port: PortReference): Fields => {
    const kind = reader.kindOf(port);
    if (kind === "main") return outputs.get(port.node);
    return kind === "side" ? inputs.get(port.node) : undefined;
  };
  for (const id of order) {
    const step = draft.steps.get(id);
    const context = step && contexts.get(step);
    if (step === undefined || context === undefined) continue;
    const given = unionOf((wiring.steps.get(id) ?? []).map(fieldsOf));
    inputs.set(id, given);
    outputs.set(id, checkStep(step, context, given));
  }
  for (const sink of draft.sinks.values()) {
    const context = contexts.get(sink);
    if (context === undefined) continue;
    const given = unionOf((wiring.sinks.get(sink.id) ?? []).map(fieldsOf));
    for (const expression of context.expressions) checkReads(context, expression, given);
  }
}

/** A field is known if one of the inputs lists it. */
function unionOf(inputs: readonly Fields[]): Fields {
  const known = inputs.filter((fields) => fields !== undefined);
  if (known.length === 0 || known.length < inputs.length) return undefined;
  return {
    names: new Set(known.flatMap(({ names }) => [...names])),
    open: known.some(({ open }) => open),
    facts: commonFacts(known.map(({ facts }) => facts)),
  };
}

/** What all inputs say alike of a field. */
function commonFacts(
  inputs: readonly ReadonlyMap<string, ValueFacts>[],
): ReadonlyMap<string, ValueFacts> {
  const [first, ...others] = inputs;
  return new Map(
    [...(first ?? [])].filter(([name, { type, optional }]) =>
      others.every((facts) => {
        const other = facts.get(name);
        return other?.type === type && other.optional === optional;
      }),
    ),
  );
}

/** Checks the step's expressions; gives the fields of its main port. */
function checkStep(step: DraftStep, context: NodeContext, given: Fields): Fields {
  switch (step.definition.type) {
    case "validate":
      return checkValidate(context, given);
    case "enrich":
      return checkEnrich(step, context, given);
    case "aggregate":
      return checkAggregate(step, context, given);
    default:
      for (const expression of context.expressions) checkReads(context, expression, given);
      return given;
  }
}

function checkValidate(context: NodeContext, given: Fields): Fields {
  const schema = context.recordSchema;
  let fields = given;
  if (schema !== undefined) {
    const { names, open } = schemaFields(schema);
    fields = {
      names: open ? new Set([...names, ...(given?.names ?? [])]) : names,
      open: open && (given?.open ?? true),
      facts: fieldFacts(schema),
    };
  } else if (context.failed) {
    fields = undefined;
  }
  // Rules are judged after the schema.
  for (const expression of context.expressions) checkReads(context, expression, fields);
  return fields;
}

function checkEnrich(step: DraftStep, context: NodeContext, given: Fields): Fields {
  const names = new Set(given?.names);
  const facts = new Map(given?.facts);
  const set = Object.keys(objectOf(step.raw["set"]));
  for (const name of set) {
    const line = context.expressions.find(({ path }) => path[0] === "set" && path[1] === name);
    const known = given && { names, open: given.open, facts };
    const gives = line === undefined ? undefined : checkReads(context, line, known);
    names.add(name);
    if (gives === undefined) facts.delete(name);
    else facts.set(name, gives);
  }
  const keep = step.raw["keep"];
  if (keep !== undefined) return { names: new Set([...textsOf(keep), ...set]), open: false, facts };
  return given && { names, open: given.open, facts };
}

function checkAggregate(step: DraftStep, context: NodeContext, given: Fields): Fields {
  const { key, aggregates, set } = step.raw;
  const keys = keyNames(key);
  const names = new Set([...(keys ?? []), ...Object.keys(objectOf(aggregates))]);
  const results = keys === undefined ? undefined : { names, open: false, facts: new Map() };
  for (const expression of context.expressions) {
    if (expression.scope !== "result") checkReads(context, expression, given);
  }
  for (const name of Object.keys(objectOf(set))) {
    const line = context.expressions.find(({ path }) => path[0] === "set" && path[1] === name);
    if (line !== undefined) checkReads(context, line, results);
    names.add(name);
  }
  return results;
}

/** Gives what the expression gives, as far as that is known. */
function checkReads(
  context: NodeContext,
  expression: ReadExpression,
  fields: Fields,
): ValueFacts | undefined {
  if (fields === undefined) return undefined;
  for (const name of expression.compiled.reads ?? []) {
    if (fields.names.has(name)) continue;
    const near = nearestName(name, fields.names);
    context.reportInside(expression.path, ...placeOfName(expression.compiled.source, name), {
      code: "EXPRESSION_UNKNOWN_FIELD",
      severity: fields.open ? "warning" : "error",
      message: fields.open
        ? `no schema and no step before this lists a field "${name}"`
        : `there is no field "${name}" here`,
      ...(near === undefined ? {} : { suggestion: `did you mean "${near}"?` }),
    });
  }
  return context.checkTypes(expression, fields.facts);
}

/** Where the name stands as a word of its own that is no variable, no member of another and not in quotes. */
function placeOfName(source: string, name: string): [offset: number, length: number] {
  const tokens = source.matchAll(
    /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/\*.*?\*\/|[$.]\s*\w+|`[^`]*`|\w+/gs,
  );
  for (const { 0: token, index } of tokens) {
    if (token === name || token === `\`${name}\``) return [index, token.length];
  }
  return [0, 0];
}
