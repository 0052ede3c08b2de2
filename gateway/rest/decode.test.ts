import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { type Client, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { WatchRevocationsResponseSchema } from "#gen/writ/token/v1/token_service_pb.ts";
import { makeDecoder } from "./decode.ts";
import { makeEncoder } from "./encode.ts";

const decode = makeDecoder(ClientSchema);
const encode = makeEncoder(ClientSchema);

test("RFC 8259: whatever JSON is sent becomes a message that can go on the wire, or a 400", () => {
  const names = [
    "client_id",
    "redirect_uris",
    "metadata",
    "jwks",
    "created_at",
    "skip_consent",
    "skip_logout_consent",
    "client_secret_expires_at",
    "jwt_bearer_grant_access_token_lifespan",
    "__proto__",
    "constructor",
    "x",
  ];
  const value = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom("", null, 0.5, "2026-01-02T03:04:05+02:00"));
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), { selector: ([name]) => name }), (members) => {
      const json = JSON.parse(`{${members.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join()}}`) as JsonValue;
      try {
        const message = decode(json, "") as Client;
        const again = fromBinary(ClientSchema, toBinary(ClientSchema, message));
        assert.deepEqual(JSON.parse(JSON.stringify(encode(again))), JSON.parse(JSON.stringify(encode(message))));
      } catch (error) {
        assert.ok(error instanceof ConnectError && error.code === Code.InvalidArgument, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("what the admin API writes it reads back to the same", () => {
  const json = {
    client_id: "c",
    redirect_uris: ["https://a.example/cb"],
    metadata: { a: [1, null, { b: "é" }] },
    skip_logout_consent: false,
    created_at: "2026-01-02T03:04:05Z",
    jwt_bearer_grant_access_token_lifespan: "1h0m0s",
  };
  const written = encode(decode(json, ""));
  assert.deepEqual(encode(decode(JSON.parse(JSON.stringify(written)), "")), written);
  assert.deepEqual({ ...written, ...json }, written);
});

test("a time is read with its offset and fraction, and written in whole seconds of UTC", () => {
  assert.equal(encode(decode({ created_at: "2026-01-02T03:04:05.999+02:00" }, "")).created_at, "2026-01-02T01:04:05Z");
});

test("free JSON may nest as deep as it says, and comes through a protobuf reader", () => {
  const nest = (levels: number): JsonValue => (levels === 0 ? 1 : { a: nest(levels - 1) });
  const deepest = decode({ metadata: nest(30) }, "");
  assert.doesNotThrow(() => fromBinary(ClientSchema, toBinary(ClientSchema, deepest as Client)));
  assert.throws(() => decode({ metadata: nest(31) }, ""), /deeper than 30 levels/);
});

test("alternatives are members beside the others, of which one may be set", () => {
  const read = makeDecoder(WatchRevocationsResponseSchema)({ cursor: "c", heartbeat: { complete_until: 1.5, now: 2 } }, "");
  assert.deepEqual(makeEncoder(WatchRevocationsResponseSchema)(read), { cursor: "c", heartbeat: { complete_until: 1.5, now: 2 } });
});
