import jsonata from "jsonata";
import {
  compareDecimals,
  decimalText,
  multiplyDecimals,
  parseDecimal,
  roundDecimal,
} from "../engine/core/decimal.ts";
import type { Decimal } from "../engine/core/decimal.ts";
import { parseRfc3339 } from "../engine/core/event-time.ts";
import type { Value } from "../engine/core/value.ts";
import { compileExpression } from "../engine/expression/compile.ts";
import type { CompileContext, EvaluationContext } from "../engine/expression/expression.ts";

/**
 * What the expressions of the orders job cost per record: compiled, as jsonata evaluates them, and written by hand, in
 * one run. `npm run bench -- expressions`. The interpreter has no decimals: there amounts are numbers.
 */

function decimal(text: string): Decimal {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error(`${text} is no decimal`);
  return value;
}

const rates = new Map(
  Object.entries({ us: "0.08", eu: "0.19", uk: "0.20", ca: "0.05", au: "0.10" }).map(
    ([region, rate]) => [region, { region, rate: decimal(rate) }],
  ),
);
const currencies = new Set(["USD", "EUR", "GBP", "CAD", "AUD"]);
const statuses = ["confirmed", "pending_payment", "shipped", "delivered", "cancelled"];
const processingTime = "2025-01-13T15:00:00.000Z";
const processingTimeMs = Date.parse(processingTime);
const context: CompileContext = {
  scope: "record",
  tables: new Map([["tax_rates", { name: "tax_rates", rows: rates }]]),
  parameters: new Map(),
  rounding: "half_up",
};
const evaluation: EvaluationContext = {
  eventTimeMs: 0,
  brokerTimeMs: 0,
  processingTimeMs,
  result: undefined,
  error: undefined,
  late: undefined,
  index: 0,
  random: () => 0.5,
};

const regions = ["US", "EU", "UK", "CA", "AU", "XX"];
const orders = Array.from({ length: 1024 }, (_, index) => ({
  order_id: `ORD-${index}`,
  customer_id: `CUST-${regions[index % regions.length]}-${String(index).padStart(3, "0")}`,
  amount: decimal(`${index * 7}.${String(index % 100).padStart(2, "0")}`),
  currency: index % 3 === 0 ? "EUR" : "USD",
  status: statuses[index % 2] ?? "",
  timestamp: `2025-01-13T14:${String(index % 60).padStart(2, "0")}:00.000Z`,
  items_count: 1 + (index % 5),
  region: "us",
  processed_at: processingTime,
}));
type Order = (typeof orders)[number];
const plainOrders = orders.map((order) => ({
  ...order,
  amount: Number(decimalText(order.amount)),
}));

const zero = decimal("0");
const least = decimal("0.01");
const most = decimal("999999.99");
const small = decimal("50");
const medium = decimal("500");

function regionOf(order: Order): string {
  const region = (order.customer_id.split("-")[1] ?? "").toLowerCase();
  return rates.has(region) ? region : "ca";
}

function merchantOf(order: Order): string {
  let sum = 0;
  for (const character of order.customer_id) sum += character.codePointAt(0) ?? 0;
  return `MERCH-${order.region.toUpperCase()}-${String(sum % 100).padStart(3, "0")}`;
}

/** Each expression of the job, and the same by hand. */
const expressions: readonly (readonly [source: string, byHand: (order: Order) => unknown])[] = [
  ["amount > 0", (order) => compareDecimals(order.amount, zero) > 0],
  [
    "amount >= 0.01 and amount <= 999999.99",
    (order) =>
      compareDecimals(order.amount, least) >= 0 && compareDecimals(order.amount, most) <= 0,
  ],
  ["$is_currency(currency)", (order) => currencies.has(order.currency)],
  [
    "status in ['confirmed', 'pending_payment', 'shipped', 'delivered', 'cancelled']",
    (order) => statuses.includes(order.status),
  ],
  [
    "($r := $lowercase($split(customer_id, '-')[1]); $has_row('tax_rates', $r) ? $r : 'ca')",
    regionOf,
  ],
  [
    "$round(amount * $row('tax_rates', region).rate, 2)",
    (order) =>
      roundDecimal(
        multiplyDecimals(order.amount, rates.get(order.region)?.rate ?? zero),
        2,
        "half_up",
      ),
  ],
  [
    "amount < 50 ? 'small' : amount <= 500 ? 'medium' : 'large'",
    (order) =>
      compareDecimals(order.amount, small) < 0
        ? "small"
        : compareDecimals(order.amount, medium) <= 0
          ? "medium"
          : "large",
  ],
  [
    "'MERCH-' & $uppercase(region) & '-' & $pad($string($sum($code_points(customer_id)) % 100), -3, '0')",
    merchantOf,
  ],
  ["$processing_time()", () => processingTime],
  [
    "$millis_between(timestamp, processed_at)",
    (order) =>
      (order.processed_at === processingTime
        ? processingTimeMs
        : parseRfc3339(order.processed_at)) - parseRfc3339(order.timestamp),
  ],
];

