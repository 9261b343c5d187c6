import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlanTable } from "../../engine/plan/plan.ts";
import { compile, job } from "./fixture.ts";
import type { Compiled } from "./fixture.ts";

const steps = [`{ id: last, type: filter, where: "$row('t', k).rate > 0" }`];
const columns = "key: region, values: { rate: decimal, name: text, share: number, eu: boolean }";

function withRows(rows: string): Compiled {
  return compile(
    job({
      steps,
      tail: `tables:\n  t:\n    key: region\n    values: { rate: decimal, name: text, share: number, eu: boolean }\n    rows:\n${rows}`,
    }),
  );
}

function withFile(name: string, text: string): Compiled {
  return compile(job({ steps, tail: `tables: { t: { ${columns}, file: ${name} } }` }), {
    [name]: text,
  });
}

function tableOf({ plan, findings }: Compiled): PlanTable {
  assert.ok(plan?.tables[0], JSON.stringify(findings, undefined, 1));
  return plan.tables[0];
}

const wanted = {
  de: { rate: "0.190", name: "Germany", share: 0.5, eu: true },
  uk: { rate: "0.2", name: "", share: 10, eu: false },
};

test("rows come from the spec, from CSV and from JSON, and are the same", () => {
  const sources: readonly Compiled[] = [
    withRows(
      '      de: { rate: "0.190", name: Germany, share: 0.5, eu: true }\n      uk: { rate: 0.2, name: "", share: 1e1, eu: false }\n',
    ),
    withFile(
      "t.csv",
      '\uFEFFregion,eu,name,share,rate\r\nde,true,"Germany",0.5,0.190\r\n"uk",false,,1e1,0.2\r\n',
    ),
    withFile(
      "t.json",
      '{"de": {"rate": "0.190", "name": "Germany", "share": 0.5, "eu": true}, "uk": {"rate": 0.2, "name": "", "share": 10, "eu": false}}',
    ),
    withFile(
      "t.json",
      '[{"region": "de", "rate": "0.190", "name": "Germany", "share": 0.5, "eu": true}, {"region": "uk", "rate": 0.2, "name": "", "share": 10, "eu": false}]',
    ),
  ];
  for (const compiled of sources) {
    const table = tableOf(compiled);
    assert.deepEqual(table.rows, wanted);
    assert.equal(table.key, "region");
  }
});

test("an unquoted number of a decimal column is read digit by digit", () => {
  for (const digits of ["0.10", "12.00", "12345678901234567890.123456789012345678"]) {
    const rows = `      de: { rate: ${digits}, name: a, share: 1, eu: true }\n`;
    assert.equal(tableOf(withRows(rows)).rows["de"]?.["rate"], digits);
    const json = `{"de": {"rate": ${digits}, "name": "a", "share": 1, "eu": true}}`;
    assert.equal(tableOf(withFile("t.json", json)).rows["de"]?.["rate"], digits);
  }
});

test("bad values, columns and keys are findings at their line", () => {
  const cases: readonly [text: string, places: readonly string[]][] = [
    ["region,rate,name,share,eu\nde,1e3,a,1,true\n", ["2 TABLE_VALUE"]],
    ["region,rate,name,share,eu\nde,1,a,x,true\n", ["2 TABLE_VALUE"]],
    ["region,rate,name,share,eu\nde,1,a,1,yes\n", ["2 TABLE_VALUE"]],
    ["region,rate,name,share,eu\nde,1,a,1,true\nde,2,b,1,true\n", ["3 TABLE_KEY_REPEATED"]],
    ["region,rate,name,share\nde,1,a,1\n", ["1 TABLE_COLUMN_MISSING"]],
    ["region,rate,name,share,eu,more\nde,1,a,1,true,2\n", ["1 TABLE_COLUMN_UNKNOWN"]],
    ['region,rate,name,share,eu\nde,1,"a\nb",1,true\nuk,1,a,1\n', ["4 TABLE_FORMAT"]],
    ['region,rate,name,share,eu\nde,1,"a,1,true\n', ["2 TABLE_FORMAT"]],
    ["", ["1 TABLE_FORMAT"]],
  ];
  for (const [text, places] of cases) {
    const { findings, plan } = withFile("t.csv", text);
    assert.deepEqual(
      findings.map(({ file, line, code }) => `${file} ${line} ${code}`),
      places.map((place) => `jobs/t.csv ${place}`),
      text,
    );
    assert.equal(plan, undefined);
  }
});

