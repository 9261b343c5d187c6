import { CsvError, parse } from "csv-parse/sync";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { JobSpec, Span, SpecPath } from "../spec/job-spec.ts";
import type { Findings, Report } from "./findings.ts";
import { pointerPart } from "./json-places.ts";
import type { JsonFile, TextFile } from "./job-files.ts";
import { isObject, objectOf } from "./raw.ts";

/** One value of a table as some file wrote it. */
export interface Cell {
  readonly value: JsonValue;
  /** The source text of a number; for CSV the text of every cell. */
  readonly written: string | undefined;
  /** True for CSV, where nothing but text can be written. */
  readonly untyped: boolean;
  report(report: Report): void;
}

export interface Row {
  readonly key: string;
  readonly cells: ReadonlyMap<string, Cell>;
  /** At the row's key. */
  report(report: Report): void;
}

/** `rows:` of the spec itself. */
export function specRows(
  rows: JsonObject,
  path: SpecPath,
  spec: JobSpec,
  findings: Findings,
): Row[] {
  return Object.entries(rows).map(([key, row]) => ({
    key,
    cells: new Map(
      Object.entries(objectOf(row)).map(([column, value]) => {
        const place = [...path, key, column];
        return [
          column,
          {
            value,
            written: typeof value === "number" ? spec.positions.sourceText(place) : undefined,
            untyped: false,
            report: (report) => findings.report(place, report),
          },
        ];
      }),
    ),
    report: (report) => findings.report([...path, key], { ...report, at: "key" }),
  }));
}

/** A JSON file: an object of rows by their key, or a list of rows that hold the key as a column. */
export function jsonRows(document: JsonFile, keyColumn: string, findings: Findings): Row[] {
  const { file, value, places } = document;
  const reportAt = (span: Span) => (report: Report) => findings.reportIn(file, span, report);
  for (const { name, span } of places.repeated) {
    reportAt(span)({
      code: "TABLE_KEY_REPEATED",
      message: `the name ${JSON.stringify(name)} stands twice in one object`,
    });
  }
  const cellsOf = (row: JsonObject, pointer: string): Map<string, Cell> =>
    new Map(
      Object.entries(row).map(([column, cell]) => {
        const place = pointer + pointerPart(column);
        const written = typeof cell === "number" ? places.sourceText(place) : undefined;
        const report = reportAt(places.value(place));
        return [column, { value: cell, written, untyped: false, report }];
      }),
    );
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, row]) => {
      const pointer = pointerPart(key);
      if (isObject(row)) {
        return [{ key, cells: cellsOf(row, pointer), report: reportAt(places.key(pointer)) }];
      }
      reportAt(places.value(pointer))(noRow);
      return [];
    });
  }
  if (!Array.isArray(value)) {
    reportAt(places.value(""))({
      code: "TABLE_FORMAT",
      message: "a table in JSON is an object of rows by their key, or a list of rows",
    });
    return [];
  }
  return value.flatMap((row: JsonValue, index) => {
    const pointer = pointerPart(index);
    const report = reportAt(places.value(pointer));
    if (!isObject(row)) {
      report(noRow);
      return [];
    }
    const key = Object.hasOwn(row, keyColumn) ? row[keyColumn] : undefined;
    if (typeof key !== "string") {
      report({
        code: "TABLE_KEY_MISSING",
        message: `the row has no text in its key column "${keyColumn}"`,
      });
      return [];
    }
    const cells = cellsOf(row, pointer);
    cells.delete(keyColumn);
    return [{ key, cells, report }];
  });
}

const noRow: Report = { code: "TABLE_FORMAT", message: "a row is an object of column -> value" };

interface CsvRecord {
  readonly record: readonly string[];
  /** `lines`: of the record's last line, from 1. */
  readonly info: { readonly lines: number };
}

/** The parser's types do not know its option `info`. */
function isCsvRecord(value: unknown): value is CsvRecord {
  return typeof value === "object" && value !== null && "record" in value && "info" in value;
}

/** A CSV file by RFC 4180 with a header. Undefined after reporting that it is none, or lacks columns. */
export function csvRows(
  document: TextFile,
  keyColumn: string,
  columns: readonly string[],
  findings: Findings,
): Row[] | undefined {
  const reportAt = (line: number) => (report: Report) =>
    findings.reportIn(document.file, { line, column: 1, endLine: line, endColumn: 2 }, report);
  let records: readonly unknown[];
  try {
    records = parse(document.text, {
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error["lines"] === "number" ? error["lines"] : 1;
    reportAt(line)({ code: "TABLE_FORMAT", message: `no CSV: ${error.message}` });
    return undefined;
  }
  const [header, ...rest] = records.filter(isCsvRecord);
  if (header === undefined) {
    reportAt(1)({
      code: "TABLE_FORMAT",
      message: "the file is empty",
      suggestion: `begin with the header ${[keyColumn, ...columns].join(",")}`,
    });
    return undefined;
  }
  const headerFine = checkHeader(header.record, keyColumn, columns, reportAt(1));
  if (!headerFine) return undefined;
  return rest.flatMap(({ record, info }) => {
    const report = reportAt(info.lines - lineBreaks(record));
    if (record.length !== header.record.length) {
      report({
        code: "TABLE_FORMAT",
        message: `the row has ${record.length} values, the header ${header.record.length} columns`,
      });
      return [];
    }
    const cells = new Map<string, Cell>();
    let key = "";
    for (const [index, value] of record.entries()) {
      const column = header.record[index] ?? "";
      if (column === keyColumn) key = value;
      else cells.set(column, { value, written: value, untyped: true, report });
    }
    return [{ key, cells, report }];
  });
}

function lineBreaks(record: readonly string[]): number {
  return record.join("").match(/\r\n|\n|\r/g)?.length ?? 0;
}

function checkHeader(
  header: readonly string[],
  keyColumn: string,
  columns: readonly string[],
  report: (report: Report) => void,
): boolean {
  const wanted = [keyColumn, ...columns];
  const missing = wanted.filter((column) => !header.includes(column));
  const unknown = header.filter((column) => !wanted.includes(column));
  const repeated = header.filter((column, index) => header.indexOf(column) !== index);
  for (const column of missing) {
    report({ code: "TABLE_COLUMN_MISSING", message: `the header has no column "${column}"` });
  }
  for (const column of unknown) {
    report({
      code: "TABLE_COLUMN_UNKNOWN",
      message: `the table declares no column ${JSON.stringify(column)}`,
      suggestion: `its columns are ${wanted.join(", ")}`,
    });
  }
  for (const column of repeated) {
    report({ code: "TABLE_FORMAT", message: `the header names column "${column}" twice` });
  }
  return missing.length === 0 && unknown.length === 0 && repeated.length === 0;
}
