import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { DAY, HOUR, MINUTE, makeTestClock, SECOND } from "./harness/clock.ts";
import { createClient, introspect, postForm, send, sendJson } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import { createRp, finishFlow, getTokens, ISSUER_URL, newSubject, openUserAgent, type Rp, redeem, refresh } from "./harness/user-agent.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

const time = makeTestClock();

const codeOf = async (writ: Writ, rp: Rp, request: Record<string, string | undefined> = {}, login: object = {}): Promise<string> =>
  (await finishFlow(writ, openUserAgent(writ), rp.request(request), { login })).code ?? "";
const isActive = async (writ: Writ, token: string): Promise<boolean> => (await introspect(writ, token)).active;
const revoke = (writ: Writ, { client }: Rp, token: string) => postForm(`${writ.publicUrl}/oauth2/revoke`, { token }, { basic: [client.client_id, client.client_secret] });
const userinfo = (writ: Writ, token: string) => send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } });

/** The JWK set once another core has read it again. */
async function jwksWith(writ: Writ, algs: readonly string[]): Promise<JSONWebKeySet> {
  for (let tries = 0; ; tries++) {
    const jwks: JSONWebKeySet = (await send(`${writ.publicUrl}/.well-known/jwks.json`)).body;
    if (tries === 100 || algs.every((alg) => jwks.keys.some((key) => key.alg === alg))) return jwks;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describeWrit("refresh token grant", { clock: time.clock }, (writ) => {
  test("RFC 6749 §6, OIDC Core §12.2: a refresh buys the whole set anew; the ID token keeps who, when and how", async () => {
    const rp = await createRp(writ());
    const subject = newSubject();
    const first = await getTokens(writ(), rp, {
      login: { subject, amr: ["pwd"] },
      request: { nonce: "n-0S6_WzA2Mj" },
      consent: { session: { id_token: { level: "A" }, access_token: { t: 1 } } },
    });
    time.advance(10 * MINUTE);
    const { status, body: second } = await refresh(writ(), rp, first.refresh_token);
    assert.equal(status, 200);
    assert.notEqual(second.refresh_token, first.refresh_token);
    const [a, b] = [claimsOf(first.id_token), claimsOf(second.id_token)];
    for (const name of ["iss", "sub", "aud", "auth_time", "sid", "amr", "level"]) assert.deepEqual(b[name], a[name], name);
    assert.deepEqual([a.nonce, "nonce" in b], ["n-0S6_WzA2Mj", false], "it answers no request that had one");
    for (const name of ["iat", "exp", "jti", "at_hash"]) assert.notEqual(b[name], a[name], name);
    assert.deepEqual((await introspect(writ(), second.access_token)).ext, { t: 1 });
    assert.equal(await isActive(writ(), first.access_token), true, "access tokens of earlier generations live until they expire");
  });

  test("RFC 6749 §6: fewer scopes may be asked for, and the next refresh has them all again; others are invalid_scope", async () => {
    const rp = await createRp(writ());
    const { refresh_token: token } = await getTokens(writ(), rp, { request: { scope: "openid offline_access read write" } });
    const { body: narrow } = await refresh(writ(), rp, token, { scope: "read" });
    assert.equal(narrow.scope, "read");
    assert.equal((await introspect(writ(), narrow.access_token)).scope, "read");
    assert.equal((await refresh(writ(), rp, narrow.refresh_token, { scope: "read admin" })).body.error, "invalid_scope");
    const { body: all } = await refresh(writ(), rp, narrow.refresh_token);
    assert.equal(all.scope, "openid offline_access read write");
  });

  test("DESIGN §2: within the grace period a superseded token gets a sibling, and both lines go on; after it its use ends the grant (RFC 9700 §4.14)", async () => {
    const rp = await createRp(writ());
    const { refresh_token: first } = await getTokens(writ(), rp);
    const { body: one } = await refresh(writ(), rp, first);
    time.advance(30 * SECOND);
    const { status, body: sibling } = await refresh(writ(), rp, first);
    assert.equal(status, 200);
    for (const token of [one.refresh_token, sibling.refresh_token]) assert.equal((await refresh(writ(), rp, token)).status, 200);
    time.advance(61 * SECOND);
    const reused = await refresh(writ(), rp, first);
    assert.deepEqual([reused.status, reused.body.error], [400, "invalid_grant"]);
    assert.deepEqual([await isActive(writ(), one.access_token), await isActive(writ(), sibling.access_token)], [false, false]);
  });

  test("DESIGN §2: one tab three generations ahead while another still holds the first, in grace: both go on; of more rotations than instants are kept the newest goes on too", async () => {
    const rp = await createRp(writ());
    const { refresh_token: first } = await getTokens(writ(), rp);
    let ahead = first;
    for (let i = 0; i < 3; i++) ahead = (await refresh(writ(), rp, ahead)).body.refresh_token;
    const { status, body: late } = await refresh(writ(), rp, first);
    assert.equal(status, 200);
    assert.equal((await refresh(writ(), rp, late.refresh_token)).status, 200);
    for (let i = 0; i < 40; i++) {
      const { status: next, body } = await refresh(writ(), rp, ahead);
      assert.equal(next, 200, `rotation ${i}`);
      ahead = body.refresh_token;
    }
    assert.equal((await refresh(writ(), rp, first)).status, 200);
  });

  test("RFC 6749 §6, hydra.md §8.5: another client's, garbled, of another kind, expired; a client that lost the grant type, the scope or the audience", async () => {
    const rp = await createRp(writ(), { audience: ["https://api.example"] });
    const other = await createRp(writ());
    const tokens = await getTokens(writ(), rp, { consent: { grant_access_token_audience: ["https://api.example"] } });
    const { refresh_token: token } = tokens;
    for (const wrong of [
      () => refresh(writ(), other, token),
      () => refresh(writ(), rp, token.slice(1)),
      () => refresh(writ(), rp, tokens.access_token),
      () => refresh(writ(), rp, `${token}A`),
    ])
      assert.equal((await wrong()).body.error, "invalid_grant");
    assert.equal((await refresh(writ(), rp, "")).body.error, "invalid_request");
    const patch = (path: string, value: unknown) => sendJson(writ(), "PATCH", `/admin/clients/${rp.client.client_id}`, [{ op: "replace", path, value }]);
    for (const [path, lost, kept, error] of [
      ["/grant_types", ["authorization_code"], ["authorization_code", "refresh_token"], "unauthorized_client"],
      ["/scope", "openid offline_access", "openid offline_access read", "invalid_scope"],
      ["/audience", [], ["https://api.example"], "invalid_request"],
    ] as const) {
      await patch(path, lost);
      assert.equal((await refresh(writ(), rp, token)).body.error, error, path);
      await patch(path, kept);
    }
    time.advance(30 * DAY + HOUR);
    assert.equal((await refresh(writ(), rp, token)).body.error, "invalid_grant");
  });
});

describeWrit("tokens of a grant", { clock: time.clock }, (writ) => {
  test("RFC 7662 §2.2: access and refresh tokens are told apart; a refresh token is shown to its client and the administrator alone", async () => {
    const rp = await createRp(writ(), { audience: ["https://api.example"] });
    const resource = await createClient(writ(), { introspection_audience: ["https://api.example"] });
    const stranger = await createClient(writ());
    const tokens = await getTokens(writ(), rp, { consent: { grant_access_token_audience: ["https://api.example"] } });
    const ask = async (by: { readonly client_id: string; readonly client_secret: string }, token: string) =>
      (await postForm(`${writ().publicUrl}/oauth2/introspect`, { token }, { basic: [by.client_id, by.client_secret] })).body.token_use;
    const { access_token: access, refresh_token: refreshing } = tokens;
    assert.deepEqual([await ask(rp.client, access), await ask(rp.client, refreshing)], ["access_token", "refresh_token"]);
    assert.deepEqual([await ask(resource, access), await ask(resource, refreshing)], ["access_token", undefined]);
    assert.deepEqual([await ask(stranger, access), await ask(stranger, refreshing)], [undefined, undefined]);
    const { token_use: use, exp, iat } = await introspect(writ(), refreshing);
    assert.deepEqual([use, exp - iat], ["refresh_token", 720 * 3600]);
  });

  test("RFC 7009 §2.1: either token, revoked by its client, ends the grant; by another client nothing", async () => {
    const rp = await createRp(writ());
    const other = await createRp(writ());
    for (const which of ["access_token", "refresh_token"] as const) {
      const tokens = await getTokens(writ(), rp);
      assert.equal((await revoke(writ(), other, tokens[which])).status, 200);
      assert.equal(await isActive(writ(), tokens.access_token), true);
      assert.equal((await revoke(writ(), rp, tokens[which])).status, 200);
      assert.deepEqual([await isActive(writ(), tokens.access_token), await isActive(writ(), tokens.refresh_token)], [false, false]);
      assert.equal((await refresh(writ(), rp, tokens.refresh_token)).body.error, "invalid_grant");
    }
  });

  test("hydra.md §3.9: DELETE /admin/oauth2/tokens ends access tokens; refresh tokens and grants live on", async () => {
    const rp = await createRp(writ());
    const tokens = await getTokens(writ(), rp);
    await sendJson(writ(), "DELETE", `/admin/oauth2/tokens?client_id=${rp.client.client_id}`);
    assert.deepEqual([await isActive(writ(), tokens.access_token), await isActive(writ(), tokens.refresh_token)], [false, true]);
    const { body } = await refresh(writ(), rp, tokens.refresh_token);
    assert.equal(await isActive(writ(), body.access_token), true);
  });

  test("OIDC Core §5.3: userinfo tells the subject and what the consent app attached, by GET, by POST with the header and by a form", async () => {
    const rp = await createRp(writ(), { scope: "openid profile email" });
    const subject = newSubject();
    const { access_token: token } = await getTokens(writ(), rp, {
      login: { subject, amr: ["pwd"] },
      request: { nonce: "n-0S6_WzA2Mj", scope: "openid profile email" },
      consent: { session: { id_token: { name: "Alice", email_verified: true } } },
    });
    const byGet = await userinfo(writ(), token);
    assert.equal(byGet.headers.get("content-type"), "application/json;charset=UTF-8");
    const { iat, auth_time: authTime, ...claims } = byGet.body;
    assert.deepEqual(claims, { name: "Alice", email_verified: true, iss: ISSUER_URL, sub: subject, aud: [rp.client.client_id], amr: ["pwd"] });
    assert.ok(iat >= authTime);
    const byPost = await send(`${writ().publicUrl}/userinfo`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
    const byForm = await postForm(`${writ().publicUrl}/userinfo`, { access_token: token });
    assert.deepEqual([byPost.body, byForm.body], [byGet.body, byGet.body]);
  });

  test("OIDC Core §5.3.2, OIDC Registration §2: userinfo is signed for a client that registered for it, ID tokens by its algorithm, whose key is made when the client is", async () => {
    const rp = await createRp(writ(), { userinfo_signed_response_alg: "ES384", id_token_signed_response_alg: "EdDSA" });
    const subject = newSubject();
    const { access_token: token, id_token: idToken } = await getTokens(writ(), rp, { login: { subject } });
    const answer = await userinfo(writ(), token);
    assert.equal(answer.headers.get("content-type"), "application/jwt");
    const jwks = await jwksWith(writ(), ["ES384", "EdDSA"]);
    const { payload } = await jwtVerify(answer.text, createLocalJWKSet(jwks), { issuer: ISSUER_URL, audience: rp.client.client_id, clockTolerance: 10 * 365 * 86_400 });
    assert.deepEqual([payload.sub, typeof payload.iat, typeof payload.jti], [subject, "number", "string"]);
    const verified = await jwtVerify(idToken, createLocalJWKSet(jwks), {
      issuer: ISSUER_URL,
      audience: rp.client.client_id,
      algorithms: ["EdDSA"],
      currentDate: new Date(payload.iat! * 1000),
    });
    assert.equal(verified.payload.at_hash, createHash("sha512").update(token).digest().subarray(0, 32).toString("base64url"));
  });

  test("RFC 6750 §2, §3.1: userinfo refuses what is no good access token, with the challenge that says why", async () => {
    const rp = await createRp(writ());
    const tokens = await getTokens(writ(), rp);
    const noOpenid = await getTokens(writ(), rp, { request: { scope: "read" } });
    const machine = await createClient(writ(), { scope: "openid" });
    const { body: own } = await postForm(
      `${writ().publicUrl}/oauth2/token`,
      { grant_type: "client_credentials", scope: "openid" },
      { basic: [machine.client_id, machine.client_secret] },
    );
    const url = `${writ().publicUrl}/userinfo`;
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    for (const [answer, status, challenge] of [
      [await send(url), 401, /^Bearer realm="[^"]+"$/],
      [await send(url, bearer("x")), 401, /error="invalid_token"/],
      [await send(url, bearer(tokens.refresh_token)), 401, /error="invalid_token"/],
      [await send(url, bearer(tokens.id_token)), 401, /error="invalid_token"/],
      [await send(url, bearer(own.access_token)), 401, /error="invalid_token"/],
      [await send(url, bearer(noOpenid.access_token)), 403, /error="insufficient_scope".*scope="openid"/],
      [await send(`${url}?access_token=${tokens.access_token}`), 400, /error="invalid_request"/],
      [await send(`${url}?access_token=${tokens.access_token}`, bearer(tokens.access_token)), 400, /error="invalid_request"/],
      [await send(url, { headers: { authorization: "Basic eA==" } }), 401, /^Bearer realm="[^"]+"$/], // §3.1: another scheme brings no token
      [await postForm(url, { access_token: tokens.access_token }, { headers: { authorization: `Bearer ${tokens.access_token}` } }), 400, /error="invalid_request"/],
    ] as const) {
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.headers.get("www-authenticate") ?? "", challenge);
    }
  });
});

describeWrit(
  "tokens at rest",
  {},
  (writ) => {
    test("DESIGN §4: neither a token, nor a code, nor what the consent app attached is in the database in clear", async () => {
      const rp = await createRp(writ());
      const secret = "a-payload-that-nobody-reads";
      const code = await codeOf(writ(), rp);
      const tokens = await getTokens(writ(), rp, { consent: { session: { access_token: { secret }, id_token: { secret } }, remember: true } });
      assert.equal((await introspect(writ(), tokens.access_token)).ext.secret, secret);
      const file = writ().dsn.slice("sqlite://".length);
      const stored = Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)]);
      assert.ok(stored.includes(rp.redirectUri), "it is the database that was read");
      for (const hidden of [secret, code, code.slice(8), tokens.access_token.slice(8), tokens.refresh_token.slice(8), rp.client.client_secret])
        assert.equal(stored.includes(hidden), false);
    });
  },
  ["apart"],
);

