import type { RecordFault } from "../core/fault.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { encodeKey } from "../core/key.ts";
import type { StreamRecord } from "../core/record.ts";
import type { Value } from "../core/value.ts";
import { evaluateRecord } from "../expression/evaluate-record.ts";
import type { CompiledExpression, EvaluationContext } from "../expression/expression.ts";
import { checkFieldName } from "./field-names.ts";
import { expressionSchema } from "./operator.ts";
import type { ExpressionSource, OperatorContext, ResolveContext } from "./operator.ts";
import { expressionFault, outputFault } from "./record-faults.ts";

/** One component of a key. */
export interface KeyField extends JsonObject {
  /** Its field in results and its name in messages. */
  readonly name: string;
  readonly value: ExpressionSource;
}

/** An expression, a list of them, or a map from name to expression. */
export const keySchema = {
  type: ["string", "number", "boolean", "array", "object"],
  items: expressionSchema,
  minItems: 1,
  additionalProperties: expressionSchema,
  minProperties: 1,
  "x-pipeline": "expression",
} as const;

/** A path of plain names: its last part names the field. */
const plainPath = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;
const quotedName = /^`([^`]+)`$/;

/**
 * The components of `key`. With `named`, each must have the name of a result's field: of its own (field, path) or
 * given (map). Undefined after reporting.
 */
export function resolveKey(
  raw: JsonValue | undefined,
  context: ResolveContext,
  named: boolean,
): readonly KeyField[] | undefined {
  if (raw === undefined) return undefined;
  const fields: (KeyField | undefined)[] = [];
  const resolveOne = (path: readonly (string | number)[], given: string | undefined): void => {
    const value = context.expression(path, "record");
    if (value === undefined) fields.push(undefined);
    else if (given !== undefined) {
      fields.push(checkFieldName(given, path, context, "key") ? { name: given, value } : undefined);
    } else fields.push(nameField(value, path, context, named));
  };
  if (Array.isArray(raw)) {
    for (const index of raw.keys()) resolveOne(["key", index], undefined);
  } else if (typeof raw === "object" && raw !== null) {
    for (const name of Object.keys(raw)) resolveOne(["key", name], name);
  } else resolveOne(["key"], undefined);
  const sound = fields.filter((field) => field !== undefined);
  if (sound.length < fields.length || sound.length === 0) return undefined;
  return !named || checkDistinct(sound, context) ? sound : undefined;
}

function nameField(
  value: ExpressionSource,
  path: readonly (string | number)[],
  context: ResolveContext,
  named: boolean,
): KeyField | undefined {
  const text = value.expression.trim();
  const name = plainPath.test(text)
    ? text.slice(text.lastIndexOf(".") + 1)
    : quotedName.exec(text)?.[1];
  if (!named) return { name: text, value };
  if (name === undefined) {
    context.report(path, {
      code: "SPEC_KEY_NAME",
      message: `the key ${text} is no field or path, so the result's field has no name`,
      suggestion: `write key: { some_name: "${text}" }`,
      at: "value",
    });
    return undefined;
  }
  return checkFieldName(name, path, context, "value") ? { name, value } : undefined;
}

function checkDistinct(fields: readonly KeyField[], context: ResolveContext): boolean {
  const seen = new Set<string>();
  for (const [index, { name }] of fields.entries()) {
    if (seen.has(name)) {
      context.report(["key", index], {
        code: "SPEC_FIELD_REPEATED",
        message: `two fields of the key are named "${name}"`,
        suggestion: "write key as a map from name to expression",
        at: "value",
      });
      return false;
    }
    seen.add(name);
  }
  return true;
}

/** What of a key decides the layout of keyed state: names and expressions, in order. */
export function keyLayout(fields: readonly KeyField[]): JsonValue {
  return fields.map(({ name, value }) => [name, value.expression]);
}

/** Reads the key of records. */
export class KeyReader {
  readonly #fields: readonly KeyField[];
  readonly #expressions: readonly CompiledExpression[];
  /** For messages. */
  readonly #subjects: readonly string[];
  /** The components of the last key that was read without fault; a new array each time. */
  values: readonly Value[] = [];

  constructor(fields: readonly KeyField[], context: OperatorContext) {
    this.#fields = fields;
    this.#expressions = fields.map(({ value }) => context.compile(value));
    this.#subjects = fields.map(({ name }) => `key ${name}`);
  }

  /** The key's canonical text, or the fault of a record that has none. */
  read(record: StreamRecord, context: EvaluationContext): string | RecordFault {
    const values: Value[] = [];
    for (let index = 0; index < this.#expressions.length; index += 1) {
      let value: Value | undefined;
      try {
        value = evaluateRecord(this.#expressions[index] as CompiledExpression, record, context);
      } catch (error) {
        const { value: source } = this.#fields[index] as KeyField;
        return expressionFault(error, this.#subjects[index] as string, source);
      }
      if (value === undefined || value === null) return this.#missing(index, value);
      if (typeof value !== "string") {
        const fault = outputFault(value, this.#subjects[index] as string);
        if (fault !== undefined) return fault;
      }
      values.push(value);
    }
    this.values = values;
    return encodeKey(values);
  }

  #missing(index: number, value: null | undefined): RecordFault {
    const expression = this.#fields[index]?.value.expression.trim() ?? "";
    return {
      code: "KEY_MISSING",
      message: `${this.#subjects[index]} is ${value === null ? "null" : "absent"}`,
      ...(plainPath.test(expression) ? { path: `/${expression.replaceAll(".", "/")}` } : {}),
    };
  }
}
