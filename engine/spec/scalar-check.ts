import { formatDuration, parseDuration } from "../core/duration.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { nearestName } from "../core/nearest.ts";
import { shown } from "./check-context.ts";
import type { CheckContext } from "./check-context.ts";
import { adviseDuration } from "./duration-advice.ts";
import type { SpecPath } from "./job-spec.ts";
import { reportBadName } from "./name-check.ts";
import { readBoolean, readNumber } from "./parameters.ts";
import { describePlace, objectKind } from "./place-names.ts";
import { choicesOf } from "./schema-shape.ts";
import type { SpecScalar } from "./spec-node.ts";
import { substitute } from "./substitution.ts";
import { allowsType, reportWrongType, typesOf } from "./type-check.ts";
import { adviseType } from "./vocabulary.ts";

type Scalar = SpecScalar["value"];

/** A literal after substitution. */
interface Literal {
  readonly value: Scalar;
  /** What may be shown of it; undefined if it is secret. */
  readonly text: string | undefined;
}

/** Checks one scalar against its schema. Undefined if it is faulty, which has been reported. */
export function checkScalar(
  context: CheckContext,
  node: SpecScalar,
  schema: JsonObject,
  path: SpecPath,
): JsonValue | undefined {
  const types = typesOf(schema);
  if (schema["x-pipeline"] === "expression") return checkExpression(context, node, path);
  const literal = readLiteral(context, node, types, path);
  if (literal === undefined) return undefined;
  if (schema["x-pipeline"] === "duration") return checkDuration(context, literal, schema, path);
  const { value } = literal;
  const type = value === null ? "null" : typeof value;
  if (!allowsType(types, type)) {
    reportWrongType(context, path, types ?? [], type, literal.text);
    return undefined;
  }
  if (
    typeof value === "number" &&
    types?.includes("integer") === true &&
    !types.includes("number") &&
    !Number.isSafeInteger(value)
  ) {
    reportWrongType(context, path, types, "a fraction or a number too large to count", undefined);
    return undefined;
  }
  const choices = choicesOf(schema);
  if (choices !== undefined && !choices.includes(value)) {
    reportBadChoice(context, literal, choices, path);
    return undefined;
  }
  const fault =
    typeof value === "number"
      ? numberFault(value, schema)
      : typeof value === "string"
        ? lengthFault(value, schema)
        : undefined;
  if (fault !== undefined) {
    const message = `${describePlace(path, context.root)} ${fault}`;
    context.findings.atValue(path, { code: "SPEC_BAD_VALUE", message });
    return undefined;
  }
  if (typeof value === "string" && !checkPattern(context, value, schema, path)) return undefined;
  return value;
}

/** Never touched: what is written is what is compiled. */
function checkExpression(
  context: CheckContext,
  node: SpecScalar,
  path: SpecPath,
): JsonValue | undefined {
  const { value } = node;
  if (value === null || value === "") {
    context.findings.atValue(path, {
      code: "SPEC_WRONG_TYPE",
      message: `${describePlace(path, context.root)} has no value; an expression is expected`,
    });
    return undefined;
  }
  if (typeof value !== "string") return value;
  for (const match of value.matchAll(/\$\{([a-z][a-z0-9_]*)\}/g)) {
    const [written, name = ""] = match;
    if (!context.parameters.values.has(name)) continue;
    context.findings.inside(path, match.index, written.length, {
      code: "SPEC_PARAMETER_IN_EXPRESSION",
      severity: "warning",
      message: `\${${name}} is not put into expressions`,
      suggestion: `write $param('${name}')`,
    });
  }
  return value;
}

function readLiteral(
  context: CheckContext,
  node: SpecScalar,
  types: readonly string[] | undefined,
  path: SpecPath,
): Literal | undefined {
  // The declarations themselves are not substituted: nothing is put into what is put in.
  if (typeof node.value !== "string" || path[0] === "parameters") {
    return { value: node.value, text: node.text };
  }
  const substituted = substitute(node.value, path, context.parameters, context.findings);
  if (substituted === undefined) return undefined;
  const { text, whole, secret } = substituted;
  const visible = secret ? undefined : text;
  if (whole === undefined || types?.includes("string") === true)
    return { value: text, text: visible };
  if (types === undefined) return { value: whole.value, text: visible };
  const numeric = types.includes("number") || types.includes("integer");
  const converted =
    (numeric ? readNumber(text) : undefined) ??
    (types.includes("boolean") ? readBoolean(text) : undefined);
  return { value: converted ?? text, text: visible };
}

