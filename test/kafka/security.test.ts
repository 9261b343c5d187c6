import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import kafkajs from "kafkajs";
import type { AclOperationTypes, AclResourceTypes } from "kafkajs";
import { pipeline } from "../crash/pipeline-process.ts";
import type { ProcessEnd } from "../crash/pipeline-process.ts";
import { brokerMissing, TestBroker } from "./broker.ts";
import { makeCertificates } from "./certificates.ts";
import type { Certificates } from "./certificates.ts";
import { makeTopics } from "./make-topics.ts";
import { TcpProxy } from "./tcp-proxy.ts";

const missing = brokerMissing();
if (missing !== undefined) console.error(`SKIPPED: ${missing}`);

const password = "pa55-word/of=orders";
const orders = ["one", "two", "three"];

/** A copy from one topic to another under a name of its own. */
function jobText(name: string, kafka: string, input: string): string {
  return `
version: 1
name: ${name}
parameters:
  servers: { env: SERVERS }
  password: { env: ORDERS_PASSWORD, secret: true }
kafka:
  bootstrap_servers: "\${servers}"
  outage_timeout: 3s
${kafka}
sources:
  in: { type: kafka, topic: ${input}, format: json }
sinks:
  out: { type: kafka, input: in, topic: ${name}.out }
  bad: { type: file, input: errors, path: bad.jsonl }
`;
}

const scram = `  sasl: { mechanism: scram-sha-512, username: orders, password: "\${password}" }`;

