import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as net from "node:net";
import { test } from "node:test";
import { create, type DescMethodUnary, toBinary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { GetVersionResponseSchema, MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { failure } from "./rpc-harness.ts";

const GOOD = toBinary(GetVersionResponseSchema, create(GetVersionResponseSchema, { version: "1" }));

/** Something that is not core, at core's address. */
async function listen(server: net.Server): Promise<{ readonly url: string; close(): void }> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function withPeer(server: net.Server, body: (url: string) => Promise<void>): Promise<void> {
  const peer = await listen(server);
  try {
    await body(peer.url);
  } finally {
    peer.close();
  }
}

/** Calls once, over connections of its own. */
async function call(
  baseUrl: string,
  options: { timeoutMs?: number; token?: string } = {},
  method: DescMethodUnary = MetadataService.method.getVersion,
): Promise<{ version: string }> {
  const transport = createNetworkTransport({ baseUrl, ...options });
  try {
    return (await transport.unary(method, undefined, undefined, undefined, {})).message as unknown as { version: string };
  } finally {
    transport.close();
  }
}

test("a core that is not there, hangs up at once or breaks off is unavailable, and nothing of why is said", async () => {
  const { url, close } = await listen(net.createServer());
  close();
  assert.deepEqual(await failure(call(url)).then(({ code, message }) => [code, message]), [Code.Unavailable, "[unavailable] core cannot be reached"]);
  await withPeer(
    net.createServer((socket) => socket.destroy()),
    async (url) => assert.equal((await failure(call(url))).code, Code.Unavailable),
  );
  const halfAnAnswer = net.createServer((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 10\r\n\r\n123")));
  await withPeer(halfAnAnswer, async (url) => assert.equal((await failure(call(url))).code, Code.Unavailable));
});

test("answers that are none of core's are errors by their status, never a message", async () => {
  const cases: [number, string, string | Uint8Array, Code][] = [
    [200, "text/html", "<html>", Code.Internal],
    [200, "application/json", "{}", Code.Internal],
    [200, "application/proto", new Uint8Array([255, 255]), Code.Internal],
    [302, "text/html", "", Code.Unknown],
    [401, "text/html", "", Code.Unauthenticated],
    [403, "text/plain", "no", Code.PermissionDenied],
    [404, "text/plain", "no", Code.Unimplemented],
    [429, "text/plain", "no", Code.Unavailable],
    [502, "text/html", "<html>", Code.Unavailable],
    [503, "application/json", "no JSON", Code.Unavailable],
    [503, "application/json", '{"code":"made_up","message":1}', Code.Unavailable],
    [400, "application/json", '{"code":"not_found","message":"x"}', Code.NotFound],
  ];
  for (const [status, type, body, code] of cases)
    await withPeer(
      http.createServer((_request, response) => response.writeHead(status, { "content-type": type }).end(body)),
      async (url) => assert.equal((await failure(call(url))).code, code, `${status} ${type} ${body}`),
    );
});

test("a core that does not answer is given up at the deadline, time in the queue included", { timeout: 10_000 }, async () => {
  await withPeer(
    http.createServer(() => {}),
    async (baseUrl) => {
      const transport = createNetworkTransport({ baseUrl, timeoutMs: 300 });
      const at = performance.now();
      const calls = Array.from({ length: 300 }, () => failure(createClient(MetadataService, transport).getVersion({})));
      for (const { code } of await Promise.all(calls)) assert.equal(code, Code.DeadlineExceeded);
      assert.ok(performance.now() - at < 3000);
      transport.close();
    },
  );
  const slowBody = http.createServer((_request, response) => void response.writeHead(200, { "content-type": "application/proto" }).write("1"));
  await withPeer(slowBody, async (url) => assert.equal((await failure(call(url, { timeoutMs: 100 }))).code, Code.DeadlineExceeded));
});

test("a call whose connection broke is sent again only if its method is marked as idempotent, and once", async () => {
  for (const [idempotency, breaks, expected] of [
    [Idempotency.IDEMPOTENCY_UNKNOWN, 1, 1],
    [Idempotency.IDEMPOTENT, 1, 2],
    [Idempotency.NO_SIDE_EFFECTS, 1, 2],
    [Idempotency.IDEMPOTENT, 2, 2],
  ] as const) {
    let seen = 0;
    const server = http.createServer((request, response) => {
      if (++seen <= breaks) request.socket.destroy();
      else response.writeHead(200, { "content-type": "application/proto" }).end(GOOD);
    });
    await withPeer(server, async (url) => {
      const outcome = call(url, {}, { ...MetadataService.method.getVersion, idempotency } as DescMethodUnary);
      if (expected > breaks) assert.equal((await outcome).version, "1");
      else assert.equal((await failure(outcome)).code, Code.Unavailable);
      assert.equal(seen, expected);
    });
  }
});

test("connections are kept", async () => {
  let connections = 0;
  const server = http.createServer((_request, response) => response.writeHead(200, { "content-type": "application/proto" }).end(GOOD)).on("connection", () => connections++);
  await withPeer(server, async (baseUrl) => {
    const transport = createNetworkTransport({ baseUrl });
    const client = createClient(MetadataService, transport);
    for (let i = 0; i < 5; i++) await Promise.all([client.getVersion({}), client.getVersion({})]);
    assert.ok(connections <= 4, String(connections));
    transport.close();
    assert.ok([Code.Unavailable, Code.InvalidArgument].includes((await failure(client.getVersion({}))).code), "closed is closed");
  });
});

test("the base URL may have a path; the token is sent with every call", async () => {
  const seen: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    seen.push(request.url, request.headers.authorization, request.headers["connect-protocol-version"] as string);
    response.writeHead(200, { "content-type": "application/proto" }).end(GOOD);
  });
  await withPeer(server, async (url) => {
    await call(`${url}/core/`, { token: "t" });
    assert.deepEqual(seen, ["/core/writ.admin.v1.MetadataService/GetVersion", "Bearer t", "1"]);
  });
});

test("a header that cannot be sent is invalid_argument", async () => {
  const transport = createNetworkTransport({ baseUrl: "http://127.0.0.1:1" });
  const { code } = await failure(createClient(MetadataService, transport).getVersion({}, { headers: { "x-request-id": "a\r\nb: c" } }));
  assert.equal(code, Code.InvalidArgument);
  transport.close();
});
