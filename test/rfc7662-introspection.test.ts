import assert from "node:assert/strict";
import { test } from "node:test";
import { pooledRandom } from "#lib/random.ts";
import { makeSealer } from "#lib/seal.ts";
import type { EpochMillis } from "#lib/time.ts";
import { createClient, introspect, issueToken, postForm, send, sendJson } from "./harness/http.ts";
import { describeWrit } from "./harness/writ.ts";

const INACTIVE = { active: false };
let offset = 0;
const clock = () => (Date.now() + offset) as EpochMillis;

describeWrit("introspection", { clock }, (writ) => {
  test("RFC 7662 §2.2, hydra.md §3.9: an active token's answer has every member and no other", async () => {
    const client = await createClient(writ(), { audience: ["https://api.example"] });
    const before = Math.floor(Date.now() / 1000);
    const answer = await introspect(writ(), await issueToken(writ(), client, { scope: "read write", audience: "https://api.example" }));
    const { iat, exp, nbf, jti, ...rest } = answer;
    assert.deepEqual(rest, {
      active: true,
      scope: "read write",
      client_id: client.client_id,
      sub: client.client_id,
      aud: ["https://api.example"],
      iss: "http://127.0.0.1:4444",
      token_type: "Bearer",
      token_use: "access_token",
    });
    assert.ok(iat >= before && iat <= before + 5);
    assert.deepEqual([exp - iat, nbf], [3600, iat]);
    assert.match(jti, /^[\w-]{22}$/);
  });

  test("RFC 7662 §2.2: an empty scope is left out and an empty audience is []", async () => {
    const answer = await introspect(writ(), await issueToken(writ(), await createClient(writ())));
    assert.deepEqual([answer.aud, "scope" in answer], [[], false]);
  });

  test("RFC 7662 §2.2: garbage, another kind, a changed or cut token: exactly {active:false}", async () => {
    const token = await issueToken(writ(), await createClient(writ()));
    const flipped = token.slice(0, -2) + (token.at(-2) === "A" ? "B" : "A") + token.at(-1);
    for (const bad of [
      "x",
      "writ_at_",
      "writ_rt_abc",
      `${token}A`,
      token.slice(0, -1),
      token.replace("writ_at_", "writ_pt_"),
      flipped,
      `${token}=`,
      "a.b.c",
      "..",
      "\u0000",
      "é",
      "x".repeat(20_000),
    ])
      assert.deepEqual(await introspect(writ(), bad), INACTIVE, bad.slice(0, 60));
  });

  test("RFC 7662 §2.1: a missing token is invalid_request", async () => {
    const answer = await postForm(`${writ().adminUrl}/admin/oauth2/introspect`, {});
    assert.deepEqual([answer.status, answer.body.error], [400, "invalid_request"]);
  });

  test("hydra.md §3.9: scope asks for scopes that must all be granted, by the configured strategy", async () => {
    const client = await createClient(writ(), { scope: "photos.* read" });
    const token = await issueToken(writ(), client, { scope: "photos.* read" });
    assert.equal((await introspect(writ(), token, { scope: "read photos.create" })).active, true);
    assert.deepEqual(await introspect(writ(), token, { scope: "read admin" }), INACTIVE);
  });

  test("RFC 7662 §2.2: at the second that `exp` names the token is no longer active", async () => {
    const client = await createClient(writ(), { client_credentials_grant_access_token_lifespan: "60s" });
    const token = await issueToken(writ(), client);
    const { exp } = await introspect(writ(), token);
    try {
      offset = exp * 1000 - Date.now() - 1500;
      assert.equal((await introspect(writ(), token)).active, true);
      offset = exp * 1000 - Date.now() + 1;
      assert.deepEqual(await introspect(writ(), token), INACTIVE);
    } finally {
      offset = 0;
    }
  });

  test("a token under a secret that is not configured is temporarily_unavailable, never inactive: a rolling restart may be under way", async () => {
    const foreign = makeSealer({ secrets: ["a secret that this server lacks"], issuer: 1, prefix: "writ", random: pooledRandom() }).seal("access_token", new Uint8Array(64));
    const answer = await postForm(`${writ().adminUrl}/admin/oauth2/introspect`, { token: foreign });
    assert.deepEqual([answer.status, answer.body.error], [503, "temporarily_unavailable"]);
  });

  test("RFC 7662 §2.1: the public endpoint needs client authentication and answers no-store", async () => {
    const client = await createClient(writ());
    const token = await issueToken(writ(), client);
    const endpoint = `${writ().publicUrl}/oauth2/introspect`;
    const own = await postForm(endpoint, { token }, { basic: [client.client_id, client.client_secret] });
    assert.deepEqual([own.status, own.body.active, own.headers.get("cache-control")], [200, true, "no-store"]);
    for (const basic of [undefined, [client.client_id, "wrong-secret"] as const]) {
      const answer = await postForm(endpoint, { token }, basic === undefined ? {} : { basic });
      assert.deepEqual([answer.status, answer.body.error], [401, "invalid_client"]);
    }
    const publicClient = await createClient(writ(), { token_endpoint_auth_method: "none" });
    assert.equal((await postForm(endpoint, { token, client_id: publicClient.client_id })).status, 401);
    assert.equal((await send(endpoint)).status, 405);
  });

  test("RFC 7662 §4: a token is shown to its client and to resource servers that it is for, and is inactive for everybody else", async () => {
    const holder = await createClient(writ(), { audience: ["https://api.example", "https://other.example"] });
    const resourceServer = await createClient(writ(), { introspection_audience: ["https://api.example"] });
    const stranger = await createClient(writ());
    const token = await issueToken(writ(), holder, { audience: "https://api.example" });
    const elsewhere = await issueToken(writ(), holder, { audience: "https://other.example" });
    const ask = async (client: typeof holder, what: string) =>
      (await postForm(`${writ().publicUrl}/oauth2/introspect`, { token: what }, { basic: [client.client_id, client.client_secret] })).body;
    assert.equal((await ask(resourceServer, token)).active, true);
    assert.deepEqual(await ask(resourceServer, elsewhere), INACTIVE);
    assert.deepEqual(await ask(stranger, token), INACTIVE);
  });
});

