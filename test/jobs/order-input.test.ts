import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import { assertConserved, inMemory, JobBench } from "./compile.ts";

const ordersJob = readFileSync(new URL("../../jobs/orders.yaml", import.meta.url), "utf8");

/** `amount` is JSON text, so that numbers reach the job digit by digit. */
function order(id: string, amount: string, currency = "USD"): string {
  return (
    `{"order_id":"${id}","customer_id":"CUST-US-001","amount":${amount},"currency":"${currency}",` +
    `"status":"confirmed","timestamp":"2025-01-13T15:00:00Z","items_count":1}`
  );
}

/** What became of each order: its record in `processed`, or the type of its error. */
async function outcomes(
  context: TestContext,
  rows: readonly string[],
): Promise<ReadonlyMap<unknown, Readonly<Record<string, unknown>> | string>> {
  const bench = await JobBench.open(context, new Map([["orders", MemoryInput.of(rows)]]));
  const summary = await bench.run(inMemory(bench.compile(ordersJob), { bounded: true }));
  assertConserved(summary);
  const found = new Map<unknown, Readonly<Record<string, unknown>> | string>();
  for (const record of bench.records("processed")) found.set(record["order_id"], record);
  for (const record of bench.records("dlq")) {
    found.set(record["attempted_order_id"], String(record["error_type"]));
  }
  assert.equal(found.size, rows.length);
  return found;
}

describe("The amount of an order", () => {
  it("I10: in any other form than plain decimal digits is a violation of the schema", async (context) => {
    const texts = ["1e3", "0x10", " 12", "12 ", "1,000", "١٢", "+5", ".5", "5.", "", "-", "NaN"];
    const amounts = [...texts.map((text) => JSON.stringify(text)), "1e3", "1E-2", "null", "true"];
    const found = await outcomes(
      context,
      amounts.map((amount, index) => order(`O-${index}`, amount)),
    );
    for (const [index, amount] of amounts.entries()) {
      assert.equal(found.get(`O-${index}`), "SCHEMA_VIOLATION", amount);
    }
  });

  it("I11: is never rounded to its currency: its text goes on, and only the rules judge", async (context) => {
    const found = await outcomes(context, [
      order("three", '"12.005"'),
      order("small", '"0.001"'),
      order("yen", '"10.50"', "JPY"),
    ]);
    const amountOf = (id: string): unknown => (found.get(id) as { amount: unknown }).amount;
    assert.equal(amountOf("three"), "12.005");
    assert.equal(amountOf("yen"), "10.50");
    assert.equal(found.get("small"), "BUSINESS_RULE_VIOLATION");
  });

  it("I12: is the same decimal as number and as text, and the bounds of its rules are inclusive", async (context) => {
    const found = await outcomes(context, [
      order("number", "12.10"),
      order("text", '"12.10"'),
      order("zero", '"0"'),
      order("zeros", "0.00"),
      order("least", "0.01"),
      order("most", '"999999.99"'),
      order("beyond", '"1000000.00"'),
    ]);
    const taxOf = (id: string): unknown => (found.get(id) as { tax: unknown }).tax;
    assert.equal(taxOf("number"), "0.97");
    assert.equal(taxOf("text"), "0.97");
    assert.equal(taxOf("least"), "0.00");
    assert.equal(taxOf("most"), "80000.00");
    for (const id of ["zero", "zeros", "beyond"]) {
      assert.equal(found.get(id), "BUSINESS_RULE_VIOLATION", id);
    }
  });

  it("T1, T2, T3: a time that is none is a violation, whatever the machine's zone", async (context) => {
    const times = [
      "2025-02-30T10:00:00Z",
      "2025-13-01T10:00:00Z",
      "2025-01-13T24:00:00Z",
      "2025-01-13T10:00:60Z",
      "2025-01-13T10:00:00",
      "2025-01-13T10:00:00+14",
      "2025-01-13T10:00:00+1400",
      "2025-01-13 10:00:00Z",
    ];
    const rows = times.map((time, index) =>
      order(`O-${index}`, '"1"').replace("2025-01-13T15:00:00Z", time),
    );
    const zoneBefore = process.env["TZ"];
    try {
      for (const zone of ["UTC", "Asia/Kathmandu", "America/St_Johns"]) {
        process.env["TZ"] = zone;
        const found = await outcomes(context, rows);
        for (const [index, time] of times.entries()) {
          assert.equal(found.get(`O-${index}`), "SCHEMA_VIOLATION", `${time} in ${zone}`);
        }
      }
    } finally {
      if (zoneBefore === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zoneBefore;
    }
  });
});
