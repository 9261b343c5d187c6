import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { OrdersRules, comparable } from "./orders-rules.mjs";
import type { OrdersOutput } from "./orders-rules.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "orders-oracle-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const order = {
  order_id: "ORD-1",
  customer_id: "CUST-US-001",
  amount: "149.99",
  currency: "USD",
  status: "confirmed",
  timestamp: "2025-01-13T15:20:00Z",
  items_count: 2,
};

function foretell(lines: readonly string[]): Record<OrdersOutput, string[]> {
  const found: Record<OrdersOutput, string[]> = {
    processed: [],
    late: [],
    aggregations: [],
    dlq: [],
  };
  const rules = new OrdersRules((output, line) => found[output].push(line));
  for (const line of lines) rules.line(Buffer.from(line));
  rules.end();
  return found;
}

function orderAt(timestamp: string, changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ ...order, timestamp, ...changes });
}

function errorTypes(lines: readonly string[]): string[] {
  return foretell(lines).dlq.map((line) => /"error_type":"([A-Z_]+)"/.exec(line)?.[1] ?? "");
}

describe("the oracle of the orders job", () => {
  it("gives the worked example of an order", () => {
    assert.deepEqual(foretell([JSON.stringify(order)]), {
      processed: [
        `${JSON.stringify(order).slice(0, -1)},"region":"us","tax":"12.00","order_value_category":"medium",` +
          '"merchant_id":"MERCH-US-022","processed_at":"*","processing_duration_ms":"*"}',
      ],
      late: [],
      aggregations: [
        '{"region":"us","total_orders":1,"total_amount":"149.99","avg_order_value":"149.99","max_order_value":"149.99",' +
          '"window_start":"2025-01-13T15:20:00Z","window_end":"2025-01-13T15:25:00Z","processing_timestamp_ms":"*"}',
      ],
      dlq: [],
    });
  });

  it("rounds an average half up, from the exact sum", () => {
    // 42 orders that make 6324.58.
    const amounts = ["6000.00", "324.17", ...Array.from({ length: 39 }, () => "0.01"), "0.02"];
    const lines = amounts.map((amount, i) =>
      orderAt(order.timestamp, { amount, order_id: `O${i}` }),
    );
    assert.match(
      foretell(lines).aggregations[0]!,
      /"total_orders":42,"total_amount":"6324.58","avg_order_value":"150.59","max_order_value":"6000.00"/,
    );
  });

  it("judges lateness by the millisecond, with the watermark before the record", () => {
    const lateness = (largest: string): number =>
      foretell([orderAt(largest, { order_id: "first" }), orderAt("2025-01-13T15:20:00Z")]).late
        .length;
    assert.equal(lateness("2025-01-13T15:34:59.999Z"), 0);
    assert.equal(lateness("2025-01-13T15:35:00Z"), 1);
  });

  it("moves the clock by duplicates, not by what was refused", () => {
    const late = (between: string): number =>
      foretell([
        orderAt("2025-01-13T15:20:00Z", { order_id: "first" }),
        between,
        orderAt("2025-01-13T15:20:01Z"),
      ]).late.length;
    assert.equal(late(orderAt("2025-01-13T16:00:00Z", { order_id: "first" })), 1);
    assert.equal(late(orderAt("2025-01-13T16:00:00Z", { order_id: "other", amount: "0" })), 0);
    assert.equal(late(orderAt("2025-01-13T16:00:00Z", { order_id: "other", items_count: "x" })), 0);
  });

  const day = 86_400_000;
  const granularity = 900_000;
  const at = (ms: number, changes: Readonly<Record<string, unknown>> = {}): string =>
    orderAt(new Date(ms).toISOString(), changes);
  const edge = Date.UTC(2025, 0, 13, 15);

  it("protects an order for a day behind the rounded event time", () => {
    for (const [first, repeat, types] of [
      [edge, edge + day - 1, ["DUPLICATE"]],
      [edge, edge + day, []],
      [edge + 1, edge + day + granularity - 1, ["DUPLICATE"]],
      [edge + 1, edge + day + granularity, []],
    ] as const) {
      assert.deepEqual(errorTypes([at(first), at(repeat)]), types, `${first} ${repeat}`);
    }
    // The second line is accepted, so the third is its repeat.
    assert.deepEqual(errorTypes([at(edge), at(edge + day), at(edge + day + 1)]), ["DUPLICATE"]);
  });

  it("lets no order pass that is too old to be protected", () => {
    const old = at(edge, { order_id: "old" });
    const watermark = (ms: number): string => at(ms + 600_000);
    assert.deepEqual(errorTypes([watermark(edge + day - 1), old]), []);
    assert.deepEqual(errorTypes([watermark(edge + day), old]), ["LATE"]);
    // What the watermark has outlived protects no more.
    const again = at(edge + day - 1, { order_id: "old" });
    assert.deepEqual(errorTypes([old, watermark(edge + day - 1), again]), ["DUPLICATE"]);
    assert.deepEqual(errorTypes([old, watermark(edge + day), again]), []);
  });

  it("keeps what it does not touch", () => {
    const extra =
      '"b":1e400,"10":0.10,"__proto__":{"x":12345678901234567890},"a":[-0,1.0],"b":2.50';
    const [line] = foretell([`{${extra},${JSON.stringify(order).slice(1)}`]).processed;
    assert.ok(
      line!.startsWith(
        '{"10":0.10,"b":2.50,"__proto__":{"x":12345678901234567890},"a":[-0,1.0],"order_id":',
      ),
      line,
    );
  });

  it("takes a number only by the grammar of amounts", () => {
    const line = JSON.stringify(order);
    for (const [amount, types] of [
      ["12.10", []],
      ["1e3", ["SCHEMA_VIOLATION"]],
      ["0.001", ["BUSINESS_RULE_VIOLATION"]],
      ["0.01", []],
      ["999999.99", []],
      ["1000000.00", ["BUSINESS_RULE_VIOLATION"]],
      ['"12\\n"', ["SCHEMA_VIOLATION"]],
      [`"${"0".repeat(38)}1"`, ["SCHEMA_VIOLATION"]],
      [`"${"0".repeat(37)}1"`, []],
    ] as const) {
      assert.deepEqual(errorTypes([line.replace('"149.99"', amount)]), types, amount);
    }
  });

  it("believes no field of processing time that makes no sense", () => {
    const line = (at: string, ms: string): string =>
      `{"timestamp":"2025-01-13T15:20:00Z","processed_at":"${at}","processing_duration_ms":${ms}}`;
    const sound = line("2025-01-13T15:20:01.000Z", "1000");
    assert.match(
      comparable("processed", sound),
      /"processed_at":"\*","processing_duration_ms":"\*"/,
    );
    for (const bad of [
      line("2025-01-13T15:20:01.000Z", "1001"),
      line("2025-01-13T15:20:01Z", "1000"),
      line("2025-01-13T15:20:01.000Z", '"1000"'),
      sound.replace("{", "{ "),
      sound.slice(1),
    ]) {
      assert.equal(comparable("processed", bad), bad);
    }
  });
});

