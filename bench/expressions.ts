import { parseDecimal } from "../engine/core/decimal.ts";
import type { Decimal } from "../engine/core/decimal.ts";
import type { Value } from "../engine/core/value.ts";
import { compileExpression } from "../engine/expression/compile.ts";
import type { CompileContext, EvaluationContext } from "../engine/expression/expression.ts";

/** What the expressions of the orders job cost per record. `node --import tsx bench/expressions.ts` */

function decimal(text: string): Decimal {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error(`${text} is no decimal`);
  return value;
}

const rates = { us: "0.08", eu: "0.19", uk: "0.20", ca: "0.05", au: "0.10" };
const context: CompileContext = {
  scope: "record",
  tables: new Map([
    [
      "tax_rates",
      {
        name: "tax_rates",
        rows: new Map(
          Object.entries(rates).map(([region, rate]) => [region, { region, rate: decimal(rate) }]),
        ),
      },
    ],
  ]),
  parameters: new Map(),
  rounding: "half_up",
};
const evaluation: EvaluationContext = {
  eventTimeMs: 0,
  brokerTimeMs: 0,
  processingTimeMs: Date.UTC(2025, 0, 13, 15),
  result: undefined,
  error: undefined,
  late: undefined,
  index: 0,
  random: () => 0.5,
};

const rules = [
  "amount > 0",
  "amount >= 0.01 and amount <= 999999.99",
  "$is_currency(currency)",
  "status in ['confirmed', 'pending_payment', 'shipped', 'delivered', 'cancelled']",
];
const fields: readonly (readonly [string, string])[] = [
  [
    "region",
    "($r := $lowercase($split(customer_id, '-')[1]); $has_row('tax_rates', $r) ? $r : 'ca')",
  ],
  ["tax", "$round(amount * $row('tax_rates', region).rate, 2)"],
  ["order_value_category", "amount < 50 ? 'small' : amount <= 500 ? 'medium' : 'large'"],
  [
    "merchant_id",
    "'MERCH-' & $uppercase(region) & '-' & $pad($string($sum($code_points(customer_id)) % 100), -3, '0')",
  ],
  ["processed_at", "$processing_time()"],
  ["processing_duration_ms", "$millis_between(timestamp, processed_at)"],
];

const regions = ["US", "EU", "UK", "CA", "AU", "XX"];
const records = Array.from({ length: 1024 }, (_, index) => ({
  order_id: `ORD-${index}`,
  customer_id: `CUST-${regions[index % regions.length]}-${String(index).padStart(3, "0")}`,
  amount: decimal(`${index * 7}.${String(index % 100).padStart(2, "0")}`),
  currency: index % 3 === 0 ? "EUR" : "USD",
  status: index % 2 === 0 ? "confirmed" : "shipped",
  timestamp: `2025-01-13T14:${String(index % 60).padStart(2, "0")}:00.000Z`,
  items_count: 1 + (index % 5),
  region: "us",
  processed_at: "2025-01-13T15:00:00.000Z",
}));

function nanosecondsPer(evaluate: (record: Record<string, Value>) => unknown): number {
  const rounds: number[] = [];
  for (let round = 0; round < 9; round++) {
    const start = process.hrtime.bigint();
    for (let pass = 0; pass < 100; pass++) for (const record of records) evaluate(record);
    rounds.push(Number(process.hrtime.bigint() - start) / (100 * records.length));
  }
  return rounds.sort((a, b) => a - b)[4] ?? Number.NaN;
}

let total = 0;
for (const source of [...rules, ...fields.map(([, text]) => text)]) {
  const compiled = compileExpression(source, context);
  const ns = nanosecondsPer((record) => compiled.evaluate(record, evaluation));
  total += ns;
  console.log(`${ns.toFixed(0).padStart(6)} ns  ${source}`);
}
console.log(`${total.toFixed(0).padStart(6)} ns  all`);
