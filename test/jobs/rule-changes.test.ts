import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import { EngineError } from "../../engine/core/errors.ts";
import type { RunOptions, RunSummary } from "../../engine/runtime/run.ts";
import { assertConserved, inMemory, JobBench } from "./compile.ts";

const ordersJob = readFileSync(new URL("../../jobs/orders.yaml", import.meta.url), "utf8");

type Edit = readonly [written: string, instead: string];

function edited(text: string, ...edits: readonly Edit[]): string {
  let result = text;
  for (const [written, instead] of edits) {
    assert.equal(result.split(written).length, 2, `${written} stands once in the job`);
    result = result.replace(written, () => instead);
  }
  return result;
}

/** An order at a time of 13 January 2025, `15:00` or `15:00:30`. */
function order(id: string, time: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    order_id: id,
    customer_id: "CUST-US-001",
    amount: "100.00",
    currency: "USD",
    status: "confirmed",
    timestamp: `2025-01-13T${time.length === 5 ? `${time}:00` : time}Z`,
    items_count: 1,
    ...fields,
  });
}

/** The orders job on inputs that grow from run to run, as topics do; all of one state directory. */
class Orders {
  readonly #bench: JobBench;
  readonly #inputs: ReadonlyMap<string, MemoryInput>;
  #text = ordersJob;

  private constructor(bench: JobBench, inputs: ReadonlyMap<string, MemoryInput>) {
    this.#bench = bench;
    this.#inputs = inputs;
  }

  static async open(context: TestContext): Promise<Orders> {
    const inputs = new Map(["orders", "shop"].map((id) => [id, new MemoryInput(1)] as const));
    return new Orders(await JobBench.open(context, inputs), inputs);
  }

  /** From now on the job reads so. */
  edit(...edits: readonly Edit[]): void {
    this.#text = edited(this.#text, ...edits);
  }

  undo(): void {
    this.#text = ordersJob;
  }

  send(source: "orders" | "shop", ...values: readonly string[]): void {
    this.#inputs.get(source)!.append(0, ...values.map((value) => ({ value })));
  }

