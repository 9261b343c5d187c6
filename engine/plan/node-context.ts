import { basename } from "node:path";
import type { RoundingMode } from "../core/decimal.ts";
import { parseDuration } from "../core/duration.ts";
import { excerpt } from "../core/json-text.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { ConnectorResolveContext } from "../connectors/connector.ts";
import { compileExpression } from "../expression/compile.ts";
import { ExpressionError } from "../expression/expression.ts";
import type {
  CompileContext,
  CompiledExpression,
  ExpressionScope,
  ValueFacts,
} from "../expression/expression.ts";
import { expressionPlace } from "../expression/place.ts";
import type { ExpressionSource, ResolveContext } from "../operators/operator.ts";
import { adviseDuration } from "../spec/duration-advice.ts";
import type { Span, SpecPath, SpecPositions } from "../spec/job-spec.ts";
import type { Findings, Report } from "./findings.ts";
import type { JobFiles } from "./job-files.ts";
import { valueAt } from "./raw.ts";

/** What all nodes of a job share while they are resolved. */
export interface JobContext {
  readonly findings: Findings;
  /** The job's. */
  readonly file: string;
  readonly positions: SpecPositions;
  readonly files: JobFiles;
  /** One context for each scope, made once: the compiler keeps what it derives from it. */
  readonly compileContexts: Readonly<Record<ExpressionScope, CompileContext>>;
  /** Parameters that expressions must not read. */
  readonly secrets: ReadonlySet<string>;
  readonly rounding: RoundingMode;
  readonly kafka: JsonObject;
}

/** An expression that compiled, for the checks that come after resolving. */
export interface ReadExpression {
  /** Relative to its node, such as ["set", "tax"]. */
  readonly path: SpecPath;
  readonly scope: ExpressionScope;
  readonly compiled: CompiledExpression;
}

type NodePath = readonly (string | number)[];

/** Reads the config of one source, step or sink for its definition, and remembers its expressions. */
export class NodeContext implements ResolveContext, ConnectorResolveContext {
  readonly rounding: RoundingMode;
  readonly kafka: JsonObject;
  readonly expressions: ReadExpression[] = [];
  /** The record schema that the node read last. */
  recordSchema: JsonObject | undefined;
  readonly #raw: JsonObject;
  readonly #base: SpecPath;
  readonly #job: JobContext;
  #failed = false;

  constructor(raw: JsonObject, base: SpecPath, job: JobContext) {
    this.#raw = raw;
    this.#base = base;
    this.#job = job;
    this.rounding = job.rounding;
    this.kafka = job.kafka;
  }

  /** True once an error has been reported for this node. */
  get failed(): boolean {
    return this.#failed;
  }