describe("the oracle at the command line", () => {
  const now = "2025-01-14T00:00:00.000Z";
  const input = join(directory, "orders.jsonl");
  const lines = [
    JSON.stringify(order),
    JSON.stringify(order),
    orderAt("2025-01-13T15:21:00Z", { order_id: "B", amount: "0" }),
    orderAt("2025-01-13T16:00:00Z", { order_id: "C" }),
    orderAt("2025-01-13T15:21:00Z", { order_id: "D" }),
    "no json",
  ];
  writeFileSync(input, `${lines.join("\n")}\n\n`);

  /** What an engine would have written: the foretold lines with fields of processing time. */
  function written(): Record<OrdersOutput, string> {
    const found = foretell(lines);
    const text = (output: OrdersOutput): string =>
      found[output]
        .map((line) => {
          const timestamp = /"timestamp":"([^"]*)"/.exec(line)?.[1] ?? now;
          return line
            .replace('"processed_at":"*"', `"processed_at":"${now}"`)
            .replace(
              '"processing_duration_ms":"*"',
              `"processing_duration_ms":${Date.parse(now) - Date.parse(timestamp)}`,
            )
            .replace(
              '"processing_timestamp_ms":"*"',
              `"processing_timestamp_ms":${Date.parse(now)}`,
            )
            .replace('"error_timestamp":"*"', `"error_timestamp":"${now}"`)
            .replace('"error_message":"*"', '"error_message":"some words"');
        })
        .map((line) => `${line}\n`)
        .join("");
    return {
      processed: text("processed"),
      late: text("late"),
      aggregations: text("aggregations"),
      dlq: text("dlq"),
    };
  }

  let runs = 0;
  function judge(outputs: Partial<Record<OrdersOutput, string>>, markers = {}, ...flags: string[]) {
    runs += 1;
    const out = mkdtempSync(join(directory, `${runs}-`));
    for (const [output, text] of Object.entries(outputs))
      writeFileSync(join(out, `${output}.jsonl`), text);
    for (const [output, length] of Object.entries(markers)) {
      writeFileSync(join(out, `${output}.jsonl.committed`), JSON.stringify({ length }));
    }
    return spawnSync(process.execPath, [join(folder, "orders-oracle.mjs"), input, out, ...flags], {
      encoding: "utf8",
    });
  }

  it("finds right outputs equal, in any order unless asked for", () => {
    const right = written();
    assert.deepEqual(
      Object.values(right).map((text) => text.split("\n").length - 1),
      [3, 1, 2, 3],
    );
    assert.equal(judge(right, {}, "--ordered").status, 0);
    const turned = {
      ...right,
      dlq: `${right.dlq.trimEnd().split("\n").toReversed().join("\n")}\n`,
    };
    assert.equal(judge(turned).status, 0);
    assert.equal(judge(turned, {}, "--ordered").status, 1);
  });

  it("reads a file up to its marker", () => {
    const right = written();
    const longer = { ...right, late: `${right.late}{"half` };
    assert.equal(judge(longer).status, 1);
    assert.equal(judge(longer, { late: right.late.length }).status, 0);
  });

  const changes: readonly (readonly [
    string,
    (right: Record<OrdersOutput, string>) => Partial<Record<OrdersOutput, string>>,
  ])[] = [
    [
      "a missing line",
      (right) => ({
        ...right,
        processed: right.processed.slice(right.processed.indexOf("\n") + 1),
      }),
    ],
    ["a line twice", (right) => ({ ...right, late: right.late + right.late })],
    ["a missing output", ({ late: _late, ...rest }) => rest],
    [
      "another digit",
      (right) => ({ ...right, aggregations: right.aggregations.replace('"149.99"', '"149.98"') }),
    ],
    [
      "another message of a rule",
      (right) => ({ ...right, dlq: right.dlq.replace("must be > 0", "must be >= 0") }),
    ],
    [
      "a line in the wrong place",
      (right) => ({ ...right, late: "", processed: right.processed + right.late }),
    ],
    [
      "other order of members",
      (right) => ({
        ...right,
        dlq: right.dlq.replace(/("error_type":"[A-Z_]+"),("error_message":"[^"]*")/, "$2,$1"),
      }),
    ],
  ];
  for (const [name, change] of changes) {
    it(`finds ${name}`, () => {
      const result = judge(change(written()));
      assert.equal(result.status, 1, result.stdout);
      assert.match(result.stdout, /DIFFERS .*\n(?:.*\n)*.*(is missing|should not hold)/);
    });
  }
});