  async run(options: Partial<RunOptions> = {}): Promise<RunSummary> {
    const plan = inMemory(this.#bench.compile(this.#text), { bounded: false });
    const summary = await this.#bench.run(plan, options);
    assert.equal(summary.outcome, "finished");
    assertConserved(summary);
    return summary;
  }

  /** Fires what is open and ends the inputs. */
  close(): Promise<RunSummary> {
    return this.run({ close: true });
  }

  /** Stops with exit code 6 before anything is touched; what it says of a way out. */
  async refusal(options: Partial<RunOptions> = {}): Promise<string> {
    const before = this.#bench.everything();
    let said = "";
    await assert.rejects(this.run(options), (error) => {
      assert.ok(error instanceof EngineError, String(error));
      assert.equal(error.code, "STATE_LAYOUT_CHANGED");
      assert.equal(error.exit, 6);
      said = `${error.message} | ${error.hint ?? ""}`;
      return true;
    });
    assert.deepEqual(this.#bench.everything(), before);
    return said;
  }

  /** Some members of each record of an output, as one text a record. */
  seen(output: string, ...members: readonly string[]): readonly string[] {
    return this.#bench
      .records(output)
      .map((record) => members.map((name) => String(record[name])).join(" "));
  }
}

const windowMembers = ["region", "window_start", "total_orders", "total_amount"] as const;

describe("An edit of the orders job's text", () => {
  it("brings a new region with its rate, and leaves earlier outputs as they were", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:00", { customer_id: "CUST-NZ-7" }));
    await orders.run();
    orders.edit(['au: { rate: "0.10" }', 'au: { rate: "0.10" }\n      nz: { rate: "0.15" }']);
    orders.send("orders", order("O-2", "15:01", { customer_id: "CUST-NZ-7" }));
    await orders.close();
    assert.deepEqual(orders.seen("processed", "order_id", "region", "tax", "merchant_id"), [
      "O-1 ca 5.00 MERCH-CA-032",
      "O-2 nz 15.00 MERCH-NZ-032",
    ]);
    assert.deepEqual(orders.seen("aggregations", ...windowMembers), [
      "ca 2025-01-13T15:00:00Z 1 100.00",
      "nz 2025-01-13T15:00:00Z 1 100.00",
    ]);
  });

  it("changes a rule, and adds one", async (context) => {
    const orders = await Orders.open(context);
    const dear = order("O-1", "15:00", { amount: "1000000.00" });
    const big = order("O-2", "15:00", { items_count: 99 });
    orders.send("orders", dear, big);
    await orders.run();
    orders.edit(
      ["amount <= 999999.99", "amount <= 5000000"],
      [
        "    rules:\n",
        '    rules:\n      - { assert: "items_count < 50", message: "Too many items" }\n',
      ],
    );
    orders.send("orders", dear, big);
    await orders.run();
    assert.deepEqual(orders.seen("processed", "order_id"), ["O-2", "O-1"]);
    assert.deepEqual(orders.seen("dlq", "error_type", "attempted_order_id", "error_message"), [
      "BUSINESS_RULE_VIOLATION O-1 Amount must be between 0.01 and 999999.99",
      "BUSINESS_RULE_VIOLATION O-2 Too many items",
    ]);
  });

  it("shortens the protection against repeats on the keys that are stored", async (context) => {
    for (const ttl of ["24h", "1h"]) {
      const orders = await Orders.open(context);
      orders.send("orders", order("O-1", "05:00"));
      await orders.run();
      if (ttl !== "24h") orders.edit(["ttl: 24h", `ttl: ${ttl}`]);
      orders.send("orders", order("O-1", "05:30"), order("O-1", "15:00"));
      await orders.run();
      assert.deepEqual(
        orders.seen("processed", "timestamp"),
        ["2025-01-13T05:00:00Z", "2025-01-13T15:00:00Z"].slice(0, ttl === "24h" ? 1 : 2),
      );
      assert.equal(orders.seen("dlq", "error_type").length, ttl === "24h" ? 2 : 1);
    }
  });

  it("keeps windows open for longer, those that were open before too", async (context) => {
    for (const lateness of ["0s", "1h"]) {
      const orders = await Orders.open(context);
      orders.send("orders", order("O-1", "15:01"));
      await orders.run();
      if (lateness !== "0s") orders.edit(["allowed_lateness: 0s", `allowed_lateness: ${lateness}`]);
      orders.send("orders", order("O-2", "15:30"), order("O-3", "15:02"));
      await orders.close();
      const isLate = lateness === "0s";
      assert.deepEqual(orders.seen("late", "order_id"), isLate ? ["O-3"] : []);
      assert.deepEqual(orders.seen("aggregations", ...windowMembers), [
        isLate ? "us 2025-01-13T15:00:00Z 1 100.00" : "us 2025-01-13T15:00:00Z 2 200.00",
        "us 2025-01-13T15:30:00Z 1 100.00",
      ]);
    }
  });

  it("closes windows earlier: what is due by the new lateness leaves with the next record", async (context) => {
    const orders = await Orders.open(context);
    orders.edit(["allowed_lateness: 0s", "allowed_lateness: 1h"]);
    orders.send("orders", order("O-1", "15:01"), order("O-2", "15:30"));
    await orders.run();
    assert.deepEqual(orders.seen("aggregations", "region"), []);
    orders.undo();
    orders.send("orders", order("O-3", "15:02"));
    await orders.run();
    assert.deepEqual(orders.seen("aggregations", ...windowMembers, "processing_timestamp_ms"), [
      "us 2025-01-13T15:00:00Z 1 100.00 1750000000000",
    ]);
    assert.deepEqual(orders.seen("late", "order_id"), ["O-3"]);
  });

  it("waits less for disorder", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:01"));
    await orders.run();
    orders.edit(["max_out_of_orderness: 10m", "max_out_of_orderness: 1m"]);
    orders.send("orders", order("O-2", "15:06"));
    await orders.run();
    assert.deepEqual(orders.seen("aggregations", ...windowMembers), [
      "us 2025-01-13T15:00:00Z 1 100.00",
    ]);
  });

  it("adds an enrichment", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:00"));
    await orders.run();
    orders.edit([
      "      order_value_category:",
      "      gross: amount + tax\n      order_value_category:",
    ]);
    orders.send("orders", order("O-2", "15:00", { amount: "149.99" }));
    await orders.run();
    assert.deepEqual(orders.seen("processed", "order_id", "tax", "gross"), [
      "O-1 8.00 undefined",
      "O-2 12.00 161.99",
    ]);
  });

