import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { createDirectTransport } from "#lib/rpc/direct.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { basicAuthorization, createClient, introspect, issueToken, sendJson, type TestClient } from "./harness/http.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

const connect = (url: string) => createRpcClient(TokenService, createConnectTransport({ baseUrl: url, httpVersion: "2" }));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** A consumer that keeps what ended, loses its connection every so often and comes back with its last cursor. */
function startConsumer(writ: Writ, disconnectAfter: number) {
  const state = { ended: new Map<string, number>(), seenAt: new Map<string, number>(), messages: 0, resets: 0, disconnects: 0, cursor: "", completeUntil: 0, stopped: false };
  let hangUp = new AbortController();
  const stopped = (async () => {
    while (!state.stopped) {
      hangUp = new AbortController();
      const cut = setTimeout(() => {
        state.disconnects++;
        hangUp.abort();
      }, disconnectAfter);
      try {
        for await (const message of connect(writ.rpcUrl).watchRevocations({ cursor: state.cursor }, { signal: hangUp.signal })) {
          if (message.event.case === "reset") state.resets++;
          if (message.event.case === "heartbeat") state.completeUntil = message.event.value.completeUntil;
          if (message.event.case === "revocation")
            for (const { key, epoch } of message.event.value.keys) {
              const name = hex(key);
              state.ended.set(name, Math.max(epoch, state.ended.get(name) ?? 0));
              if (!state.seenAt.has(name)) state.seenAt.set(name, performance.now());
            }
          state.cursor = message.cursor;
          state.messages++;
        }
      } catch (error) {
        if (!hangUp.signal.aborted) throw error;
      } finally {
        clearTimeout(cut);
      }
    }
  })();
  return {
    state,
    async stop() {
      state.stopped = true;
      hangUp.abort();
      await stopped;
    },
  };
}

/** Tokens and the keys that revocation events will name them by. */
async function issueMany(writ: Writ, client: TestClient, total: number): Promise<{ token: string; key: string }[]> {
  const oauth = writ.cores.map(({ dispatcher }) => createRpcClient(OAuthService, createDirectTransport(dispatcher)));
  const request = { grantType: "client_credentials", clientAuthentication: { authorization: basicAuthorization(client.client_id, client.client_secret) } };
  const issued: { token: string; key: string }[] = [];
  for (let i = 0; i < total; i += 500) {
    const tokens = await Promise.all(
      Array.from({ length: 500 }, (_, n) => (oauth[n % oauth.length] ?? assert.fail()).exchangeToken(request).then(({ accessToken }) => accessToken)),
    );
    const { answers } = await connect(writ.rpcUrl).batchIntrospect({ tokens });
    answers.forEach(({ revocationKeys }, n) => issued.push({ token: tokens[n] ?? "", key: hex(revocationKeys.at(-1)?.key ?? assert.fail()) }));
  }
  return issued;
}

