import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { MINUTE, makeTestClock, SECOND } from "./harness/clock.ts";
import { introspect, postForm, send } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import { createRp, finishFlow, getTokens, ISSUER_URL, newSubject, openUserAgent, type Rp, redeem, refresh } from "./harness/user-agent.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

const time = makeTestClock();
const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; // RFC 7636 App. B
const PKCE = { code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" };

const codeOf = async (writ: Writ, rp: Rp, request: Record<string, string | undefined> = {}, login: object = {}): Promise<string> =>
  (await finishFlow(writ, openUserAgent(writ), rp.request(request), { login })).code ?? "";
const isActive = async (writ: Writ, token: string): Promise<boolean> => (await introspect(writ, token)).active;
const revoke = (writ: Writ, { client }: Rp, token: string) => postForm(`${writ.publicUrl}/oauth2/revoke`, { token }, { basic: [client.client_id, client.client_secret] });
const userinfo = (writ: Writ, token: string) => send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } });

describeWrit("authorization code grant", { clock: time.clock }, (writ) => {
  test("RFC 6749 §4.1.4: a code buys an access token, a refresh token where offline access was granted, and an ID token with openid", async () => {
    const rp = await createRp(writ());
    const answer = await redeem(writ(), rp, await codeOf(writ(), rp));
    assert.equal(answer.status, 200);
    assert.match(answer.body.access_token, /^writ_at_[\w-]{80,160}$/);
    assert.match(answer.body.refresh_token, /^writ_rt_[\w-]{80,160}$/);
    const { token_type: type, expires_in: lifetime, scope } = answer.body;
    assert.deepEqual([type, lifetime, scope], ["Bearer", 3600, "openid offline_access read"]);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    const plain = await getTokens(writ(), rp, { request: { scope: "read" } });
    assert.deepEqual([plain.refresh_token, plain.id_token], [undefined, undefined]);
    const noRefresh = await createRp(writ(), { grant_types: ["authorization_code"] });
    assert.equal((await getTokens(writ(), noRefresh)).refresh_token, undefined);
  });

  test("OIDC Core §2, §3.1.3.6: the ID token verifies by the published keys and says who, for whom, when, how, in which session, with the nonce and the hash of the token", async () => {
    const rp = await createRp(writ());
    const subject = newSubject();
    const tokens = await getTokens(writ(), rp, { request: { nonce: "n-0S6_WzA2Mj", acr_values: "gold" }, login: { subject, acr: "gold", amr: ["pwd", "otp"] } });
    const jwks = (await send(`${writ().publicUrl}/.well-known/jwks.json`)).body;
    const { payload, protectedHeader } = await jwtVerify(tokens.id_token, createLocalJWKSet(jwks), {
      issuer: ISSUER_URL,
      audience: rp.client.client_id,
      clockTolerance: 10 * 365 * 86_400,
    });
    assert.deepEqual([protectedHeader.alg, protectedHeader.typ], ["RS256", "JWT"]);
    const { iat = 0, exp, auth_time: authTime, jti, sid, ...claims } = payload;
    assert.deepEqual(claims, {
      iss: ISSUER_URL,
      sub: subject,
      aud: [rp.client.client_id],
      nonce: "n-0S6_WzA2Mj",
      at_hash: createHash("sha256").update(tokens.access_token).digest().subarray(0, 16).toString("base64url"),
      acr: "gold",
      amr: ["pwd", "otp"],
    });
    assert.equal(exp, iat + 3600);
    assert.ok(Number(authTime) <= iat && iat - Number(authTime) < 60);
    assert.match(String(jti), /^[0-9a-f-]{36}$/);
    assert.match(String(sid), /^[0-9a-f]{32}$/);
    const unmet = await getTokens(writ(), rp, { request: { acr_values: "gold" } });
    assert.equal(claimsOf(unmet.id_token).acr, "0");
  });

  test("RFC 6749 §4.1.2: a code lives for 60 seconds", async () => {
    const rp = await createRp(writ());
    const [young, old] = [await codeOf(writ(), rp), await codeOf(writ(), rp)];
    time.advance(58 * SECOND);
    assert.equal((await redeem(writ(), rp, young)).status, 200);
    time.advance(3 * SECOND);
    const { status, body } = await redeem(writ(), rp, old);
    assert.deepEqual([status, body.error], [400, "invalid_grant"]);
  });

  test("RFC 6749 §4.1.2: a second use of a code ends what the first use bought", async () => {
    const rp = await createRp(writ());
    const code = await codeOf(writ(), rp);
    const { body } = await redeem(writ(), rp, code);
    assert.equal(await isActive(writ(), body.access_token), true);
    const second = await redeem(writ(), rp, code);
    assert.deepEqual([second.status, second.body.error], [400, "invalid_grant"]);
    assert.deepEqual([await isActive(writ(), body.access_token), await isActive(writ(), body.refresh_token)], [false, false]);
    assert.equal((await userinfo(writ(), body.access_token)).status, 401);
    assert.equal((await refresh(writ(), rp, body.refresh_token)).body.error, "invalid_grant");
  });

  test("RFC 6749 §4.1.3, RFC 7636 §4.6: a wrong redirect_uri, verifier or client is invalid_grant and burns no code", async () => {
    const rp = await createRp(writ());
    const other = await createRp(writ());
    const code = await codeOf(writ(), rp, PKCE);
    const attempts = [
      () => redeem(writ(), rp, code, { redirect_uri: "https://rp.example/other", code_verifier: VERIFIER }),
      () => redeem(writ(), rp, code, { redirect_uri: "", code_verifier: VERIFIER }),
      () => redeem(writ(), rp, code),
      () => redeem(writ(), rp, code, { code_verifier: `${VERIFIER}x` }),
      () => redeem(writ(), rp, code, { code_verifier: "short" }),
      () => redeem(writ(), rp, code, { code_verifier: PKCE.code_challenge }),
      () => redeem(writ(), rp, code, { code_verifier: "x".repeat(129) }),
      () => redeem(writ(), other, code, { code_verifier: VERIFIER }),
      () => redeem(writ(), rp, code.slice(0, -1), { code_verifier: VERIFIER }),
      () => redeem(writ(), rp, "writ_ac_x", { code_verifier: VERIFIER }),
      () => redeem(writ(), rp, code.replace("_ac_", "_rt_"), { code_verifier: VERIFIER }),
    ];
    for (const [i, attempt] of attempts.entries()) {
      const { status, body } = await attempt();
      assert.deepEqual([status, body.error], [400, "invalid_grant"], `attempt ${i}`);
    }
    assert.equal((await redeem(writ(), rp, "")).body.error, "invalid_request");
    assert.equal((await redeem(writ(), rp, code, { code_verifier: VERIFIER })).status, 200);
  });

  test("RFC 9700 §2.1.1: a verifier for a code that was asked for without a challenge is refused: somebody may have taken it out", async () => {
    const rp = await createRp(writ());
    const code = await codeOf(writ(), rp);
    assert.equal((await redeem(writ(), rp, code, { code_verifier: VERIFIER })).body.error, "invalid_grant");
    assert.equal((await redeem(writ(), rp, code)).status, 200);
  });

  test("RFC 6749 §3.2.1: a public client redeems and refreshes by its client_id and its verifier alone", async () => {
    const rp = await createRp(writ(), { token_endpoint_auth_method: "none" });
    const code = await codeOf(writ(), rp, PKCE);
    const post = (form: Record<string, string>) => postForm(`${writ().publicUrl}/oauth2/token`, { client_id: rp.client.client_id, ...form });
    const { body, status } = await post({ grant_type: "authorization_code", code, redirect_uri: rp.redirectUri, code_verifier: VERIFIER });
    assert.equal(status, 200);
    assert.equal((await post({ grant_type: "refresh_token", refresh_token: body.refresh_token })).status, 200);
    assert.equal((await postForm(`${writ().publicUrl}/oauth2/revoke`, { client_id: rp.client.client_id, token: body.access_token })).status, 200);
    assert.equal(await isActive(writ(), body.access_token), false);
  });

  test("hydra.md §4.2: a client's own lifespans hold for what a code and what a refresh buys", async () => {
    const rp = await createRp(writ(), {
      authorization_code_grant_access_token_lifespan: "10m",
      authorization_code_grant_id_token_lifespan: "20m",
      authorization_code_grant_refresh_token_lifespan: "30m",
      refresh_token_grant_access_token_lifespan: "5m",
      refresh_token_grant_refresh_token_lifespan: "1h",
    });
    const first = await getTokens(writ(), rp);
    assert.equal(first.expires_in, 600);
    const claims = claimsOf(first.id_token);
    assert.equal(claims.exp - claims.iat, 1200);
    time.advance(29 * MINUTE);
    const { body: second } = await refresh(writ(), rp, first.refresh_token);
    assert.equal(second.expires_in, 300);
    time.advance(59 * MINUTE);
    const { body: third } = await refresh(writ(), rp, second.refresh_token);
    time.advance(61 * MINUTE);
    assert.deepEqual([await isActive(writ(), third.refresh_token), (await refresh(writ(), rp, third.refresh_token)).body.error], [false, "invalid_grant"]);
  });

  test("RFC 9068 §2.2: a client that registered for JWTs gets one that verifies, with the subject, scope and ext; it is introspected and revoked like any other", async () => {
    const rp = await createRp(writ(), { access_token_strategy: "jwt", audience: ["https://api.example"] });
    const subject = newSubject();
    const tokens = await getTokens(writ(), rp, {
      login: { subject },
      consent: { grant_access_token_audience: ["https://api.example"], session: { access_token: { tenant: "t" } } },
    });
    assert.equal(decodeProtectedHeader(tokens.access_token).typ, "at+jwt");
    const jwks = (await send(`${writ().publicUrl}/.well-known/jwks.json`)).body;
    const { payload } = await jwtVerify(tokens.access_token, createLocalJWKSet(jwks), { issuer: ISSUER_URL, audience: "https://api.example", clockTolerance: 10 * 365 * 86_400 });
    assert.deepEqual([payload.sub, payload.client_id, payload.scope, payload.ext], [subject, rp.client.client_id, "openid offline_access read", { tenant: "t" }]);
    const { ext, sub, aud } = await introspect(writ(), tokens.access_token);
    assert.deepEqual([ext, sub, aud], [{ tenant: "t" }, subject, ["https://api.example"]]);
    await revoke(writ(), rp, tokens.access_token);
    assert.deepEqual([await isActive(writ(), tokens.access_token), await isActive(writ(), tokens.refresh_token)], [false, false]);
  });
});