  expression(path: NodePath, scope: ExpressionScope = "record"): ExpressionSource | undefined {
    const place = [...this.#base, ...path];
    const source = this.#expressionText(valueAt(this.#raw, path), place);
    if (source === undefined) return undefined;
    try {
      const compiled = compileExpression(source, this.#job.compileContexts[scope]);
      this.expressions.push({ path, scope, compiled });
      const { file, positions } = this.#job;
      const position = (offset: number): Span => positions.inside(place, offset);
      const marked = expressionPlace(basename(file), source.length, position);
      return { expression: source, scope, place: marked };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.#failed = true;
      this.#reportExpression(place, source, error);
      return undefined;
    }
  }

  /**
   * Compiles an expression again, with what is known of the fields it reads: faults of every record are found here.
   * Gives what the expression gives.
   */
  checkTypes(expression: ReadExpression, fields: ReadonlyMap<string, ValueFacts>): ValueFacts {
    const { source } = expression.compiled;
    try {
      const context = { ...this.#job.compileContexts[expression.scope], fields };
      return compileExpression(source, context).gives;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.#failed = true;
      this.#reportExpression([...this.#base, ...expression.path], source, error);
      return expression.compiled.gives;
    }
  }

  durationMs(path: NodePath): number | undefined {
    const value = valueAt(this.#raw, path);
    if (value === undefined) return undefined;
    const durationMs = typeof value === "string" ? parseDuration(value) : undefined;
    if (durationMs === undefined) this.report(path, durationFault(value));
    return durationMs;
  }

  schema(path: NodePath): JsonObject | undefined {
    const value = valueAt(this.#raw, path);
    if (typeof value !== "string") return undefined;
    const schema = this.#job.files.schema(value, [...this.#base, ...path]);
    if (schema === undefined) this.#failed = true;
    this.recordSchema = schema;
    return schema;
  }

  path(path: NodePath): string | undefined {
    const value = valueAt(this.#raw, path);
    if (typeof value !== "string") return undefined;
    const inside = this.#job.files.checkPath(value, [...this.#base, ...path]);
    if (!inside) this.#failed = true;
    return inside ? value : undefined;
  }

  report(path: NodePath, finding: Report & { readonly at?: "key" | "value" }): void {
    if (finding.severity !== "warning") this.#failed = true;
    this.#job.findings.report([...this.#base, ...path], finding);
  }

  /** At code unit `offset` of the expression at `path`. */
  reportInside(path: NodePath, offset: number, length: number, finding: Report): void {
    if (finding.severity !== "warning") this.#failed = true;
    this.#job.findings.reportInside([...this.#base, ...path], offset, length, finding);
  }

  /** A YAML number stands for itself, digit by digit as it was written. */
  #expressionText(value: JsonValue | undefined, place: SpecPath): string | undefined {
    if (typeof value === "string") return value;
    if (typeof value === "boolean") return String(value);
    if (typeof value !== "number") return undefined;
    const written = this.#job.positions.sourceText(place);
    return written !== undefined && plainNumber.test(written) ? written : String(value);
  }

  #reportExpression(place: SpecPath, source: string, error: ExpressionError): void {
    const secret = [...this.#job.secrets].find((name) => error.message.includes(`"${name}"`));
    const report =
      secret !== undefined && error.reason === "UNKNOWN_PARAMETER"
        ? {
            code: "EXPRESSION_SECRET",
            message: `parameter "${secret}" is secret: an expression cannot read it`,
          }
        : { code: expressionCode(error.reason), message: error.message };
    const offset = Math.min(Math.max(error.offset, 0), source.length);
    this.#job.findings.reportInside(place, offset, tokenLength(source, offset), report);
  }
}

const plainNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

export function durationFault(value: JsonValue): Report {
  const advice = adviseDuration(typeof value === "string" ? value : excerpt(value));
  return { code: "SPEC_BAD_DURATION", ...advice };
}

/** Finding codes by what the compiler says is wrong; JSONata's own codes by their group. */
const codeByReason: Readonly<Record<string, string>> = {
  SYNTAX: "EXPRESSION_SYNTAX",
  SOURCE_LIMIT: "EXPRESSION_TOO_LARGE",
  UNSUPPORTED: "EXPRESSION_UNSUPPORTED",
  OUT_OF_SCOPE: "EXPRESSION_OUT_OF_SCOPE",
  UNKNOWN_VARIABLE: "EXPRESSION_UNKNOWN_VARIABLE",
  UNKNOWN_TABLE: "EXPRESSION_UNKNOWN_TABLE",
  UNKNOWN_PARAMETER: "EXPRESSION_UNKNOWN_PARAMETER",
  DECIMAL_DIVISION: "EXPRESSION_DECIMAL_DIVISION",
  DECIMAL_UNSUPPORTED: "EXPRESSION_DECIMAL_UNSUPPORTED",
  T1005: "EXPRESSION_UNKNOWN_FUNCTION",
  T1006: "EXPRESSION_UNKNOWN_FUNCTION",
};

function expressionCode(reason: string): string {
  if (Object.hasOwn(codeByReason, reason)) return codeByReason[reason] ?? "";
  if (/^S[0-9]/.test(reason)) return "EXPRESSION_SYNTAX";
  if (reason.startsWith("T04")) return "EXPRESSION_ARGUMENTS";
  if (/^T[0-9]/.test(reason)) return "EXPRESSION_TYPE";
  return "EXPRESSION_INVALID";
}

function tokenLength(source: string, offset: number): number {
  const word = /^(?:\$?[\w]+|\S)/.exec(source.slice(offset));
  return word?.[0].length ?? 0;
}