  it("adds a branch with a filter, an aggregate and a sink of its own", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:00", { amount: "900.00" }));
    await orders.run();
    orders.edit([
      "\nsinks:\n",
      `
  - { id: dear, type: filter, input: dedupe, where: "order_value_category = 'large'" }
  - id: by_customer
    type: aggregate
    key: customer_id
    window: { type: tumbling, size: 1h }
    aggregates: { orders: { count: true }, spent: { sum: amount, scale: 2 } }

discard: [by_customer.late]
sinks:
  customers: { type: kafka, input: by_customer, topic: customers, key: customer_id }
`,
    ]);
    orders.send(
      "orders",
      order("O-2", "15:01", { amount: "700.00" }),
      order("O-3", "15:02", { amount: "20.00" }),
      order("O-4", "15:03", { amount: "800" }),
      order("O-2", "15:04"),
    );
    const summary = await orders.close();
    assert.deepEqual(orders.seen("customers", "customer_id", "orders", "spent"), [
      "CUST-US-001 2 1500.00",
    ]);
    assert.deepEqual(orders.seen("aggregations", ...windowMembers), [
      "us 2025-01-13T15:00:00Z 4 2420.00",
    ]);
    assert.equal(summary.nodes.find(({ node }) => node === "dear")?.ports["dropped"], 1);
  });

  it("adds a second source to steps that have state", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:00"));
    await orders.run();
    orders.edit(
      [
        "\ntables:\n",
        `
  shop:
    type: kafka
    topic: shop.orders
    event_time: { field: timestamp, format: rfc3339 }
    watermark: { max_out_of_orderness: 1m }

tables:
`,
      ],
      ["    input: orders\n", "    input: [orders, shop]\n"],
    );
    orders.send("orders", order("O-2", "16:00"));
    orders.send("shop", order("O-1", "15:01"), order("S-1", "15:02"), "{");
    await orders.run();
    // The shop has not come as far: windows wait for it.
    assert.deepEqual(orders.seen("aggregations", "region"), []);
    assert.deepEqual(orders.seen("processed", "order_id").toSorted(), ["O-1", "O-2", "S-1"]);
    assert.deepEqual(orders.seen("dlq", "error_type").toSorted(), ["DUPLICATE", "MALFORMED_JSON"]);
    orders.send("shop", order("S-2", "15:10"));
    await orders.run();
    assert.deepEqual(orders.seen("aggregations", ...windowMembers), [
      "us 2025-01-13T15:00:00Z 2 200.00",
    ]);
  });

  it("gives an output another shape and drops its key", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:00"));
    await orders.run();
    orders.edit([
      'input: dedupe, topic: "${output_topic}", key: order_id }',
      'input: dedupe, topic: "${output_topic}", set: { id: order_id, cents: amount * 100 } }',
    ]);
    orders.send("orders", order("O-2", "15:01"));
    await orders.run();
    assert.deepEqual(orders.seen("processed", "order_id", "id", "cents"), [
      "O-1 undefined undefined",
      "undefined O-2 10000.00",
    ]);
  });
});

