import { Decimal, decimalText, parseDecimal } from "../core/decimal.ts";
import type { RecordFault } from "../core/fault.ts";
import { plainValue } from "../core/json-text.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { NumberToken } from "../core/number-token.ts";
import type { ValueObject } from "../core/value.ts";
import { createAjv } from "./ajv-instance.ts";
import { DecimalPaths } from "./decimal-paths.ts";
import type { RecordSchema, SchemaPass } from "./record-schema.ts";
import { schemaViolation, valueAt } from "./schema-fault.ts";

export { checkSchemaDocument } from "./check-schema.ts";
export { schemaFields } from "./schema-fields.ts";

/** The schema must have passed `checkSchemaDocument`; throws Error if ajv cannot compile it. */
export function compileRecordSchema(schema: JsonObject): RecordSchema {
  return new CompiledSchema(schema);
}

class CompiledSchema implements RecordSchema {
  readonly #validate: ReturnType<ReturnType<typeof createAjv>["compile"]>;
  /** Undefined if the schema declares no decimals. */
  readonly #decimals: DecimalPaths | undefined;
  /** The record under check while it holds exact values, of which ajv sees only the doubles. */
  #exactRecord: ValueObject | undefined;

  constructor(schema: JsonObject) {
    const ajv = createAjv((value, path) => this.#isDecimalNumber(value, path));
    this.#validate = ajv.compile(schema);
    const decimals = new DecimalPaths(schema);
    this.#decimals = decimals.isEmpty ? undefined : decimals;
  }

  check(value: ValueObject, exact: boolean): SchemaPass | RecordFault {
    const plain: JsonValue | ValueObject = exact ? plainValue(value) : value;
    this.#exactRecord = exact ? value : undefined;
    try {
      if (!this.#validate(plain)) return schemaViolation(this.#validate.errors, value);
    } catch (error) {
      // A recursive schema and a record nested deeper than the stack.
      if (!(error instanceof RangeError)) throw error;
      return {
        code: "SCHEMA_VIOLATION",
        message: "the record is nested too deeply for its schema",
      };
    }
    const converted = this.#decimals === undefined ? value : this.#decimals.convert(value);
    return { value: converted, exact: exact || converted !== value };
  }

  #isDecimalNumber(value: number, path: string): boolean {
    const record = this.#exactRecord;
    const found = record === undefined ? value : valueAt(record, path);
    if (found instanceof NumberToken) return parseDecimal(found.text) !== undefined;
    if (found instanceof Decimal) {
      return parseDecimal(found.token ?? decimalText(found)) !== undefined;
    }
    return parseDecimal(String(value)) !== undefined;
  }
}
