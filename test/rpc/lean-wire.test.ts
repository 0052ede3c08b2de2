import assert from "node:assert/strict";
import * as http from "node:http";
import * as http2 from "node:http2";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { IntrospectRequestSchema } from "#gen/writ/token/v1/token_service_pb.ts";
import { type Rpc, startRpc, until } from "./rpc-harness.ts";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}
type Headers = Readonly<Record<string, string>>;
type Send = (path: string, headers: Headers, body: Uint8Array | string, method?: string) => Promise<Answer>;

const INTROSPECT = "/writ.token.v1.TokenService/Introspect";
const REVOKE = "/writ.token.v1.TokenService/Revoke";
const PROTO = { "content-type": "application/proto" };
const JSON_TYPE = { "content-type": "application/json" };

let rpc: Rpc;
let session: http2.ClientHttp2Session;
const overHttp1: Send = (path, headers, body, method = "POST") =>
  new Promise((resolve, reject) => {
    const request = http.request(rpc.server.url + path, { method, headers: { ...headers, "content-length": Buffer.byteLength(body) } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", body: Buffer.concat(chunks) }));
    });
    request.on("error", reject).end(body);
  });
const overHttp2: Send = (path, headers, body, method = "POST") =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: false });
    let answered: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
    const chunks: Buffer[] = [];
    stream.on("response", (answer) => {
      answered = answer;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
    stream.on("end", () => resolve({ status: answered[":status"] ?? 0, type: answered["content-type"] ?? "", body: Buffer.concat(chunks) }));
    stream.end(body);
  });

before(async () => {
  rpc = await startRpc();
  session = http2.connect(rpc.server.url).on("error", () => {});
});
after(async () => {
  session.close();
  await rpc.server.close(500);
});

