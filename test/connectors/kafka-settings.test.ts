import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resolveCluster } from "../../engine/connectors/kafka/block.ts";
import { kafkaSink } from "../../engine/connectors/kafka/definition.ts";
import { clusterSettings } from "../../engine/connectors/kafka/settings.ts";
import type { JsonObject } from "../../engine/core/json.ts";

const secrets = new Map([["kafka_password", "hunter2"]]);

function settings(block: JsonObject, servers = "a:9092"): ReturnType<typeof clusterSettings> {
  const resolved = resolveCluster(block, (name) => assert.fail(name));
  return clusterSettings("kafka", servers, resolved, { secrets, baseDirectory: "/nowhere" });
}

function resolveSink(raw: JsonObject, kafka: JsonObject): { config: JsonObject; codes: string[] } {
  const codes: string[] = [];
  const config = kafkaSink.resolve(raw, {
    expression: () => undefined,
    durationMs: () => undefined,
    path: () => undefined,
    report: (_path, { code }) => codes.push(code),
    kafka,
  });
  return { config: config ?? {}, codes };
}

test("servers are a list of host:port, IPv6 in brackets", () => {
  assert.deepEqual(settings({}, "a:9092, [::1]:9093").servers, [
    { host: "a", port: 9092 },
    { host: "::1", port: 9093 },
  ]);
  for (const server of ["a", "a:", "a:0", "a:65536", "http://a:9092", "a:9092/b", ""]) {
    assert.throws(() => settings({}, server), { code: "USAGE", message: /is not host:port/ });
  }
});

test("timeouts have defaults and are durations", () => {
  const { outageTimeoutMs, transactionTimeoutMs, createTopics } = settings({
    outage_timeout: "5s",
  });
  assert.deepEqual(
    [outageTimeoutMs, transactionTimeoutMs, createTopics],
    [5000, 60_000, undefined],
  );
  const faults: string[] = [];
  resolveCluster({ request_timeout: "0s" }, (name) => faults.push(name));
  assert.deepEqual(faults, ["request_timeout"]);
});

test("a login's secret comes in only when the connection is made, and is not in the plan", () => {
  const block = {
    sasl: { mechanism: "scram-sha-256", username: "u", password: { secret: "kafka_password" } },
  };
  const { config } = resolveSink({ topic: "t" }, { ...block, bootstrap_servers: "a:9092" });
  assert.equal(JSON.stringify(config).includes("hunter2"), false);
  assert.deepEqual(settings(block).transport.sasl, {
    mechanism: "scram-sha-256",
    username: "u",
    password: "hunter2",
  });
  const unknown = { sasl: { mechanism: "plain", username: "u", password: { secret: "other" } } };
  assert.throws(() => settings(unknown), { code: "USAGE", message: /other has no value/ });
});

test("a token's file is read again for each connection", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "kafka-token-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "token");
  const block = { sasl: { mechanism: "oauthbearer", token_file: file } };
  assert.throws(() => settings(block), { code: "USAGE", message: /cannot read/ });
  writeFileSync(file, "first\n");
  const { sasl } = settings(block).transport;
  assert.ok(sasl !== undefined && "oauthBearerProvider" in sasl);
  assert.deepEqual(await sasl.oauthBearerProvider(), { value: "first" });
  writeFileSync(file, "second\n");
  assert.deepEqual(await sasl.oauthBearerProvider(), { value: "second" });
});

test("TLS takes texts or files, and says which file cannot be read", () => {
  assert.deepEqual(settings({ tls: { ca: "PEM", server_name: "broker" } }).transport.ssl, {
    ca: ["PEM"],
    servername: "broker",
  });
  assert.throws(() => settings({ tls: { ca_file: "ca.pem" } }), {
    code: "USAGE",
    message: /cannot read ca\.pem/,
  });
});

test("a target is known by the name of its cluster, whatever its servers are", () => {
  const kafka = {
    bootstrap_servers: "a:9092",
    clusters: { audit: { bootstrap_servers: "c:9092" } },
  };
  const targetId = (raw: JsonObject): string | undefined =>
    kafkaSink.delivered?.targetId(resolveSink(raw, kafka).config);
  assert.equal(targetId({ topic: "t" }), "kafka");
  assert.equal(targetId({ topic: "t", cluster: "audit" }), "kafka:audit");
  assert.deepEqual(resolveSink({ topic: "t", cluster: "audits" }, kafka).codes, [
    "SPEC_CLUSTER_UNKNOWN",
  ]);
});
