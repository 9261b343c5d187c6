import { nearestName } from "../core/nearest.ts";
import type { SpecPath } from "./job-spec.ts";
import { nameGrammar } from "./parameter-schema.ts";
import type { Parameter, Parameters } from "./parameters.ts";
import type { SpecFindings } from "./spec-findings.ts";

export interface Substituted {
  readonly text: string;
  /** The parameter that makes up all of the text: its type may then be taken over. */
  readonly whole: Parameter | undefined;
  /** Its text must not be shown. */
  readonly secret: boolean;
}

const reference = /\$\{([^}]*)(\}?)/g;

/**
 * Puts parameters into the text of a literal. What is put in is never read again. Undefined if a parameter has no
 * value or does not exist, which has been reported.
 */
export function substitute(
  text: string,
  path: SpecPath,
  parameters: Parameters,
  findings: SpecFindings,
): Substituted | undefined {
  if (!text.includes("${")) return { text, whole: undefined, secret: false };
  let result = "";
  let end = 0;
  let whole: Parameter | undefined;
  let secret = false;
  let complete = true;
  for (const match of text.matchAll(reference)) {
    const [written, name = "", brace] = match;
    const parameter = find(name, brace === "}", match.index, written.length);
    complete &&= parameter !== undefined;
    result += text.slice(end, match.index) + (parameter?.text ?? "");
    end = match.index + written.length;
    secret ||= parameter?.secret ?? false;
    if (written.length === text.length) whole = parameter;
  }
  return complete ? { text: result + text.slice(end), whole, secret } : undefined;

  function find(
    name: string,
    closed: boolean,
    offset: number,
    length: number,
  ): Parameter | undefined {
    const parameter = parameters.values.get(name);
    if (closed && parameters.values.has(name)) {
      if (parameter?.secret === true && path[0] !== "kafka") {
        findings.inside(path, offset, length, {
          code: "SPEC_SECRET_EXPOSED",
          message: `the secret parameter ${name} may only be used under kafka:`,
        });
        return undefined;
      }
      return parameter;
    }
    findings.inside(path, offset, Math.min(length, 200), {
      code: "SPEC_PARAMETER_UNDEFINED",
      ...describe(name, closed, parameters),
    });
    return undefined;
  }
}

function describe(
  name: string,
  closed: boolean,
  parameters: Parameters,
): { message: string; suggestion: string } {
  if (!closed) {
    return { message: "${ is never closed by }", suggestion: "a parameter is written ${name}" };
  }
  if (!nameGrammar.test(name)) {
    const inner = nearestName(name, parameters.values.keys());
    const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}...` : name);
    return {
      message: `${shown} is no name of a parameter`,
      suggestion:
        inner === undefined
          ? "declare it under `parameters:`, with its `default` and its environment variable `env`"
          : `did you mean "${inner}"?`,
    };
  }
  const nearest = nearestName(name, parameters.values.keys());
  return {
    message: `the parameter ${name.slice(0, 60)} is not declared`,
    suggestion:
      nearest === undefined ? "declare it under `parameters:`" : `did you mean "${nearest}"?`,
  };
}
