import type { JsonObject, JsonValue } from "../core/json.ts";
import { nearestName } from "../core/nearest.ts";
import type { ParameterValue, SpecPath } from "./job-spec.ts";
import type { SpecFindings } from "./spec-findings.ts";
import type { SpecMap, SpecNode, SpecScalar } from "./spec-node.ts";

/** Where values of parameters come from, in this order; then the declared `default`. */
export interface ParameterSources {
  /** `--param name=value`. */
  readonly arguments: ReadonlyMap<string, string>;
  /** The parameters file: names to values, or the production form under `FlinkApplicationProperties`. */
  readonly file: JsonObject | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Parameter extends ParameterValue {
  /** As it is put into text: a number keeps its digits. */
  readonly text: string;
}

export interface Parameters {
  /** Undefined for a declared parameter without a usable value, which has been reported. */
  readonly values: ReadonlyMap<string, Parameter | undefined>;
}

type ValueType = "text" | "number" | "boolean";

interface Given {
  readonly value: string | number | boolean;
  readonly text: string;
  /** For messages: `--param`, `the parameters file`, `KAFKA_BOOTSTRAP_SERVERS`. */
  readonly by: string;
}

const productionGroup = "FlinkApplicationProperties";

/** The declared parameters with their values after all overrides. */
export function readParameters(
  root: SpecMap,
  sources: ParameterSources,
  findings: SpecFindings,
): Parameters {
  const block = root.members.get("parameters")?.value;
  const declared = block?.kind === "map" ? block.members : new Map<string, { value: SpecNode }>();
  const fromFile = readParametersFile(sources.file, findings);
  const values = new Map<string, Parameter | undefined>();
  for (const [name, { value }] of declared) {
    if (value.kind === "map") {
      const given =
        fromArguments(sources, name) ?? fromFile.get(name) ?? fromEnvironment(sources, value);
      values.set(name, readParameter(name, value, given, findings));
    } else {
      // No declaration: the structural check says so, and uses of the name are no second fault.
      values.set(name, undefined);
    }
  }
  for (const name of sources.arguments.keys()) {
    reportUnknown(name, "--param", "error", values, findings);
  }
  for (const name of fromFile.keys()) {
    reportUnknown(name, "the parameters file", "warning", values, findings);
  }
  return { values };
}

function reportUnknown(
  name: string,
  by: string,
  severity: "error" | "warning",
  declared: ReadonlyMap<string, unknown>,
  findings: SpecFindings,
): void {
  if (declared.has(name)) return;
  const nearest = nearestName(name, declared.keys());
  findings.atKey(["parameters"], {
    code: "SPEC_PARAMETER_UNKNOWN",
    severity,
    message: `${by} sets ${shown(name)}, which the spec does not declare`,
    suggestion: nearest === undefined ? undefined : `did you mean "${nearest}"?`,
  });
}

function fromArguments(sources: ParameterSources, name: string): Given | undefined {
  const text = sources.arguments.get(name);
  return text === undefined ? undefined : { value: text, text, by: `--param ${name}` };
}

/** A variable that is set to nothing counts as not set, as most tools that start programs mean it. */
function fromEnvironment(sources: ParameterSources, declaration: SpecMap): Given | undefined {
  const variable = declaration.members.get("env")?.value;
  if (variable?.kind !== "scalar" || typeof variable.value !== "string") return undefined;
  if (!Object.hasOwn(sources.environment, variable.value)) return undefined;
  const text = sources.environment[variable.value];
  if (text === undefined || text === "") return undefined;
  return { value: text, text, by: `the environment variable ${variable.value}` };
}

function readParametersFile(
  file: JsonObject | undefined,
  findings: SpecFindings,
): ReadonlyMap<string, Given> {
  const given = new Map<string, Given>();
  const take = (name: string, value: JsonValue): void => {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      given.set(name, { value, text: String(value), by: "the parameters file" });
      return;
    }
    findings.atKey(["parameters"], {
      code: "SPEC_WRONG_TYPE",
      message: `the parameters file holds no text, number or boolean under ${shown(name)}`,
    });
  };
  for (const [name, value] of Object.entries(file ?? {})) {
    if (name === productionGroup && isObject(value)) {
      for (const [inner, member] of Object.entries(value)) take(inner.replaceAll(".", "_"), member);
    } else {
      take(name, value);
    }
  }
  return given;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function scalarAt(declaration: SpecMap, field: string): SpecScalar | undefined {
  const value = declaration.members.get(field)?.value;
  return value?.kind === "scalar" ? value : undefined;
}

function readParameter(
  name: string,
  declaration: SpecMap,
  override: Given | undefined,
  findings: SpecFindings,
): Parameter | undefined {
  const path = ["parameters", name];
  const secret = scalarAt(declaration, "secret")?.value === true;
  const fallback = scalarAt(declaration, "default");
  const type = declaredType(declaration, fallback);
  const ownDefault: Given | undefined =
    fallback === undefined || fallback.value === null
      ? undefined
      : { value: fallback.value, text: fallback.text, by: "default" };
  const read = (given: Given, place: SpecPath): Parameter | undefined => {
    const value = readAs(type, given);
    if (value !== undefined) return { value, text: given.text, secret };
    findings.at(place, given === ownDefault ? "value" : "key", path, {
      code: "SPEC_WRONG_TYPE",
      message: `${given.by} gives the parameter ${name} ${secret ? "a text" : shown(given.text)}, which is no ${type}`,
      suggestion:
        type === "boolean" ? "write true or false" : `write a ${type}, or another \`type:\``,
    });
    return undefined;
  };
  // A bad default is a fault of the spec even where something overrides it.
  const own = ownDefault && read(ownDefault, [...path, "default"]);
  if (override !== undefined) {
    if (secret && override.by.startsWith("--param")) {
      findings.atKey(path, {
        code: "SPEC_SECRET_ARGUMENT",
        severity: "warning",
        message: `the secret parameter ${name} is given on the command line, where other users can see it`,
        suggestion: "hand it over in the environment or in a parameters file",
      });
    }
    return read(override, path);
  }
  if (ownDefault === undefined && !declaration.members.has("default")) {
    const variable = scalarAt(declaration, "env")?.text;
    findings.atKey(path, {
      code: "SPEC_PARAMETER_MISSING",
      message: `the parameter ${name} has no value and no default`,
      suggestion: secret
        ? variable === undefined
          ? "name an environment variable: `env: ...`"
          : `set the environment variable ${variable}`
        : `pass --param ${name}=...${variable === undefined ? "" : ` or set the environment variable ${variable}`}`,
    });
  }
  return own;
}

function declaredType(declaration: SpecMap, fallback: SpecScalar | undefined): ValueType {
  const type = scalarAt(declaration, "type")?.value;
  if (type === "text" || type === "number" || type === "boolean") return type;
  if (typeof fallback?.value === "number") return "number";
  return typeof fallback?.value === "boolean" ? "boolean" : "text";
}

function readAs(type: ValueType, given: Given): string | number | boolean | undefined {
  if (type === "text") return given.text;
  if (type === "number") return readNumber(given.text);
  return readBoolean(given.text);
}

/** Text as a number, by JSON's grammar; undefined for anything else. */
export function readNumber(text: string): number | undefined {
  if (!/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

export function readBoolean(text: string): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
