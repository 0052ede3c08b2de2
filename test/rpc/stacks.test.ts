import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { type Client, credentials, loadPackageDefinition, Metadata, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { IntrospectRequestSchema, IntrospectResponseSchema, TokenService, WatchRevocationsResponseSchema } from "#gen/writ/token/v1/token_service_pb.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { failure, type Rpc, startRpc, until } from "./rpc-harness.ts";

const run = promisify(execFile);
const SERVICE = "a-service-token-of-thirty-two-characters";

let rpc: Rpc;
let closed: Rpc;
before(async () => {
  rpc = await startRpc();
  closed = await startRpc({ config: { access: { tokens: [{ name: "service", token: SERVICE, roles: ["service"] }] } } });
});
after(() => Promise.all([rpc.server.close(500), closed.server.close(500)]));

describe("Connect's own clients", () => {
  const transports: Readonly<Record<string, (baseUrl: string) => Transport>> = {
    "Connect, HTTP/1.1, binary": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
    "Connect, HTTP/1.1, JSON": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
    "Connect, HTTP/2 with prior knowledge": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }),
    gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
    "gRPC-Web, HTTP/1.1": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
    "gRPC-Web, HTTP/2": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
    "the gateway's own": (baseUrl) => createNetworkTransport({ baseUrl }),
  };
  for (const [name, transport] of Object.entries(transports))
    test(`${name}: answers, errors with their details, deadlines, credentials, and streams that end when the caller hangs up`, async () => {
      const wire = transport(rpc.server.url);
      assert.equal((await createClient(MetadataService, wire).getVersion({})).version, "1.2.3");
      const client = createClient(TokenService, wire);
      assert.equal((await client.introspect({ token: "good" })).introspection?.active, true);
      const failed = await failure(client.revoke({ token: "client" }));
      assert.deepEqual([failed.code, failed.rawMessage, failed.findDetails(OAuthErrorDetailSchema)[0]?.error], [Code.Unauthenticated, "who are you", "invalid_client"]);
      const bug = await failure(client.revoke({ token: "bug" }));
      assert.deepEqual([bug.code, bug.rawMessage, bug.details], [Code.Internal, "internal error", []]);
      assert.equal((await failure(client.introspect({ token: "wait" }, { timeoutMs: 50 }))).code, Code.DeadlineExceeded);
      assert.ok([Code.ResourceExhausted, Code.Unavailable].includes((await failure(client.introspect({ token: "x".repeat(5_000_000) }))).code));

      await until(() => rpc.hungUp.count > 0, "the deadline's signal fired");
      const before = rpc.hungUp.count;
      const hangUp = new AbortController();
      await assert.rejects(async () => {
        for await (const { cursor } of client.watchRevocations({}, { signal: hangUp.signal })) {
          assert.equal(cursor, "1");
          hangUp.abort();
        }
      });
      await until(() => rpc.hungUp.count === before + 1, "the stream's signal fired");
      if ("close" in wire) (wire as { close(): void }).close();

      const guarded = createClient(TokenService, transport(closed.server.url));
      assert.equal((await failure(guarded.introspect({}))).code, Code.Unauthenticated);
      assert.equal((await failure(guarded.introspect({}, { headers: { authorization: "Bearer wrong" } }))).code, Code.Unauthenticated);
      assert.equal((await guarded.introspect({ token: "good" }, { headers: { authorization: `Bearer ${SERVICE}` } })).introspection?.active, true);
    });
});