describeWrit(
  "tokens of a grant under compat: hydra",
  { clock: time.clock, config: { compat: "hydra" } },
  (writ) => {
    test("hydra.md §8.5: a refresh ends the access tokens before it, and a refresh token has no grace", async () => {
      const rp = await createRp(writ());
      const first = await getTokens(writ(), rp, { request: { nonce: "n-0S6_WzA2Mj" } });
      assert.match(first.access_token, /^ory_at_/);
      const { rat, auth_time: authTime } = claimsOf(first.id_token);
      assert.ok(rat <= authTime, "when it was asked for");
      const { body: second } = await refresh(writ(), rp, first.refresh_token, { scope: "read" });
      const { nonce } = claimsOf(second.id_token);
      assert.equal(nonce, "n-0S6_WzA2Mj", "hydra.md §6.3: refreshed ID tokens keep it");
      assert.equal(second.scope, "openid offline_access read", "scope is not looked at");
      assert.deepEqual([await isActive(writ(), first.access_token), await isActive(writ(), second.access_token)], [false, true]);
      assert.equal((await refresh(writ(), rp, first.refresh_token)).body.error, "invalid_grant");
      assert.equal(await isActive(writ(), second.access_token), false, "the grant has ended");
    });

    test("hydra.md §6.6, §2.6: a code lives for ten minutes; userinfo needs no openid, takes the query, and knows of clients alone", async () => {
      const rp = await createRp(writ());
      const code = await codeOf(writ(), rp, { scope: "read" });
      time.advance(9 * MINUTE);
      const { body } = await redeem(writ(), rp, code);
      const info = await send(`${writ().publicUrl}/userinfo?access_token=${body.access_token}`);
      assert.deepEqual([info.status, info.body.sub], [200, "alice"]);
      const machine = await createClient(writ());
      const { body: own } = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials" }, { basic: [machine.client_id, machine.client_secret] });
      const answer = await userinfo(writ(), own.access_token);
      assert.deepEqual([answer.status, answer.body.sub, answer.body.aud], [200, undefined, [machine.client_id]]);
      const wrong = await userinfo(writ(), "x");
      assert.deepEqual([wrong.status, wrong.body.error], [401, "request_unauthorized"]);
    });
  },
  ["direct"],
);