async function until(condition: () => boolean, seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

describeWrit("WatchRevocations", {}, (writ) => {
  test("DESIGN revocation stream: 10,000 revocations made by every core while the connection is cut again and again: none is missed, and how stale a consumer gets is measured", async (t) => {
    const client = await createClient(writ());
    const consumer = startConsumer(writ(), 300 /* milliseconds */);
    await until(() => consumer.state.messages > 0, 10);
    const revokedAt = new Map<string, number>();
    const total = 10_000;
    const services = writ().cores.map(() => createNetworkTransport({ baseUrl: writ().rpcUrl }));
    const tokens = await issueMany(writ(), client, total);
    await Promise.all(
      Array.from({ length: 32 }, async (_, worker) => {
        const service = createRpcClient(TokenService, services[worker % services.length] ?? assert.fail());
        for (let next = tokens.pop(); next !== undefined; next = tokens.pop()) {
          await service.revoke({ token: next.token });
          revokedAt.set(next.key, performance.now());
        }
      }),
    );
    for (const service of services) service.close();
    await until(() => [...revokedAt.keys()].every((key) => consumer.state.ended.has(key)), 30);
    await consumer.stop();
    const missed = [...revokedAt.keys()].filter((key) => !consumer.state.ended.has(key));
    assert.deepEqual([revokedAt.size, missed.length, consumer.state.resets], [total, 0, 0]);
    assert.ok(consumer.state.disconnects >= 3, String(consumer.state.disconnects));
    const staleness = [...revokedAt].map(([key, at]) => (consumer.state.seenAt.get(key) ?? 0) - at).toSorted((a, b) => a - b);
    t.diagnostic(
      `staleness: median ${staleness[total / 2]?.toFixed(0)} ms, 99 % ${staleness[total * 0.99]?.toFixed(0)} ms, most ${staleness.at(-1)?.toFixed(0)} ms; ${consumer.state.disconnects} disconnects`,
    );
  });

  test("DESIGN revocation stream: deleting a client and ending its access tokens name the key that every answer about its tokens carries, with a higher epoch", async () => {
    const service = connect(writ().rpcUrl);
    const consumer = startConsumer(writ(), 100_000);
    await until(() => consumer.state.messages > 0, 10);
    const client = await createClient(writ());
    const { revocationKeys, cacheable, introspection } = await service.introspect({ token: await issueToken(writ(), client) });
    assert.deepEqual([cacheable, introspection?.active], [true, true]);
    const [own] = revocationKeys;
    assert.ok(own !== undefined);
    await sendJson(writ(), "DELETE", `/admin/oauth2/tokens?client_id=${client.client_id}`);
    await until(() => consumer.state.ended.has(hex(own.key)), 15);
    const afterTokens = consumer.state.ended.get(hex(own.key)) ?? 0;
    assert.ok(afterTokens > own.epoch);
    await sendJson(writ(), "DELETE", `/admin/clients/${client.client_id}`);
    await until(() => (consumer.state.ended.get(hex(own.key)) ?? 0) > afterTokens, 15);
    await consumer.stop();
    assert.ok((consumer.state.ended.get(hex(own.key)) ?? 0) > afterTokens);
  });

  test("DESIGN revocation stream: a heartbeat says how far the stream is complete; an unknown cursor gets a reset, then the stream goes on", async () => {
    for (const [cursor, first] of [
      ["", "heartbeat"],
      ["nonsense", "reset"],
      ["1.0.zzzzzzzzzz", "reset"],
    ] as const) {
      const stop = new AbortController();
      const cases: (string | undefined)[] = [];
      try {
        for await (const { event } of connect(writ().rpcUrl).watchRevocations({ cursor }, { signal: stop.signal })) {
          if (event.case !== "revocation") cases.push(event.case);
          if (event.case === "heartbeat") {
            assert.ok(event.value.completeUntil <= event.value.now);
            stop.abort();
          }
        }
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      }
      assert.equal(cases[0], first, cursor);
      assert.ok(cases.includes("heartbeat"));
    }
  });
});

describeWrit("token.v1", {}, (writ) => {
  test("token.v1 BatchIntrospect: hundreds of tokens, dead and alive and made up, are answered in their order, in a few statements", async () => {
    const client = await createClient(writ());
    const service = connect(writ().rpcUrl);
    const alive = await Promise.all(Array.from({ length: 200 }, () => issueToken(writ(), client)));
    const revoked = await Promise.all(Array.from({ length: 50 }, () => issueToken(writ(), client)));
    for (const token of revoked) await service.revoke({ token });
    const tokens = [...alive, ...revoked, ...Array.from({ length: 50 }, (_, i) => `made-up-${i}`)].toSorted(() => Math.random() - 0.5);
    writ().resetStatements();
    const { answers } = await service.batchIntrospect({ tokens });
    assert.ok(writ().statements.length <= 10, String(writ().statements.length));
    assert.deepEqual(
      answers.map(({ introspection }) => introspection?.active),
      tokens.map((token) => alive.includes(token)),
    );
    assert.ok(answers.every(({ introspection, cacheable, revocationKeys }) => (introspection?.active ?? false) === cacheable && cacheable === revocationKeys.length > 0));
  });

  test("token.v1 BatchIntrospect: more than 1,000 tokens are refused", async () => {
    await assert.rejects(connect(writ().rpcUrl).batchIntrospect({ tokens: Array.from({ length: 1001 }, () => "x") }), /1000/);
  });

  test("token.v1 Revoke: ends a token whoever it was issued to; the revocation keys tell nothing of client or token", async () => {
    const client = await createClient(writ());
    const service = connect(writ().rpcUrl);
    const token = await issueToken(writ(), client);
    const { revocationKeys } = await service.introspect({ token });
    for (const { key } of revocationKeys) assert.equal(key.length, 16);
    await service.revoke({ token });
    assert.deepEqual(await introspect(writ(), token), { active: false });
    await service.revoke({ token: "unknown" });
    await assert.rejects(service.revoke({ token: "" }), /token/);
  });
});
