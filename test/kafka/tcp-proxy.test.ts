import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { TcpProxy } from "./tcp-proxy.ts";

/** A proxy before a server that sends back what it gets, upper case; and what that server got. */
async function echo(t: TestContext): Promise<{ proxy: TcpProxy; received: () => string }> {
  let received = "";
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      received += String(bytes);
      socket.write(String(bytes).toUpperCase());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = await TcpProxy.start((server.address() as AddressInfo).port);
  t.after(async () => {
    await proxy.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { proxy, received: () => received };
}

async function client(proxy: TcpProxy): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(proxy.port, "127.0.0.1");
  let text = "";
  socket.on("data", (bytes) => (text += String(bytes)));
  await once(socket, "connect");
  return { socket, text: () => text };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

test("a proxy passes bytes both ways, and the end of a connection", async (t) => {
  const { proxy } = await echo(t);
  const { socket, text } = await client(proxy);
  const large = "a".repeat(3 << 20);
  socket.write(large);
  await until(() => text().length === large.length);
  assert.equal(text(), large.toUpperCase());
  socket.end();
  await once(socket, "close");
  await until(() => proxy.connections === 0);
});

test("a black hole holds one direction until it is resumed; a reset loses what it held", async (t) => {
  const { proxy, received } = await echo(t);
  const { socket, text } = await client(proxy);
  proxy.blackhole("to-client");
  socket.write("one");
  await until(() => received() === "one");
  assert.equal(text(), "");
  proxy.resume();
  await until(() => text() === "ONE");
  proxy.blackhole("to-target");
  socket.write("two");
  const gone = once(socket, "error");
  await until(() => socket.bytesWritten === 6);
  proxy.reset();
  assert.match(String(await gone), /ECONNRESET/);
  assert.equal(received(), "one");
});

test("a cut refuses new connections until it is resumed", async (t) => {
  const { proxy } = await echo(t);
  const first = await client(proxy);
  const lost = once(first.socket, "error");
  proxy.cut();
  await lost;
  const refused = connect(proxy.port, "127.0.0.1");
  await once(refused, "error");
  proxy.resume();
  const { socket, text } = await client(proxy);
  socket.write("back");
  await until(() => text() === "BACK");
  socket.destroy();
});

test("a slow way delivers byte by byte", async (t) => {
  const { proxy } = await echo(t);
  const { socket, text } = await client(proxy);
  proxy.slow(20, "to-client");
  const parts: number[] = [];
  socket.on("data", (bytes) => parts.push(bytes.length));
  socket.write("slow");
  await until(() => text() === "SLOW");
  assert.ok(parts.length > 1, "not at once");
  socket.destroy();
});
