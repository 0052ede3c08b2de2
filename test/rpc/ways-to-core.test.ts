import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Code, createClient, type Transport } from "@connectrpc/connect";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { createDirectTransport } from "#lib/rpc/direct.ts";
import { createNetworkTransport, type NetworkTransport } from "#lib/rpc/network.ts";
import { failure, type Rpc, startRpc, until } from "./rpc-harness.ts";

const SERVICE = "a-service-token-of-thirty-two-characters";
const GATEWAY = "a-gateway-token-of-thirty-two-characters";

let rpc: Rpc;
let network: NetworkTransport;
before(async () => {
  const tokens = [
    { name: "service", token: SERVICE, roles: ["service" as const] },
    { name: "gateway", token: GATEWAY, roles: ["gateway" as const] },
  ];
  rpc = await startRpc({ config: { access: { tokens } } });
  network = createNetworkTransport({ baseUrl: rpc.server.url, token: GATEWAY });
});
after(async () => {
  network.close();
  await rpc.server.close(200);
});

const ways: Readonly<Record<string, () => Transport>> = { direct: () => createDirectTransport(rpc.dispatcher), network: () => network };
const headers = { authorization: `Bearer ${SERVICE}` };

for (const [name, way] of Object.entries(ways))
  describe(`from gateway to core, ${name}`, () => {
    const tokens = () => createClient(TokenService, way());

    test("answers are messages", async () => {
      const answer = await tokens().introspect({ token: "good" }, { headers });
      assert.deepEqual(
        [answer.$typeName, answer.introspection?.$typeName, answer.introspection?.active],
        ["writ.token.v1.IntrospectResponse", "writ.token.v1.Introspection", true],
      );
      const batch = await tokens().batchIntrospect({ tokens: ["bad", "good", "bad"] }, { headers });
      assert.deepEqual(
        batch.answers.map(({ introspection }) => introspection?.active),
        [false, true, false],
      );
    });

    test("an OAuth error arrives with its code, status and challenge; its cause goes to the log alone", async () => {
      const seen = rpc.lines.length;
      const error = await failure(tokens().revoke({ token: "client" }, { headers }));
      const [detail] = error.findDetails(OAuthErrorDetailSchema);
      assert.deepEqual([error.code, error.rawMessage], [Code.Unauthenticated, "who are you"]);
      assert.deepEqual([detail?.error, detail?.errorDescription, detail?.status, detail?.wwwAuthenticate], ["invalid_client", "who are you", 401, 'Basic realm="x"']);
      assert.equal(error.cause, undefined);
      const line = rpc.lines.slice(seen).find(({ event }) => event === "request_failed");
      assert.deepEqual([line?.level, line?.fields.error, String(line?.fields.cause)], ["warn", "invalid_client", "Error: a secret cause"]);
    });

    test("what nobody foresaw is internal and says nothing, in a stream too; the log has it", async () => {
      const seen = rpc.lines.length;
      const error = await failure(tokens().revoke({ token: "bug" }, { headers }));
      assert.deepEqual([error.code, error.rawMessage, error.cause, error.details], [Code.Internal, "internal error", undefined, []]);
      const inStream = await failure(drain(tokens().watchRevocations({ cursor: "bug" }, { headers })));
      assert.deepEqual([inStream.code, inStream.rawMessage], [Code.Internal, "internal error"]);
      assert.equal(rpc.lines.slice(seen).filter(({ level, event, fields }) => level === "error" && event === "internal_error" && fields.cause instanceof TypeError).length, 2);
    });

    test("the caller's authorization goes in place of the gateway's, whatever its spelling; without it the gateway's does", async () => {
      for (const given of [headers, { Authorization: headers.authorization }, new Headers(headers), [["authorization", headers.authorization]] as [string, string][]])
        assert.equal((await tokens().introspect({ token: "good" }, { headers: given })).introspection?.active, true);
      assert.equal(rpc.contexts.at(-1)?.caller.name, "service");
      assert.equal((await failure(tokens().introspect({}, { headers: { authorization: "Bearer wrong" } }))).code, Code.Unauthenticated);
      const twice = { authorization: headers.authorization, Authorization: "Bearer other" };
      assert.equal((await failure(tokens().introspect({}, { headers: twice }))).code, Code.InvalidArgument);
      assert.ok([Code.Unauthenticated, Code.PermissionDenied].includes((await failure(tokens().introspect({}))).code));
      assert.equal((await createClient(MetadataService, way()).getVersion({})).version, "1.2.3");
    });

    test("x-request-id goes along; a line says who called what and how it ended: for the operator where the caller is elsewhere, else for debugging", async () => {
      const level = name === "network" ? "info" : "debug";
      const seen = rpc.lines.length;
      await tokens().introspect({}, { headers: { ...headers, "x-request-id": "r-1" } });
      await failure(tokens().revoke({ token: "x" }, { headers: { ...headers, "x-request-id": "r-2" } }));
      const lines = rpc.lines.slice(seen).filter(({ event }) => event === "request");
      assert.deepEqual(
        lines.map(({ level, fields: { milliseconds, ...fields } }) => [level, typeof milliseconds, fields]),
        [
          [level, "number", { method: "writ.token.v1.TokenService/Introspect", request_id: "r-1", caller: "service", code: "Ok" }],
          [level, "number", { method: "writ.token.v1.TokenService/Revoke", request_id: "r-2", caller: "service", code: "Unavailable" }],
        ],
      );
    });

    test("a deadline ends a call with deadline_exceeded, and the handler's signal fires", async () => {
      const before = rpc.hungUp.count;
      assert.equal((await failure(tokens().introspect({ token: "wait" }, { headers, timeoutMs: 30 }))).code, Code.DeadlineExceeded);
      await until(() => rpc.hungUp.count === before + 1, "the signal fired");
      assert.equal((await failure(tokens().introspect({ token: "wait" }, { headers, timeoutMs: 0 }))).code, Code.DeadlineExceeded);
      assert.equal((await failure(drain(tokens().watchRevocations({}, { headers, timeoutMs: 30 })))).code, Code.DeadlineExceeded);
      assert.equal((await tokens().introspect({ token: "good" }, { headers, timeoutMs: 5000 })).introspection?.active, true);
    });

    test("a caller that gives up gets canceled, before the call and within, and the handler's signal fires", async () => {
      const before = rpc.hungUp.count;
      const controller = new AbortController();
      const calls = rpc.contexts.length;
      const given = failure(tokens().introspect({ token: "wait" }, { headers, signal: controller.signal }));
      await until(() => rpc.contexts.length === calls + 1, "the call has arrived");
      controller.abort();
      assert.equal((await given).code, Code.Canceled);
      await until(() => rpc.hungUp.count === before + 1, "the signal fired");
      assert.equal((await failure(tokens().introspect({}, { headers, signal: controller.signal }))).code, Code.Canceled);
      assert.equal((await failure(drain(tokens().watchRevocations({}, { headers, signal: controller.signal })))).code, Code.Canceled);
      const used = new AbortController();
      await tokens().introspect({}, { headers, signal: used.signal });
      used.abort(); // later: nobody minds
    });

    test("a stream passes its messages on as they come, ends, and can be left", async () => {
      assert.deepEqual(await drain(tokens().watchRevocations({ cursor: "end" }, { headers })), ["1"]);
      const before = rpc.hungUp.count;
      const controller = new AbortController();
      for await (const { cursor } of tokens().watchRevocations({}, { headers, signal: controller.signal })) {
        assert.equal(cursor, "1");
        break;
      }
      controller.abort();
      if (name === "network") await until(() => rpc.hungUp.count === before + 1, "the signal fired");
      assert.equal(
        (await failure(drain(tokens().watchRevocations({ cursor: "deaf" }, { headers, timeoutMs: 50 })))).code,
        Code.DeadlineExceeded,
        "even if the handler does not listen",
      );
      assert.ok([Code.Unauthenticated, Code.PermissionDenied].includes((await failure(drain(tokens().watchRevocations({})))).code));
    });
  });

async function drain(messages: AsyncIterable<{ readonly cursor: string }>): Promise<string[]> {
  const cursors: string[] = [];
  for await (const { cursor } of messages) cursors.push(cursor);
  return cursors;
}