for (const [version, send] of Object.entries({ "HTTP/1.1": overHttp1, "HTTP/2": overHttp2 }))
  describe(`Connect protocol, Unary-Request over ${version}`, () => {
    const json = async (body: string, more: Headers = {}, path = INTROSPECT) => {
      const answer = await send(path, { ...JSON_TYPE, ...more }, body);
      return { status: answer.status, type: answer.type, value: JSON.parse(answer.body.toString()) as { code?: string; message?: string; details?: unknown[] } };
    };

    test("a binary message gets a binary answer, a JSON message a JSON answer, and unknown members are ignored", async () => {
      const binary = await send(INTROSPECT, { ...PROTO, "connect-protocol-version": "1" }, toBinary(IntrospectRequestSchema, create(IntrospectRequestSchema, { token: "good" })));
      assert.deepEqual([binary.status, binary.type], [200, "application/proto"]);
      assert.deepEqual(await json('{"token":"good","newer":[1]}'), { status: 200, type: "application/json", value: { introspection: { active: true } } });
      assert.deepEqual((await json('{"token":"good"}', { "content-encoding": "identity" })).value, { introspection: { active: true } });
      assert.deepEqual((await json('{"token":"good"}', { "content-type": "application/json; charset=utf-8" })).value, { introspection: { active: true } });
    });

    test("an empty binary body is an empty message, an empty JSON body is none", async () => {
      assert.equal((await send(INTROSPECT, PROTO, "")).status, 200);
      assert.equal((await send(INTROSPECT, JSON_TYPE, "")).status, 400);
    });

    test("an OAuth error keeps its code by its status, its detail and nothing of its cause", async () => {
      const { status, type, value } = await json('{"token":"client"}', {}, REVOKE);
      assert.deepEqual([status, type, value.code, value.message, value.details?.length], [401, "application/json", "unauthenticated", "who are you", 1]);
      assert.doesNotMatch(JSON.stringify(value), /secret/);
      assert.equal((await json('{"token":"x"}', {}, REVOKE)).status, 503);
    });

    test("what nobody foresaw is internal and says nothing, also when only the answer cannot be written", async () => {
      for (const token of ["bug", "unfit"]) {
        const before = rpc.lines.length;
        const binary = await send(token === "bug" ? REVOKE : INTROSPECT, PROTO, toBinary(IntrospectRequestSchema, create(IntrospectRequestSchema, { token })));
        assert.deepEqual([binary.status, JSON.parse(binary.body.toString())], [500, { code: "internal", message: "internal error" }]);
        assert.ok(rpc.lines.slice(before).some(({ level, event, fields }) => level === "error" && event === "internal_error" && fields.cause instanceof Error));
      }
    });

    test("garbage is invalid_argument and is not quoted", async () => {
      for (const [headers, body] of [
        [PROTO, new Uint8Array([255, 255, 255])],
        [PROTO, Buffer.alloc(1_000_000, 0x0b)], // groups in groups
        [JSON_TYPE, '{"token":"a secret'],
        [JSON_TYPE, '{"token":["a secret"]}'],
        [JSON_TYPE, "[]"],
        [JSON_TYPE, Buffer.from([0x22, 0xff, 0x22])],
        [JSON_TYPE, "[".repeat(100_000)],
      ] as const) {
        const answer = await send(INTROSPECT, headers, body);
        assert.equal(answer.status, 400);
        assert.deepEqual(JSON.parse(answer.body.toString()), { code: "invalid_argument", message: "the body is no writ.token.v1.IntrospectRequest" });
      }
    });

    test("deeply nested JSON, numbers as strings, and member names of the language's own do no harm", async () => {
      assert.equal((await json('{"__proto__":{"token":"good"},"constructor":{}}')).status, 200);
      assert.equal((await json(`{"unknown":${"[".repeat(5000)}${"]".repeat(5000)}}`)).status, 200);
    });

    test("a message above the limit is resource_exhausted, and the next call is served", async () => {
      const answer = await send(INTROSPECT, PROTO, Buffer.alloc(5_000_000));
      assert.deepEqual([answer.status, JSON.parse(answer.body.toString()).code], [429, "resource_exhausted"]);
      assert.equal((await send(INTROSPECT, PROTO, "")).status, 200);
    });

    test("content encodings, protocol versions, deadlines and media types that are not known are refused, each with its status", async () => {
      const gzip = await send(INTROSPECT, { ...PROTO, "content-encoding": "gzip" }, gzipSync(""));
      assert.deepEqual([gzip.status, JSON.parse(gzip.body.toString()).code], [501, "unimplemented"]);
      assert.equal((await send(INTROSPECT, { ...PROTO, "connect-protocol-version": "2" }, "")).status, 400);
      for (const timeout of ["soon", "-1", "1e3", "99999999999", ""]) assert.equal((await send(INTROSPECT, { ...PROTO, "connect-timeout-ms": timeout }, "")).status, 400, timeout);
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
        assert.equal((await send(INTROSPECT, { "content-type": type }, "")).status, 415, type);
      assert.equal((await send(INTROSPECT, {}, "")).status, 415);
    });

    test("other methods and paths are refused", async () => {
      for (const method of ["PUT", "DELETE", "OPTIONS", "PATCH"]) assert.equal((await send(INTROSPECT, PROTO, "", method)).status, 405, method);
      assert.equal((await send(`${INTROSPECT}?connect=v1&encoding=json&message=%7B%7D`, {}, "", "GET")).status, 405, "no token ever travels in a URL");
      for (const path of ["/", "/writ.token.v1.TokenService/introspect", "/writ.token.v1.TokenService/", "//", "/__proto__", `${INTROSPECT}/`])
        assert.equal((await send(path, PROTO, "")).status, 404, path);
    });

    test("connect-timeout-ms: a call that takes longer is deadline_exceeded, and its handler's signal fires", async () => {
      const before = rpc.hungUp.count;
      const { status, value } = await json('{"token":"wait"}', { "connect-timeout-ms": "30" });
      assert.deepEqual([status, value.code], [504, "deadline_exceeded"]);
      await until(() => rpc.hungUp.count === before + 1, "the signal fired");
      assert.equal((await json('{"token":"good"}', { "connect-timeout-ms": "999999999" })).status, 200);
    });

    test("x-request-id goes to the handler if it is one, else a fresh one does", async () => {
      await json("{}", { "x-request-id": "abc.DEF-1_2" });
      assert.equal(rpc.contexts.at(-1)?.requestId, "abc.DEF-1_2");
      for (const bad of ["a b", 'x"', "x".repeat(129), "{}"]) {
        await json("{}", { "x-request-id": bad });
        assert.match(rpc.contexts.at(-1)?.requestId ?? "", /^[\w-]{16}$/);
      }
    });
  });

test("a caller that hangs up over HTTP/1.1 or HTTP/2 makes the handler's signal fire", async () => {
  const before = rpc.hungUp.count;
  const request = http.request(rpc.server.url + INTROSPECT, { method: "POST", headers: JSON_TYPE }).on("error", () => {});
  request.end('{"token":"wait"}');
  const stream = session.request({ ":method": "POST", ":path": INTROSPECT, ...JSON_TYPE }).on("error", () => {});
  const seen = rpc.contexts.length;
  stream.end('{"token":"wait"}');
  await until(() => rpc.contexts.length >= seen + 2, "both calls have arrived");
  request.destroy();
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await until(() => rpc.hungUp.count === before + 2, "both signals fired");
});