describe("@grpc/grpc-js, a stack of its own", () => {
  type Answer = { readonly introspection: { readonly active: boolean }; readonly status: string; readonly cursor: string };
  type Method = (request: object, metadata: Metadata, done: (error: Error | null, answer: Answer) => void) => void;
  type Stream = NodeJS.EventEmitter & { cancel(): void };
  const clients = (url: string) => {
    const packages = loadPackageDefinition(loadSync(["writ/token/v1/token_service.proto", "grpc/health/v1/health.proto"], { includeDirs: ["proto"], enums: String }));
    const find = (path: string) => path.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], packages) as ServiceClientConstructor;
    const open = (path: string) => new (find(path))(new URL(url).host, credentials.createInsecure());
    return { token: open("writ.token.v1.TokenService"), health: open("grpc.health.v1.Health") };
  };
  const call = (client: Client, method: string, request: object, metadata: Record<string, string> = {}): Promise<Answer> => {
    const all = new Metadata();
    for (const [name, value] of Object.entries(metadata)) all.set(name, value);
    return new Promise((resolve, reject) => {
      const send = (client as unknown as Record<string, Method>)[method];
      send?.call(client, request, all, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  };

  test("unary calls, errors by their gRPC code, a stream that is cancelled", async () => {
    const { token, health } = clients(rpc.server.url);
    assert.equal((await call(token, "Introspect", { token: "good" })).introspection.active, true);
    await assert.rejects(call(token, "Revoke", { token: "x" }), { code: 14, details: "later" });
    await assert.rejects(call(token, "Revoke", { token: "bug" }), { code: 13, details: "internal error" });
    const before = rpc.hungUp.count;
    const stream = (token as unknown as { WatchRevocations(request: object): Stream }).WatchRevocations({});
    const first = await new Promise<Answer>((resolve) => stream.on("data", resolve).on("error", () => {}));
    assert.equal(first.cursor, "1");
    stream.cancel();
    await until(() => rpc.hungUp.count === before + 1, "the signal fired");
    token.close();
    health.close();
  });

  test("grpc.health.v1 and credentials in metadata, on a port that asks for them", async () => {
    const { token, health } = clients(closed.server.url);
    for (const service of ["", "writ.token.v1.TokenService"]) assert.equal((await call(health, "Check", { service })).status, "SERVING");
    await assert.rejects(call(health, "Check", { service: "nobody" }), { code: 5 });
    await assert.rejects(call(token, "Introspect", {}), { code: 16, details: "credentials are missing" });
    await assert.rejects(call(token, "Introspect", {}, { authorization: "Bearer wrong" }), { code: 16, details: "credentials are not valid" });
    assert.equal((await call(token, "Introspect", { token: "good" }, { authorization: `Bearer ${SERVICE}` })).introspection.active, true);
    token.close();
    health.close();
  });
});

describe("a gRPC-Web request by hand", () => {
  const frame = (message: Uint8Array): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    return Buffer.concat([head, message]);
  };
  const frames = (bytes: Buffer): { readonly flags: number; readonly data: Buffer }[] => {
    if (bytes.length < 5) return [];
    const end = 5 + bytes.readUInt32BE(1);
    return [{ flags: bytes.readUInt8(0), data: bytes.subarray(5, end) }, ...frames(bytes.subarray(end))];
  };
  const post = async (method: string, body: Uint8Array, type = "application/grpc-web+proto") => {
    const answer = await fetch(`${rpc.server.url}/writ.token.v1.TokenService/${method}`, {
      method: "POST",
      headers: { "content-type": type, "x-grpc-web": "1" },
      body: new Uint8Array(body),
    });
    return { answer, frames: frames(Buffer.from(await answer.arrayBuffer())) };
  };

  test("gets a message and its trailers in frames; a stream as many messages as it has", async () => {
    const { answer, frames: got } = await post("Introspect", frame(toBinary(IntrospectRequestSchema, create(IntrospectRequestSchema, { token: "good" }))));
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "application/grpc-web+proto"]);
    const [message, trailers] = got;
    assert.ok(message !== undefined && trailers !== undefined);
    assert.equal(fromBinary(IntrospectResponseSchema, message.data).introspection?.active, true);
    assert.equal(trailers.flags, 0x80);
    assert.match(trailers.data.toString(), /grpc-status: 0\r\n/);

    const stream = await post("WatchRevocations", frame(Buffer.from([0x0a, 3, ...Buffer.from("end")])));
    assert.deepEqual(
      stream.frames.map(({ flags }) => flags),
      [0, 0x80],
    );
    assert.equal(fromBinary(WatchRevocationsResponseSchema, stream.frames[0]?.data ?? new Uint8Array()).cursor, "1");
  });

  test("gets the status of an error in its trailers; garbage, a frame without end and a compressed one are errors too", async () => {
    const statusOf = ({ answer, frames: got }: Awaited<ReturnType<typeof post>>) =>
      answer.headers.get("grpc-status") ?? /grpc-status: (\d+)/.exec(got.at(-1)?.data.toString() ?? "")?.[1];
    assert.equal(statusOf(await post("Revoke", frame(new Uint8Array()))), "14");
    for (const body of [
      Buffer.from("garbage that is no frame"),
      frame(Buffer.from([255])),
      frame(new Uint8Array(100)).subarray(0, 20),
      Buffer.concat([Buffer.from([1]), frame(new Uint8Array()).subarray(1)]),
      new Uint8Array(),
      Buffer.from([0, 255, 255, 255, 255]),
    ]) {
      const status = statusOf(await post("Introspect", body));
      assert.ok(status !== undefined && status !== "0", `${status} for ${Buffer.from(body).toString("hex")}`);
    }
    assert.equal((await post("Introspect", frame(new Uint8Array()), "application/grpc-web+thrift")).answer.status, 415);
  });
});

test("buf curl needs no schema: it lists methods and calls one by reflection, over gRPC, gRPC-Web and Connect", async () => {
  const curl = (...args: string[]) => run("node_modules/.bin/buf", ["curl", "--http2-prior-knowledge", ...args]);
  assert.match((await curl("--list-methods", rpc.server.url)).stdout, /writ\.token\.v1\.TokenService\/BatchIntrospect/);
  for (const protocol of ["grpc", "grpcweb", "connect"]) {
    const { stdout } = await curl("--protocol", protocol, "--data", '{"token":"good"}', `${rpc.server.url}/writ.token.v1.TokenService/Introspect`);
    assert.deepEqual(JSON.parse(stdout), { introspection: { active: true } });
  }
});

test("nothing that callers did was worth an error line but what they provoked on purpose", () => {
  const errors = [...rpc.lines, ...closed.lines].filter(({ level }) => level === "error");
  for (const { event, fields } of errors) assert.deepEqual([event, fields.cause instanceof TypeError], ["internal_error", true], String(fields.cause));
});