function checkDuration(
  context: CheckContext,
  literal: Literal,
  schema: JsonObject,
  path: SpecPath,
): JsonValue | undefined {
  const { value } = literal;
  const place = describePlace(path, context.root);
  if (value === null || typeof value === "boolean") {
    const message = `${place} must be a duration such as 10s or 24h`;
    context.findings.atValue(path, { code: "SPEC_BAD_DURATION", message });
    return undefined;
  }
  const ms = typeof value === "string" ? parseDuration(value) : undefined;
  if (ms === undefined) {
    const advice = adviseDuration(literal.text ?? "***");
    const message = `${place}: ${advice.message}`;
    const { suggestion } = advice;
    context.findings.atValue(path, { code: "SPEC_BAD_DURATION", message, suggestion });
    return undefined;
  }
  const fault = numberFault(ms, schema, formatDuration);
  if (fault !== undefined) {
    context.findings.atValue(path, { code: "SPEC_BAD_DURATION", message: `${place} ${fault}` });
    return undefined;
  }
  return value;
}

function reportBadChoice(
  context: CheckContext,
  literal: Literal,
  choices: readonly JsonValue[],
  path: SpecPath,
): void {
  const names = choices.map((choice) =>
    typeof choice === "string" ? choice : JSON.stringify(choice),
  );
  const written = literal.text ?? "***";
  const place = describePlace(path, context.root);
  if (path.at(-1) === "type" && path[0] !== "parameters") {
    const { code, suggestion } = adviseType(written, objectKind(path.slice(0, -1)), names);
    const available = code === "SPEC_NOT_AVAILABLE" ? "is not available yet" : "does not exist";
    context.findings.atValue(path, {
      code,
      message: `the type ${shown(written)} ${available} (${place})`,
      suggestion,
    });
    return;
  }
  const nearest = nearestName(written, names);
  const [only] = names;
  context.findings.atValue(path, {
    code: "SPEC_BAD_VALUE",
    message:
      names.length === 1
        ? `${place} must be ${only}, not ${shown(written)}`
        : `${place} must be one of ${names.join(", ")}, not ${shown(written)}`,
    suggestion: nearest === undefined ? undefined : `did you mean "${nearest}"?`,
  });
}

function numberFault(
  value: number,
  schema: JsonObject,
  format: (limit: number) => string = String,
): string | undefined {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  const found = `not ${format(value)}`;
  if (typeof minimum === "number" && value < minimum) {
    return `must be at least ${format(minimum)}, ${found}`;
  }
  if (typeof maximum === "number" && value > maximum) {
    return `must be at most ${format(maximum)}, ${found}`;
  }
  if (typeof above === "number" && value <= above) {
    return `must be more than ${format(above)}, ${found}`;
  }
  if (typeof below === "number" && value >= below) {
    return `must be less than ${format(below)}, ${found}`;
  }
  return undefined;
}

function codePoints(text: string): number {
  return Array.from(text).length;
}

/** Lengths count code points, as JSON Schema has it. */
function lengthFault(text: string, schema: JsonObject): string | undefined {
  const { minLength, maxLength } = schema;
  if (typeof minLength === "number" && codePoints(text) < minLength) {
    return minLength === 1 ? "must not be empty" : `must have at least ${minLength} characters`;
  }
  if (typeof maxLength === "number" && codePoints(text) > maxLength) {
    return `must have at most ${maxLength} characters`;
  }
  return undefined;
}

function checkPattern(
  context: CheckContext,
  text: string,
  schema: JsonObject,
  path: SpecPath,
): boolean {
  const [top, , field] = path;
  const isId = top === "steps" && path.length === 3 && (field === "id" || field === "was");
  // A misspelt id stays: what refers to it is no second fault.
  if (isId) return reportBadName(context, text, path, "value") !== "reserved";
  const pattern = schema["pattern"];
  if (typeof pattern !== "string" || new RegExp(pattern, "u").test(text)) return true;
  const isJobName = path.length === 1 && top === "name";
  const proposal = text.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const fits = isJobName && new RegExp(pattern, "u").test(proposal);
  context.findings.atValue(path, {
    code: isJobName ? "SPEC_NAME" : "SPEC_BAD_VALUE",
    message: isJobName
      ? `${shown(text)} is no name of a job: small letters, digits, _ and -, a letter first`
      : `${describePlace(path, context.root)} does not match ${pattern}`,
    suggestion: fits ? `write ${proposal}` : undefined,
  });
  return false;
}