describe("An edit that stored state does not fit", () => {
  const largerWindow: Edit = ["size: 5m", "size: 10m"];

  it("is refused, and says which step to reset; the job goes on when it is undone", async (context) => {
    const edits: readonly (readonly [Edit, step: string])[] = [
      [largerWindow, "by_region"],
      [["size: 5m }", "size: 5m, offset: 1m }"], "by_region"],
      [["    key: region\n    window", "    key: [region, currency]\n    window"], "by_region"],
      [
        [
          "    emit: final\n    aggregates:\n",
          "    emit: final\n    aggregates:\n      items: { sum: items_count }\n",
        ],
        "by_region",
      ],
      [["key: order_id                  #", "key: [order_id, customer_id] #"], "dedupe"],
    ];
    for (const [edit, step] of edits) {
      const orders = await Orders.open(context);
      orders.send("orders", order("O-1", "15:00"));
      await orders.run();
      orders.edit(edit);
      orders.send("orders", order("O-2", "15:01"), order("O-1", "15:02"));
      const said = await orders.refusal();
      assert.ok(said.includes(`"${step}"`) && said.includes(`--reset ${step}`), said);
      orders.undo();
      await orders.close();
      assert.deepEqual(orders.seen("aggregations", ...windowMembers), [
        "us 2025-01-13T15:00:00Z 2 200.00",
      ]);
    }
  });

  it("goes on after a reset of that step; all other state is kept", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:00"));
    await orders.run();
    orders.edit(largerWindow);
    orders.send("orders", order("O-1", "15:05"), order("O-2", "15:06"));
    await orders.run({ reset: ["by_region"] });
    await orders.close();
    assert.deepEqual(orders.seen("aggregations", ...windowMembers), [
      "us 2025-01-13T15:00:00Z 1 100.00",
    ]);
    assert.deepEqual(orders.seen("dlq", "error_type"), ["DUPLICATE"]);
  });

  it("takes a renamed step for a lost one, unless `was` names it", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:00"));
    await orders.run();
    orders.edit(
      ["- id: by_region\n", "- id: by_area\n"],
      ["input: by_region, topic", "input: by_area, topic"],
      ["input: by_region.late, topic", "input: by_area.late, topic"],
    );
    const said = await orders.refusal();
    assert.match(said, /`was: by_region`/);
    assert.match(said, /--reset by_region/);
    orders.edit(["- id: by_area\n", "- id: by_area\n    was: by_region\n"]);
    orders.send("orders", order("O-2", "15:30"), order("O-3", "15:01"));
    await orders.run();
    await orders.close();
    // Its window and its clock came along.
    assert.deepEqual(orders.seen("aggregations", ...windowMembers), [
      "us 2025-01-13T15:00:00Z 1 100.00",
      "us 2025-01-13T15:30:00Z 1 100.00",
    ]);
    assert.deepEqual(orders.seen("late", "order_id"), ["O-3"]);
  });

  it("does not lose the state of a step that was taken out", async (context) => {
    const orders = await Orders.open(context);
    orders.send("orders", order("O-1", "15:00"));
    await orders.run();
    const start = ordersJob.indexOf("  - id: dedupe\n");
    const dedupe = ordersJob.slice(start, ordersJob.indexOf("  - id: by_region\n"));
    orders.edit(
      [dedupe, ""],
      ["input: dedupe, topic", "input: enrich, topic"],
      ["[errors, dedupe.duplicates]", "errors"],
    );
    assert.match(await orders.refusal(), /"dedupe".*--reset dedupe/);
    orders.send("orders", order("O-1", "15:01"));
    await orders.run({ reset: ["dedupe"] });
    assert.deepEqual(orders.seen("processed", "order_id"), ["O-1", "O-1"]);
  });
});