describeWrit("epochs", {}, (writ) => {
  test("DESIGN epochs: DELETE /admin/oauth2/tokens ends every access token of the client and none of another; new ones live", async () => {
    const [client, other] = [await createClient(writ()), await createClient(writ())];
    const [token, untouched] = [await issueToken(writ(), client), await issueToken(writ(), other)];
    assert.equal((await send(`${writ().adminUrl}/admin/oauth2/tokens?client_id=${client.client_id}`, { method: "DELETE" })).status, 204);
    assert.deepEqual(await introspect(writ(), token), INACTIVE);
    assert.equal((await introspect(writ(), untouched)).active, true);
    assert.equal((await introspect(writ(), await issueToken(writ(), client))).active, true);
  });

  test("hydra.md §3.9: DELETE /admin/oauth2/tokens without client_id is 400", async () => {
    assert.equal((await send(`${writ().adminUrl}/admin/oauth2/tokens`, { method: "DELETE" })).status, 400);
  });

  test("DESIGN epochs: deleting a client ends its tokens, and making it again with the same id and secret does not revive them", async () => {
    const metadata = { client_id: `again-${Date.now()}`, client_secret: "the same secret", grant_types: ["client_credentials"] };
    const token = await issueToken(writ(), await createClient(writ(), metadata));
    assert.equal((await sendJson(writ(), "DELETE", `/admin/clients/${metadata.client_id}`)).status, 204);
    assert.deepEqual(await introspect(writ(), token), INACTIVE);
    const again = await createClient(writ(), metadata);
    assert.deepEqual(await introspect(writ(), token), INACTIVE);
    assert.equal((await introspect(writ(), await issueToken(writ(), { ...again, client_secret: metadata.client_secret }))).active, true);
  });

  test("RFC 7009 §2: revoking one token ends that token alone, at once, on every node; twice is no error", async () => {
    const client = await createClient(writ());
    const [token, sibling] = [await issueToken(writ(), client), await issueToken(writ(), client)];
    for (let i = 0; i < 2; i++) {
      const answer = await postForm(`${writ().publicUrl}/oauth2/revoke`, { token }, { basic: [client.client_id, client.client_secret] });
      assert.deepEqual([answer.status, answer.text], [200, ""]);
      for (let node = 0; node < 2; node++) assert.deepEqual(await introspect(writ(), token), INACTIVE);
    }
    assert.equal((await introspect(writ(), sibling)).active, true);
  });

  test("RFC 7009 §2.1: another client's token, also that of an earlier client of the same name, is left alone with the same answer", async () => {
    const [client, other] = [await createClient(writ()), await createClient(writ())];
    const token = await issueToken(writ(), client);
    const answer = await postForm(`${writ().publicUrl}/oauth2/revoke`, { token }, { basic: [other.client_id, other.client_secret] });
    assert.deepEqual([answer.status, answer.text], [200, ""]);
    assert.equal((await introspect(writ(), token)).active, true);
  });

  test("RFC 7009 §2.2: unknown tokens and unknown hints are no error; a missing token is invalid_request; bad credentials are invalid_client; GET is 405", async () => {
    const client = await createClient(writ());
    const basic = [client.client_id, client.client_secret] as const;
    const revoke = (form: Record<string, string>, options: Parameters<typeof postForm>[2] = { basic }) => postForm(`${writ().publicUrl}/oauth2/revoke`, form, options);
    assert.equal((await revoke({ token: "45ghiukldjahdnhzdauz", token_type_hint: "refresh_token" })).status, 200);
    assert.equal((await revoke({ token: await issueToken(writ(), client), token_type_hint: "no such thing" })).status, 200);
    assert.deepEqual(await revoke({}).then(({ status, body }) => [status, body.error]), [400, "invalid_request"]);
    assert.deepEqual(await revoke({ token: "x" }, { basic: [client.client_id, "wrong-secret"] }).then(({ status, body }) => [status, body.error]), [401, "invalid_client"]);
    assert.equal((await send(`${writ().publicUrl}/oauth2/revoke?token=x`)).status, 405);
  });
});

describeWrit("statements", {}, (writ) => {
  const kinds = () => ({ reads: writ().statements.filter(({ kind }) => kind === "read").length, writes: writ().statements.filter(({ kind }) => kind === "write").length });

  test("speed: client_credentials is 0 writes and at most 1 read; introspection at most 1 read, and none on a warm SQLite cache", async () => {
    const client = await createClient(writ());
    await issueToken(writ(), client);
    writ().resetStatements();
    const token = await issueToken(writ(), client);
    assert.ok(kinds().reads <= 1 && kinds().writes === 0, JSON.stringify(writ().statements));
    writ().resetStatements();
    assert.equal((await introspect(writ(), token)).active, true);
    assert.ok(kinds().reads <= 1 && kinds().writes === 0, JSON.stringify(writ().statements));
    if (writ().cores.length > 1) return;
    writ().resetStatements();
    assert.equal((await introspect(writ(), token)).active, true);
    assert.deepEqual(writ().statements, []);
  });
});