describe("a broker with TLS, logins and rights", { skip: missing ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "kafka-security-"));
  let certificates: Certificates;
  let broker: TestBroker;

  before(async () => {
    certificates = makeCertificates(folder);
    const login = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    broker = await TestBroker.start(
      {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates.server,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificates.authority,
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": login,
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.expired.ssl.keystore.type": "PEM",
        "listener.name.expired.ssl.keystore.location": certificates.expired,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:CN=client",
      },
      {
        listeners: { SCRAM: "SASL_SSL", MUTUAL: "SSL", EXPIRED: "SSL" },
        users: { orders: password },
      },
    );
    const client = new kafkajs.Kafka({
      brokers: [broker.bootstrap],
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const topics = ["in", "hidden", "login.out", "login_two.out", "mutual.out"];
    await makeTopics(broker.bootstrap, topics, 2);
    const admin = client.admin();
    await admin.connect();
    const right = (
      resourceType: AclResourceTypes,
      resourceName: string,
      operation: AclOperationTypes,
    ) => ({
      resourceType,
      resourceName,
      resourcePatternType: kafkajs.ResourcePatternTypes.PREFIXED,
      principal: "User:orders",
      host: "*",
      operation,
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    });
    const { TOPIC, TRANSACTIONAL_ID } = kafkajs.AclResourceTypes;
    const { CREATE, READ, WRITE, DESCRIBE } = kafkajs.AclOperationTypes;
    await admin.createAcls({
      acl: [
        right(TOPIC, "in", READ),
        right(TOPIC, "hidden", DESCRIBE),
        right(TOPIC, "login", WRITE),
        right(TOPIC, "login", READ),
        right(TOPIC, "login", CREATE),
        right(TRANSACTIONAL_ID, "login", WRITE),
      ],
    });
    await admin.disconnect();
    const producer = client.producer();
    await producer.connect();
    const messages = orders.map((id) => ({ value: JSON.stringify({ id }) }));
    for (const topic of ["in", "hidden"]) await producer.send({ topic, messages });
    await producer.disconnect();
  });
  after(async () => {
    await broker.dispose();
    rmSync(folder, { recursive: true });
  });

  interface Attempt {
    readonly name: string;
    readonly listener: string;
    readonly kafka: string;
    readonly login?: string;
    readonly input?: string;
    /** Where the listener is reached; default: where it is. */
    readonly address?: string;
  }

  let attempts = 0;

  /** How a run ended; none of its traces holds the password. */
  async function run({
    name,
    listener,
    kafka,
    login = password,
    input = "in",
    address = broker.addresses.get(listener) ?? "",
  }: Attempt): Promise<ProcessEnd> {
    const home = join(folder, `attempt-${(attempts += 1)}`);
    mkdirSync(home);
    const { authority, stranger, client } = certificates;
    for (const file of [authority, stranger, client.certificate, client.key]) {
      cpSync(file, join(home, file.split("/").at(-1) ?? ""));
    }
    writeFileSync(join(home, "job.yaml"), jobText(name, kafka, input));
    const environment = { ORDERS_PASSWORD: login, SERVERS: address };
    const end = await pipeline(["run", "job.yaml", "--close"], { cwd: home, environment });
    const explained = await pipeline(["explain", "job.yaml", "--format", "json"], {
      cwd: home,
      environment,
    });
    const traces = [end, explained].flatMap(({ stdout, stderr }) => [stdout, stderr]);
    for (const file of readdirSync(home, {
      recursive: true,
      encoding: "utf8",
      withFileTypes: true,
    })) {
      if (file.isFile()) traces.push(readFileSync(join(file.parentPath, file.name), "latin1"));
    }
    const forms = [login, Buffer.from(login).toString("base64"), encodeURIComponent(login)];
    for (const form of forms) {
      assert.ok(!traces.some((trace) => trace.includes(form)), `${form} is shown`);
    }
    return end;
  }

  it("S13: takes a login by SCRAM over TLS, with rights for no more than its topics, and shows no secret", async () => {
    const kafka = `  tls: { ca_file: authority.pem }\n${scram}`;
    const { exit, stderr, stdout } = await run({ name: "login", listener: "SCRAM", kafka });
    assert.equal(exit, 0, stderr);
    assert.match(stdout, /reached the end: 3 records/);
  });

  it("K13: refuses a wrong password with 6, at the first attempt", async () => {
    const kafka = `  tls: { ca_file: authority.pem }\n${scram}`;
    const proxy = await TcpProxy.start(Number(broker.addresses.get("SCRAM")?.split(":")[1]));
    const { address } = proxy;
    const login = "another-5ecret";
    const end = await run({ name: "login", listener: "SCRAM", kafka, login, address });
    await proxy.close();
    assert.equal(end.exit, 6, end.stderr);
    assert.match(end.stderr, /KAFKA_REFUSED/);
    assert.equal(proxy.accepted, 1, "no storm of attempts");
  });

  it("K13: names the right that is missing", async () => {
    const kafka = `  tls: { ca_file: authority.pem }\n${scram}`;
    const end = await run({ name: "login_two", listener: "SCRAM", kafka, input: "hidden" });
    assert.equal(end.exit, 6, end.stderr);
    assert.match(end.stderr, /KAFKA_REFUSED.*Read on topic hidden/s);
  });

  it("takes mutual TLS, and refuses a client without a certificate", async () => {
    const authority = "ca_file: authority.pem";
    const own = `  tls: { ${authority}, cert_file: client.pem, key_file: client.key }`;
    const { exit, stderr } = await run({ name: "mutual", listener: "MUTUAL", kafka: own });
    assert.equal(exit, 0, stderr);
    const bare = await run({ name: "bare", listener: "MUTUAL", kafka: `  tls: { ${authority} }` });
    assert.equal(bare.exit, 6, bare.stderr);
  });

  it("K13: refuses brokers whose certificate has expired or is not of a known authority", async () => {
    const known = `  tls: { ca_file: authority.pem }`;
    const expired = await run({ name: "expired", listener: "EXPIRED", kafka: known });
    assert.equal(expired.exit, 6, expired.stderr);
    assert.match(expired.stderr, /expired/);
    const kafka = `  tls: { ca_file: stranger.pem }\n${scram}`;
    const unknown = await run({ name: "login", listener: "SCRAM", kafka });
    assert.equal(unknown.exit, 6, unknown.stderr);
    assert.match(unknown.stderr, /KAFKA_REFUSED/);
  });
});
