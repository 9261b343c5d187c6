import { Ajv2020, Name, _ } from "ajv/dist/2020.js";
import type { CodeKeywordDefinition, KeywordCxt } from "ajv/dist/2020.js";
import { formats } from "./formats.ts";
import { compilePattern } from "./pattern-engine.ts";

/** Judges a JSON number under `format: decimal` by its source text, which only the caller's record still has. */
export type DecimalNumberCheck = (value: number, instancePath: string) => boolean;

/** ajv's name, in the code it generates, for where the value at hand stands in the record. */
const instancePathName = new Name("instancePath");

/**
 * An ajv for one schema: draft 2020-12, strict, without anything that changes, loads or guesses. Records are judged
 * in this order: `required`, the properties as listed, names beyond them, then what combines schemas.
 */
export function createAjv(
  isDecimalNumber: DecimalNumberCheck,
  options: { readonly allErrors: boolean } = { allErrors: false },
): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    // Both refuse schemas that are right: `required` inside `anyOf`, and open tuples.
    strictRequired: false,
    strictTuples: false,
    $data: false,
    ownProperties: true,
    allErrors: options.allErrors,
    coerceTypes: false,
    useDefaults: false,
    removeAdditional: false,
    // `checkSchemaDocument` has done it, once for all compilations.
    validateSchema: false,
    messages: false,
    logger: false,
    code: { regExp: Object.assign(compilePattern, { code: "compilePattern" }) },
  });
  // Resolved by ajv, but unknown to its strict mode.
  ajv.addKeyword("$anchor");
  ajv.removeKeyword("format");
  ajv.addKeyword(formatKeyword(isDecimalNumber));
  orderRules(ajv);
  return ajv;
}

/** ajv's own `format` looks at texts or at numbers; a decimal may be either. */
function formatKeyword(isDecimalNumber: DecimalNumberCheck): CodeKeywordDefinition {
  return {
    keyword: "format",
    type: ["number", "string"],
    schemaType: "string",
    error: {
      message: "format",
      params: ({ schemaCode }) => _`{format: ${schemaCode}}`,
    },
    code(cxt: KeywordCxt, ruleType?: string): void {
      const { gen, data, it } = cxt;
      const format = String(cxt.schema);
      const check = formats.get(format);
      // ajv's own meta-schema uses formats of its own, without asserting them.
      if (it.opts.validateFormats === false) return;
      if (check === undefined) throw new Error(`unknown format "${format}"`);
      if (ruleType === "string") {
        cxt.pass(_`${gen.scopeValue("formats", { key: format, ref: check })}(${data})`);
      } else if (format === "decimal") {
        const numberCheck = gen.scopeValue("func", { ref: isDecimalNumber });
        cxt.pass(_`${numberCheck}(${data}, ${instancePathName} + ${it.errorPath})`);
      }
    },
  };
}

/**
 * ajv stops at the first fault and would look for unlisted names before the listed ones, and at `anyOf` and the like
 * before both. The order of faults is a promise (semantics.md section 1), so it is set here. The `unevaluated`
 * keywords must stay behind everything whose results they build on, anchors (of the meta-schema) before everything.
 */
function orderRules(ajv: Ajv2020): void {
  const { RULES: rules } = ajv;
  const untyped = rules.rules.filter((group) => group.type === undefined);
  const anchors = untyped.map((group) => ({
    ...group,
    rules: group.rules.filter((rule) => !combiningKeywords.has(rule.keyword)),
  }));
  for (const group of untyped) {
    group.rules = group.rules.filter((rule) => combiningKeywords.has(rule.keyword));
  }
  const typed = rules.rules.filter((group) => group.type !== undefined);
  const unevaluated: typeof typed = [];
  for (const group of typed) {
    const rank = (keyword: string): number => {
      const place = objectKeywords.indexOf(keyword);
      return place < 0 ? objectKeywords.length : place;
    };
    unevaluated.push({
      ...group,
      rules: group.rules.filter((rule) => rule.keyword.startsWith("unevaluated")),
    });
    group.rules = group.rules
      .filter((rule) => !rule.keyword.startsWith("unevaluated"))
      .sort((a, b) => rank(a.keyword) - rank(b.keyword));
  }
  rules.rules = [...anchors, ...typed, ...untyped, ...unevaluated];
}

const objectKeywords: readonly string[] = [
  "required",
  "properties",
  "patternProperties",
  "additionalProperties",
];

const combiningKeywords: ReadonlySet<string> = new Set([
  "$ref",
  "const",
  "enum",
  "not",
  "anyOf",
  "oneOf",
  "allOf",
  "if",
  "then",
  "else",
]);