describe("the generator of orders", () => {
  function generate(count: number, seed: number): Buffer {
    const result = spawnSync(
      process.execPath,
      [join(folder, "generate-orders.mjs"), String(count), String(seed)],
      { maxBuffer: 1 << 28 },
    );
    assert.equal(result.status, 0, result.stderr.toString());
    return result.stdout;
  }

  it("gives the same orders for the same seed, and every kind of outcome", () => {
    const bytes = generate(6000, 5);
    assert.ok(bytes.equals(generate(6000, 5)));
    assert.ok(!bytes.equals(generate(6000, 6)));
    const rules = new OrdersRules(() => {});
    for (let start = 0; start < bytes.length;) {
      const found = bytes.indexOf(10, start);
      const end = found < 0 ? bytes.length : found;
      rules.line(bytes.subarray(start, end));
      start = end + 1;
    }
    rules.end();
    const count = (name: string): number => rules.counts.get(name) ?? 0;
    assert.equal(count("processed") + count("dlq"), count("records"));
    assert.ok(count("records") < 6000, "blank lines are no records");
    assert.ok(count("windows before the end") > 500);
    for (const name of [
      "late",
      "accepted again",
      "MALFORMED_JSON",
      "SCHEMA_VIOLATION",
      "BUSINESS_RULE_VIOLATION",
      "DUPLICATE",
      "LATE",
    ]) {
      assert.ok(count(name) > 0, name);
    }
  });
});
