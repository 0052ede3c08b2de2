import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { writClientOver } from "#sdk/index.ts";
import { createTokenCache, type TokenCacheOptions } from "#sdk/token-cache.ts";
import { createClient, issueToken, type TestClient } from "./harness/http.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

/** A cache whose calls can be counted, held back and cut off. */
async function open(writ: Writ, options: Partial<TokenCacheOptions> = {}) {
  const network = { calls: 0, isDown: false, beforeAnswer: async () => {}, cut: new AbortController() };
  const watched: Interceptor = (next) => async (request) => {
    if (network.isDown) throw new ConnectError("cut", Code.Unavailable);
    if (!request.stream) network.calls++;
    const answer = await next(request);
    if (!request.stream) await network.beforeAnswer();
    if (answer.stream) return { ...answer, message: untilCut(answer.message, network) };
    return answer;
  };
  const transport = createConnectTransport({ baseUrl: writ.rpcUrl, httpVersion: "2", interceptors: [watched] });
  const { tokens, adminTokens, clients } = writClientOver(transport);
  const cache = createTokenCache({ tokens, ...options });
  await until(() => Number.isFinite(cache.staleness()));
  return { cache, network, tokens, adminTokens, clients };
}

async function* untilCut<T>(messages: AsyncIterable<T>, network: { cut: AbortController }): AsyncGenerator<T> {
  const { signal } = network.cut;
  const cut = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new ConnectError("cut", Code.Unavailable))));
  cut.catch(() => {});
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), cut]);
    if (next.done === true) return;
    yield next.value;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const issue = (writ: Writ, client: TestClient) => issueToken(writ, client, { scope: "read" });

describeWrit("token cache of the SDK", {}, (writ) => {
  test("DESIGN revocation stream: a kept answer costs no call, and tokens that are asked for together share one", async () => {
    const { cache, network } = await open(writ());
    const client = await createClient(writ());
    const issued = [await issue(writ(), client), await issue(writ(), client), await issue(writ(), client)];
    const answers = await Promise.all([...issued, "nonsense"].map((token) => cache.introspect(token)));
    assert.deepEqual(
      answers.map((answer) => answer?.scope),
      ["read", "read", "read", undefined],
    );
    assert.equal(network.calls, 1);
    for (const token of issued) assert.equal(cache.peek(token)?.clientId, client.client_id);
    assert.equal((await cache.introspect(issued[0] ?? ""))?.clientId, client.client_id);
    assert.equal(network.calls, 1);
    assert.equal(cache.peek("nonsense"), undefined);
    cache.close();
    assert.equal(cache.peek(issued[0] ?? ""), undefined);
    assert.equal(cache.staleness(), Number.POSITIVE_INFINITY);
  });

  test("DESIGN revocation stream: a revoked token, the end of a client's tokens and of the client end what is kept, and nothing else", async () => {
    const { cache, network, tokens, adminTokens, clients } = await open(writ());
    const [a, b, c] = [await createClient(writ()), await createClient(writ()), await createClient(writ())];
    const [one, two, ofB, ofC] = [await issue(writ(), a), await issue(writ(), a), await issue(writ(), b), await issue(writ(), c)];
    for (const token of [one, two, ofB, ofC]) assert.ok(await cache.introspect(token));
    const calls = network.calls;
    await tokens.revoke({ token: one });
    await until(() => cache.peek(one) === undefined);
    assert.ok(cache.peek(two) && cache.peek(ofB) && cache.peek(ofC));
    await adminTokens.deleteAccessTokens({ clientId: b.client_id });
    await until(() => cache.peek(ofB) === undefined);
    await clients.deleteClient({ clientId: c.client_id });
    await until(() => cache.peek(ofC) === undefined);
    assert.ok(cache.peek(two));
    assert.equal(network.calls, calls + 3, "those were the revocations");
    for (const token of [one, ofB, ofC]) assert.equal(await cache.introspect(token), undefined);
    cache.close();
  });

  test("a revocation that overtakes the answer it ends: the answer is not kept", async () => {
    const { cache, network, tokens } = await open(writ());
    const client = await createClient(writ());
    const [slow, other] = [await issue(writ(), client), await issue(writ(), client)];
    assert.ok(await cache.introspect(other));
    let release = (): void => {};
    network.beforeAnswer = () => new Promise((resolve) => (release = resolve));
    const late = cache.introspect(slow);
    await until(() => network.calls === 2);
    network.beforeAnswer = async () => {};
    await tokens.revoke({ token: slow });
    await tokens.revoke({ token: other });
    await until(() => cache.peek(other) === undefined); // so the event about the first has arrived, too
    release();
    await late;
    assert.equal(cache.peek(slow), undefined);
    cache.close();
  });

  test("an answer is kept until `exp` and not longer, and the oldest goes when there are too many", async () => {
    let offset = 0;
    const { cache } = await open(writ(), { maxTokens: 2, now: () => Date.now() + offset });
    const client = await createClient(writ());
    const [a, b, c] = [await issue(writ(), client), await issue(writ(), client), await issue(writ(), client)];
    for (const token of [a, b, c]) assert.ok(await cache.introspect(token));
    assert.deepEqual(
      [a, b, c].map((token) => cache.peek(token) !== undefined),
      [false, true, true],
    );
    offset = 3_601_000;
    assert.deepEqual(
      [b, c].map((token) => cache.peek(token)),
      [undefined, undefined],
    );
    cache.close();
  });

  test("cut off from the stream: what is kept is used until it may be too stale, then every token is asked for; what was missed is made up for", async () => {
    const isMysql = writ().dsn.startsWith("mysql");
    const { cache, network, tokens } = await open(writ(), { maxStaleness: isMysql ? 13_000 : 2500 });
    const client = await createClient(writ());
    const [kept, revoked] = [await issue(writ(), client), await issue(writ(), client)];
    assert.ok((await cache.introspect(kept)) && (await cache.introspect(revoked)));
    await tokens.revoke({ token: await issue(writ(), client) }); // the connection works
    network.isDown = true;
    network.cut.abort();
    network.cut = new AbortController();
    assert.ok(cache.peek(kept));
    await until(() => cache.peek(kept) === undefined);
    await assert.rejects(cache.introspect(kept), ConnectError);
    network.isDown = false;
    await tokens.revoke({ token: revoked });
    await until(() => cache.peek(kept) !== undefined);
    assert.equal(cache.peek(revoked), undefined);
    cache.close();
  });
});
