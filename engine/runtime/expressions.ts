import { parseDecimal } from "../core/decimal.ts";
import type { Value, ValueObject } from "../core/value.ts";
import { compileExpression } from "../expression/compile.ts";
import type {
  CompileContext,
  CompiledExpression,
  ExpressionScope,
  Table,
} from "../expression/expression.ts";
import type { Plan, PlanTable } from "../plan/plan.ts";

function runtimeTable(table: PlanTable): Table {
  const rows = new Map<string, ValueObject>();
  for (const [key, row] of Object.entries(table.rows)) {
    const values: Record<string, Value> = {};
    for (const [column, value] of Object.entries(row)) {
      const decimal =
        table.columns[column] === "decimal" && typeof value === "string"
          ? parseDecimal(value)
          : undefined;
      values[column] = decimal ?? value;
    }
    rows.set(key, values);
  }
  return { name: table.name, rows };
}

/** Compiles the plan's expressions, with the job's tables, parameters and rounding. */
export function expressionCompiler(
  plan: Plan,
): (source: {
  readonly expression: string;
  readonly scope: ExpressionScope;
}) => CompiledExpression {
  const tables = new Map(plan.tables.map((table) => [table.name, runtimeTable(table)]));
  const parameters = new Map(Object.entries(plan.parameters));
  const { rounding } = plan;
  const contexts = new Map<ExpressionScope, CompileContext>();
  return ({ expression, scope }) => {
    let context = contexts.get(scope);
    if (context === undefined) {
      context = { scope, tables, parameters, rounding };
      contexts.set(scope, context);
    }
    return compileExpression(expression, context);
  };
}