interface Figure {
  readonly median: number;
  readonly spread: string;
}

function figure(rounds: readonly number[]): Figure {
  const sorted = rounds.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const spread = `${at(0).toFixed(0)}..${at(sorted.length - 1).toFixed(0)}`;
  return { median: at(Math.floor(sorted.length / 2)), spread };
}

const rounds = 9;
/** Rounds in which V8 compiles; they do not count. */
const warmUp = 2;

/** Keeps results alive, so that nothing is optimized away. */
let kept: unknown;

function nanoseconds<T>(inputs: readonly T[], passes: number, run: (input: T) => unknown): Figure {
  const found: number[] = [];
  for (let round = -warmUp; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let pass = 0; pass < passes; pass++) for (const input of inputs) kept = run(input);
    if (round >= 0) found.push(Number(process.hrtime.bigint() - start) / (passes * inputs.length));
  }
  return figure(found);
}

async function nanosecondsAwaited(expression: jsonata.Expression): Promise<Figure> {
  const found: number[] = [];
  for (let round = -warmUp; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (const order of plainOrders) kept = await expression.evaluate(order);
    if (round >= 0) found.push(Number(process.hrtime.bigint() - start) / plainOrders.length);
  }
  return figure(found);
}

function interpreted(source: string): jsonata.Expression {
  const expression = jsonata(source);
  const plainRates = new Map([...rates].map(([region, row]) => [region, Number(row.rate)]));
  expression.registerFunction("is_currency", (code: string) => currencies.has(code), "<s:b>");
  expression.registerFunction("has_row", (_: string, key: string) => plainRates.has(key), "<ss:b>");
  expression.registerFunction(
    "row",
    (_: string, region: string) => ({ region, rate: plainRates.get(region) }),
    "<ss:o>",
  );
  expression.registerFunction(
    "code_points",
    (text: string) => Array.from(text, (character) => character.codePointAt(0)),
    "<s:a>",
  );
  expression.registerFunction("processing_time", () => processingTime, "<:s>");
  expression.registerFunction(
    "millis_between",
    (from: string, to: string) => Date.parse(to) - Date.parse(from),
    "<ss:n>",
  );
  return expression;
}

function shown({ median, spread }: Figure): string {
  return `${median.toFixed(0).padStart(7)} (${spread})`.padEnd(22);
}

console.log("ns per record: median (least..most) of 9 rounds");
console.log(`${"compiled".padEnd(22)}${"jsonata".padEnd(22)}${"by hand".padEnd(22)}expression`);
const totals = { compiled: 0, interpreted: 0, byHand: 0 };
for (const [source, byHand] of expressions) {
  const expression = compileExpression(source, context);
  const compiled = nanoseconds<Record<string, Value>>(orders, 100, (order) =>
    expression.evaluate(order, evaluation),
  );
  const reference = await nanosecondsAwaited(interpreted(source));
  const hand = nanoseconds(orders, 100, byHand);
  totals.compiled += compiled.median;
  totals.interpreted += reference.median;
  totals.byHand += hand.median;
  console.log(`${shown(compiled)}${shown(reference)}${shown(hand)}${source.slice(0, 60)}`);
}

/** Prints a line of the goal and whether it holds; one that does not makes the bench fail. */
function verdict(name: string, ratio: number, line: "at most" | "at least", bound: number): void {
  const held = line === "at most" ? ratio <= bound : ratio >= bound;
  console.log(`${name} ${ratio.toFixed(2)} (${line} ${bound}): ${held ? "held" : "FAILED"}`);
  if (!held) process.exitCode = 1;
}

console.log(
  `all: ${totals.compiled.toFixed(0)} compiled, ${totals.interpreted.toFixed(0)} jsonata, ${totals.byHand.toFixed(0)} by hand`,
);
verdict("compiled / by hand", totals.compiled / totals.byHand, "at most", 1.6);
verdict("jsonata / compiled", totals.interpreted / totals.compiled, "at least", 60);

/** Cents times percent, rounded half up to cents, as text: what exact money costs at least. */
function plainTax(cents: number, percent: number): string {
  const product = cents * percent;
  const quotient = Math.trunc(product / 100);
  const tax = quotient + (product - quotient * 100 >= 50 ? 1 : 0);
  const whole = Math.trunc(tax / 100);
  return `${whole}.${String(tax - whole * 100).padStart(2, "0")}`;
}

const rate = decimal("0.08");
const amounts = orders.map((order) => order.amount);
const cents = amounts.map((amount) => amount.coefficient);
const exact = nanoseconds(amounts, 300, (amount) =>
  decimalText(roundDecimal(multiplyDecimals(amount, rate), 2, "half_up")),
);
const plain = nanoseconds(cents, 300, (amount) => plainTax(amount, 8));
console.log(`multiply, round, print: ${shown(exact)} decimal, ${shown(plain)} integers`);
verdict("decimal / integers", exact.median / plain.median, "at most", 2);
if (kept === plain) console.log(kept);
