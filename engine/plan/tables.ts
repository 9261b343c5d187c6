import { parseDecimal } from "../core/decimal.ts";
import { excerpt } from "../core/json-text.ts";
import type { JsonValue } from "../core/json.ts";
import type { Value } from "../core/value.ts";
import type { Table } from "../expression/expression.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import type { Findings } from "./findings.ts";
import type { JobFiles } from "./job-files.ts";
import { isLost } from "./lost-parts.ts";
import type { PlanTable } from "./plan.ts";
import { isObject, objectOf, textOf } from "./raw.ts";
import { csvRows, jsonRows, specRows } from "./table-rows.ts";
import type { Cell, Row } from "./table-rows.ts";

type ColumnType = PlanTable["columns"][string];

/** A table as the plan keeps it, and as expressions read it. Rows with faults are left out of both. */
export interface ReadTable {
  readonly plan: PlanTable;
  readonly table: Table;
}

export function readTables(
  spec: JobSpec,
  files: JobFiles,
  findings: Findings,
): ReadonlyMap<string, ReadTable> {
  const tables = new Map<string, ReadTable>();
  for (const [name, raw] of Object.entries(objectOf(spec.root["tables"]))) {
    const path = ["tables", name];
    const declared = objectOf(raw);
    const key = textOf(declared["key"]) ?? "";
    const columns = columnsOf(declared["values"]);
    if (columns.has(key) || columns.has("__proto__") || key === "__proto__") {
      findings.report([...path, "key"], {
        code: "TABLE_COLUMN_NAME",
        message: columns.has(key)
          ? `column "${key}" is the key; it cannot also be a value`
          : "a column cannot be called __proto__",
      });
    }
    const rows = readRows(spec, declared, name, key, [...columns.keys()], files, findings);
    tables.set(name, convert(name, key, columns, rows ?? []));
  }
  return tables;
}

function columnsOf(values: JsonValue | undefined): ReadonlyMap<string, ColumnType> {
  const types: readonly JsonValue[] = ["decimal", "text", "number", "boolean"];
  return new Map(
    Object.entries(objectOf(values)).filter((column): column is [string, ColumnType] =>
      types.includes(column[1]),
    ),
  );
}

function readRows(
  spec: JobSpec,
  declared: ReturnType<typeof objectOf>,
  name: string,
  key: string,
  columns: readonly string[],
  files: JobFiles,
  findings: Findings,
): readonly Row[] | undefined {
  const path = ["tables", name];
  const { rows, file } = declared;
  if (isLost(spec, [...path, "rows"]) || isLost(spec, [...path, "file"])) return undefined;
  if ((rows === undefined) === (file === undefined)) {
    findings.report(path, {
      code: "TABLE_ROWS",
      message:
        rows === undefined
          ? `table ${name} has no rows`
          : `table ${name} has both \`rows\` and \`file\``,
      suggestion: "give either `rows:` or `file:`",
      at: "key",
    });
    return undefined;
  }
  if (isObject(rows)) return specRows(rows, [...path, "rows"], spec, findings);
  if (typeof file !== "string") return undefined;
  const place = [...path, "file"];
  if (/\.json$/i.test(file)) {
    const document = files.json(file, place, "TABLE_FORMAT");
    return document && jsonRows(document, key, findings);
  }
  if (!/\.csv$/i.test(file)) {
    findings.report(place, {
      code: "TABLE_FORMAT",
      message: `${excerpt(file)} is neither a .csv nor a .json file`,
    });
    return undefined;
  }
  const document = files.text(file, place);
  return document && csvRows(document, key, columns, findings);
}

function convert(
  name: string,
  key: string,
  columns: ReadonlyMap<string, ColumnType>,
  rows: readonly Row[],
): ReadTable {
  const seen = new Set<string>();
  const planned: [string, Record<string, JsonValue>][] = [];
  const exact = new Map<string, Record<string, Value>>();
  for (const row of rows) {
    if (seen.has(row.key)) {
      row.report({
        code: "TABLE_KEY_REPEATED",
        message: `table ${name} has two rows with the key ${JSON.stringify(row.key)}`,
      });
      continue;
    }
    seen.add(row.key);
    checkColumns(row, name, columns);
    const cells: [string, JsonValue][] = [];
    const values: [string, Value][] = [];
    for (const [column, type] of columns) {
      const cell = row.cells.get(column);
      const value = cell && readCell(cell, type);
      if (value === undefined) continue;
      cells.push([column, value]);
      const decimal = type === "decimal" ? parseDecimal(String(value)) : undefined;
      values.push([column, decimal ?? value]);
    }
    planned.push([row.key, Object.fromEntries(cells)]);
    exact.set(row.key, Object.fromEntries(values));
  }
  return {
    plan: { name, key, columns: Object.fromEntries(columns), rows: Object.fromEntries(planned) },
    table: { name, rows: exact },
  };
}

function checkColumns(row: Row, name: string, columns: ReadonlyMap<string, ColumnType>): void {
  for (const column of columns.keys()) {
    if (row.cells.has(column)) continue;
    row.report({
      code: "TABLE_COLUMN_MISSING",
      message: `row ${JSON.stringify(row.key)} of table ${name} has no "${column}"`,
    });
  }
  for (const [column, cell] of row.cells) {
    if (columns.has(column)) continue;
    cell.report({
      code: "TABLE_COLUMN_UNKNOWN",
      message: `table ${name} declares no column ${JSON.stringify(column)}`,
      suggestion: `its columns are ${[...columns.keys()].join(", ")}`,
    });
  }
}

const plainNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** The value as the plan keeps it: decimals as text. Undefined after reporting. */
function readCell(cell: Cell, type: ColumnType): string | number | boolean | undefined {
  const value = cellValue(cell, type);
  if (value === undefined) {
    cell.report({
      code: "TABLE_VALUE",
      message: `${excerpt(cell.written ?? cell.value)} is not ${wantedByType[type]}`,
    });
  }
  return value;
}

function cellValue(cell: Cell, type: ColumnType): string | number | boolean | undefined {
  const { value, written, untyped } = cell;
  if (type === "text") return typeof value === "string" ? value : undefined;
  if (type === "decimal") {
    const text = typeof value === "number" ? exactText(value, written) : value;
    return typeof text === "string" && parseDecimal(text) !== undefined ? text : undefined;
  }
  if (type === "number") {
    const number = untyped && plainNumber.test(written ?? "") ? Number(written) : value;
    return typeof number === "number" && Number.isFinite(number) ? number : undefined;
  }
  if (untyped) return written === "true" || written === "false" ? written === "true" : undefined;
  return typeof value === "boolean" ? value : undefined;
}

const wantedByType: Readonly<Record<ColumnType, string>> = {
  text: "text: write it in quotes",
  decimal: 'a decimal: write digits such as "0.19", at most 38 of them',
  number: "a number",
  boolean: "true or false",
};

/** Digits as they were written; of a parameter's value, as it prints. */
function exactText(value: number, written: string | undefined): string {
  return written === undefined || written.startsWith("$") || /^["']/.test(written)
    ? String(value)
    : written;
}