test("so are those of JSON files, with their column", () => {
  const cases: readonly [text: string, places: readonly string[]][] = [
    ['{"de": {"rate": 1e3, "name": "a", "share": 1, "eu": true}}', ["1:17 TABLE_VALUE"]],
    ['{"de": {"rate": 1, "name": 5, "share": 1, "eu": true}}', ["1:28 TABLE_VALUE"]],
    ['{"de":\n {"rate": 1, "name": "a", "share": 1}}', ["1:2 TABLE_COLUMN_MISSING"]],
    [
      '{"de": {"rate": 1, "name": "a", "share": 1, "eu": true, "x": 1}}',
      ["1:62 TABLE_COLUMN_UNKNOWN"],
    ],
    [
      '{"de": {"rate": 1, "name": "a", "share": 1, "eu": true},\n"de": {"rate": 1, "name": "a", "share": 1, "eu": true}}',
      ["2:1 TABLE_KEY_REPEATED"],
    ],
    ['{"de": 5}', ["1:8 TABLE_FORMAT"]],
    ['[{"rate": 1}]', ["1:2 TABLE_KEY_MISSING"]],
    ['{"de": {]}', ["1:9 TABLE_FORMAT"]],
    ["5", ["1:1 TABLE_FORMAT"]],
    ["[".repeat(100) + "]".repeat(100), ["1:1 TABLE_FORMAT"]],
  ];
  for (const [text, places] of cases) {
    assert.deepEqual(
      withFile("t.json", text).findings.map(
        ({ line, column, code }) => `${line}:${column} ${code}`,
      ),
      places,
      text,
    );
  }
});

test("so are those of the spec's own rows", () => {
  const cases: readonly [row: string, code: string, column: number][] = [
    ["de: { rate: 1e3, name: a, share: 1, eu: true }", "TABLE_VALUE", 19],
    ["de: { rate: 1, name: 5, share: 1, eu: true }", "TABLE_VALUE", 28],
    ["de: { rate: 1, name: a, share: 1 }", "TABLE_COLUMN_MISSING", 7],
    ["de: { rate: 1, name: a, share: 1, eu: true, x: 1 }", "TABLE_COLUMN_UNKNOWN", 54],
  ];
  for (const [row, code, column] of cases) {
    const [finding] = withRows(`      ${row}\n`).findings;
    assert.deepEqual([finding?.code, finding?.line, finding?.column], [code, 15, column], row);
  }
});

test("a table has rows or a file, of a known kind, inside the project", () => {
  const cases: readonly [declared: string, code: string][] = [
    [`t: { ${columns} }`, "TABLE_ROWS"],
    [`t: { ${columns}, rows: {}, file: t.csv }`, "TABLE_ROWS"],
    [`t: { ${columns}, file: t.xml }`, "TABLE_FORMAT"],
    [`t: { ${columns}, file: missing.csv }`, "SPEC_FILE_MISSING"],
    [`t: { ${columns}, file: ../../secret.csv }`, "SPEC_FILE_OUTSIDE"],
    [`t: { ${columns}, file: "https://example.org/t.csv" }`, "SPEC_FILE_PATH"],
    [`t: { ${columns}, file: /etc/t.csv }`, "SPEC_FILE_PATH"],
    ["t: { key: rate, values: { rate: decimal }, rows: {} }", "TABLE_COLUMN_NAME"],
  ];
  for (const [declared, code] of cases) {
    const { codes } = compile(job({ steps, tail: `tables: { ${declared} }` }));
    assert.deepEqual(codes, [code], declared);
  }
});
