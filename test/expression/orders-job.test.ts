import assert from "node:assert/strict";
import { test } from "node:test";
import { serializeValue } from "../../engine/core/json-text.ts";
import type { Value } from "../../engine/core/value.ts";
import { decimal, evaluate } from "./context.ts";

const rates = { us: "0.08", eu: "0.19", uk: "0.20", ca: "0.05", au: "0.10" };
const context = {
  tables: new Map([
    [
      "tax_rates",
      {
        name: "tax_rates",
        rows: new Map(
          Object.entries(rates).map(([region, rate]) => [region, { rate: decimal(rate) }]),
        ),
      },
    ],
  ]),
};

const rules = [
  "amount > 0",
  "amount >= 0.01 and amount <= 999999.99",
  "$is_currency(currency)",
  "status in ['confirmed', 'pending_payment', 'shipped', 'delivered', 'cancelled']",
];

const fields = {
  region: "($r := $lowercase($split(customer_id, '-')[1]); $has_row('tax_rates', $r) ? $r : 'ca')",
  tax: "$round(amount * $row('tax_rates', region).rate, 2)",
  order_value_category: "amount < 50 ? 'small' : amount <= 500 ? 'medium' : 'large'",
  merchant_id:
    "'MERCH-' & $uppercase(region) & '-' & $pad($string($sum($code_points(customer_id)) % 100), -3, '0')",
  processed_at: "$processing_time()",
  processing_duration_ms: "$millis_between(timestamp, processed_at)",
};

test("the expressions of the orders job give the worked results", () => {
  const order: Record<string, Value> = {
    order_id: "ORD-1",
    customer_id: "CUST-US-001",
    amount: decimal("149.99"),
    currency: "USD",
    status: "confirmed",
    timestamp: "2025-01-13T15:00:00Z",
  };
  for (const rule of rules) assert.equal(evaluate(rule, { ...order }), true, rule);
  const made: Record<string, Value> = {};
  for (const [name, source] of Object.entries(fields)) {
    made[name] = evaluate(source, { ...order, ...made }, context) as Value;
  }
  assert.equal(
    serializeValue(made),
    '{"region":"us","tax":"12.00","order_value_category":"medium","merchant_id":"MERCH-US-022","processed_at":"2025-01-13T15:00:00.123Z","processing_duration_ms":123}',
  );
});

test("unknown regions fall back, bounds are exact, bad orders break their rule", () => {
  for (const [customer, region] of [
    ["CUST-XX-1", "ca"],
    ["CUST", "ca"],
    ["", "ca"],
    ["a-EU", "eu"],
    ["-uk-", "uk"],
  ] as const) {
    assert.equal(evaluate(fields.region, { customer_id: customer }, context), region, customer);
  }
  for (const [amount, category] of [
    ["49.99", "small"],
    ["50.00", "medium"],
    ["500.00", "medium"],
    ["500.01", "large"],
  ] as const) {
    assert.equal(evaluate(fields.order_value_category, { amount: decimal(amount) }), category);
  }
  for (const [amount, valid] of [
    ["0.00", false],
    ["0.01", true],
    ["999999.99", true],
    ["1000000.00", false],
  ] as const) {
    assert.equal(evaluate(rules[1] ?? "", { amount: decimal(amount) }), valid, amount);
  }
  assert.equal(evaluate(rules[3] ?? "", { status: "unknown" }), false);
  assert.equal(evaluate(rules[3] ?? "", {}), false);
});
