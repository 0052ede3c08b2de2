import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { credentials, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { makeAccessTable } from "#core/access.ts";
import { makeDispatcher } from "#core/dispatch.ts";
import { healthRegistration } from "#core/health.ts";
import { type RpcServer, startRpcServer } from "#core/server.ts";
import { Health } from "#gen/grpc/health/v1/health_pb.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { type ConfigInput, configSchema } from "#lib/config.ts";
import { OAuthError } from "#lib/errors.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { register } from "#lib/rpc/call.ts";
import { createDirectTransport } from "#lib/rpc/direct.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { systemClock } from "#lib/time.ts";

const run = promisify(execFile);
let hungUp = 0;

/** Services whose answers are known; what is tested here is how a call travels. */
function registrations() {
  return [
    register(MetadataService, { getVersion: () => ({ version: "1.2.3" }) }),
    register(TokenService, {
      introspect: ({ token }) => ({ introspection: { active: token === "good" } }),
      batchIntrospect: ({ tokens }) => ({ answers: tokens.map(() => ({ introspection: { active: false } })) }),
      revoke({ token }) {
        if (token === "bug") throw new TypeError("a secret detail");
        throw new OAuthError("temporarily_unavailable", "later", { cause: new Error("a secret cause") });
      },
      async *watchRevocations(_request, { signal }) {
        yield { cursor: "1" };
        await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
        hungUp++;
      },
    }),
  ];
}

function start(input: ConfigInput = {}) {
  const config = configSchema.parse({ ...input, serve: { rpc: { port: 0, ...input.serve?.rpc } } });
  const base = registrations();
  const health = healthRegistration({ ready: async () => true, services: base.map(({ service }) => service) });
  const dispatcher = makeDispatcher({ registrations: [...base, health] as never, access: makeAccessTable(config), clock: systemClock, random: pooledRandom(), log: silentLog });
  return startRpcServer({ config, dispatcher, log: silentLog }).then((server) => ({ server, dispatcher }));
}

function grpcClient(url: string) {
  const definition = loadSync(["writ/token/v1/token_service.proto", "writ/admin/v1/metadata_service.proto", "grpc/health/v1/health.proto"], { includeDirs: ["proto"] });
  // biome-ignore lint/suspicious/noExplicitAny: grpc-js builds its clients at run time
  const packages = loadPackageDefinition(definition) as any;
  const target = new URL(url).host;
  return { token: new packages.writ.token.v1.TokenService(target, credentials.createInsecure()), health: new packages.grpc.health.v1.Health(target, credentials.createInsecure()) };
}

describe("RPC port in clear text", () => {
  let server: RpcServer;
  before(async () => {
    ({ server } = await start());
  });
  after(() => server.close(500));

  const transports = {
    "Connect, HTTP/1.1, binary": () => createConnectTransport({ baseUrl: server.url, httpVersion: "1.1", useBinaryFormat: true }),
    "Connect, HTTP/1.1, JSON": () => createConnectTransport({ baseUrl: server.url, httpVersion: "1.1", useBinaryFormat: false }),
    "Connect, HTTP/2 with prior knowledge": () => createConnectTransport({ baseUrl: server.url, httpVersion: "2" }),
    gRPC: () => createGrpcTransport({ baseUrl: server.url }),
    "gRPC-Web, HTTP/1.1": () => createGrpcWebTransport({ baseUrl: server.url, httpVersion: "1.1" }),
    "the gateway's own": () => createNetworkTransport({ baseUrl: server.url }),
  };
  for (const [name, transport] of Object.entries(transports)) {
    test(`${name}: answers, errors with their details, and streams that end when the caller hangs up`, async () => {
      const wire = transport();
      assert.equal((await createClient(MetadataService, wire).getVersion({})).version, "1.2.3");
      const client = createClient(TokenService, wire);
      assert.equal((await client.introspect({ token: "good" })).introspection?.active, true);
      const failed = await client.revoke({ token: "x" }).then(
        () => assert.fail("it was answered"),
        (error: unknown) => ConnectError.from(error),
      );
      assert.deepEqual([failed.code, failed.rawMessage], [Code.Unavailable, "later"]);
      assert.equal(failed.details.length, 1);
      const bug = await client.revoke({ token: "bug" }).then(
        () => assert.fail("it was answered"),
        (error: unknown) => ConnectError.from(error),
      );
      assert.deepEqual([bug.code, bug.rawMessage, bug.details], [Code.Internal, "internal error", []]);
      const before = hungUp;
      const hangUp = new AbortController();
      await assert.rejects(async () => {
        for await (const { cursor } of client.watchRevocations({}, { signal: hangUp.signal })) {
          assert.equal(cursor, "1");
          hangUp.abort();
        }
      });
      for (let i = 0; i < 100 && hungUp === before; i++) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(hungUp, before + 1);
      if ("close" in wire) (wire as { close(): void }).close();
    });
  }

  test("@grpc/grpc-js, a stack of its own: unary, errors, streams and health", async () => {
    const { token, health } = grpcClient(server.url);
    const call = (client: typeof token, method: string, request: object) =>
      new Promise<{ introspection: { active: boolean }; status: string }>((resolve, reject) =>
        client[method](request, new Metadata(), (error: Error | null, answer: never) => (error === null ? resolve(answer) : reject(error))),
      );
    assert.equal((await call(token, "Introspect", { token: "good" })).introspection.active, true);
    await assert.rejects(call(token, "Revoke", { token: "x" }), { code: 14, details: "later" });
    assert.ok(["SERVING", 1].includes((await call(health, "Check", { service: "writ.token.v1.TokenService" })).status));
    await assert.rejects(call(health, "Check", { service: "nobody" }), { code: 5 });
    const stream = token.WatchRevocations({});
    const first = await new Promise<{ cursor: string }>((resolve) => stream.on("data", resolve).on("error", () => {}));
    assert.equal(first.cursor, "1");
    stream.cancel();
    token.close();
    health.close();
  });

  test("buf curl needs no schema: it lists methods and calls one by reflection", async () => {
    const curl = (...args: string[]) => run("node_modules/.bin/buf", ["curl", "--http2-prior-knowledge", ...args]);
    assert.match((await curl("--list-methods", server.url)).stdout, /writ\.token\.v1\.TokenService\/BatchIntrospect/);
    const { stdout } = await curl("--protocol", "grpc", "--data", '{"token":"good"}', `${server.url}/writ.token.v1.TokenService/Introspect`);
    assert.deepEqual(JSON.parse(stdout), { introspection: { active: true } });
  });

  test("garbage, unknown methods, large messages and half a preface are answered or cut, and the server goes on", async () => {
    const post = (path: string, body: string | Uint8Array<ArrayBuffer>, type = "application/proto") =>
      fetch(server.url + path, { method: "POST", headers: { "content-type": type }, body });
    assert.equal((await post("/writ.token.v1.TokenService/Introspect", new Uint8Array([255, 255, 255]))).status, 400);
    assert.equal((await post("/writ.token.v1.TokenService/Introspect", "{", "application/json")).status, 400);
    assert.equal((await post("/writ.token.v1.TokenService/Nothing", "")).status, 404);
    assert.ok([413, 429].includes((await post("/writ.token.v1.TokenService/Introspect", new Uint8Array(5_000_000))).status));
    assert.equal((await fetch(`${server.url}/`)).status, 404);
    const { connect } = await import("node:net");
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.write("PRI * HT");
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    assert.equal((await createClient(MetadataService, createNetworkTransport({ baseUrl: server.url })).getVersion({})).version, "1.2.3");
  });

  test("a deadline ends a call with deadline_exceeded, a core that is not there is unavailable", async () => {
    const nobody = createClient(MetadataService, createNetworkTransport({ baseUrl: "http://127.0.0.1:1" }));
    await assert.rejects(nobody.getVersion({}), { code: Code.Unavailable });
  });
});

describe("access", () => {
  const tokens = {
    gateway: "gateway-token-of-thirty-two-chars!",
    admin: "admin-token-of-thirty-two-chars!!!",
    service: "service-token-of-thirty-two-chars!",
  };
  const access: ConfigInput["access"] = { tokens: Object.entries(tokens).map(([name, token]) => ({ name, token, roles: [name as keyof typeof tokens] })) };

  test("each method is for its role: no credentials and wrong ones are unauthenticated, others' are denied, health is for all", async () => {
    const { server, dispatcher } = await start({ access });
    try {
      const call = (authorization?: string) =>
        createClient(TokenService, createNetworkTransport({ baseUrl: server.url })).introspect(
          { token: "good" },
          authorization === undefined ? {} : { headers: { authorization } as never },
        );
      await assert.rejects(call(), { code: Code.Unauthenticated });
      for (const wrong of ["Bearer wrong", "Bearer ", "Basic YTpi", `Bearer ${tokens.service}x`, "Bearer é"])
        await assert.rejects(call(wrong), { code: Code.Unauthenticated }, wrong);
      for (const name of ["gateway", "admin"] as const) await assert.rejects(call(`Bearer ${tokens[name]}`), { code: Code.PermissionDenied });
      assert.equal((await call(`bearer ${tokens.service}`)).introspection?.active, true);
      assert.equal((await createClient(Health, createNetworkTransport({ baseUrl: server.url })).check({})).status, 1);
      const direct = createClient(TokenService, createDirectTransport(dispatcher));
      await assert.rejects(direct.introspect({ token: "good" }), { code: Code.Unauthenticated }, "the gateway in the same process is a gateway, no service");
      assert.equal((await direct.introspect({ token: "good" }, { headers: { authorization: `Bearer ${tokens.service}` } })).introspection?.active, true);
    } finally {
      await server.close(500);
    }
  });

  test("every method of every service says who may call it", () => {
    for (const service of [OAuthService, MetadataService, TokenService]) for (const method of service.methods) assert.ok(method.proto.options !== undefined, method.name);
  });
});
