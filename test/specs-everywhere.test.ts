import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import { importJWK, SignJWT } from "jose";
import type { Log } from "#lib/events.ts";
import { DAY, makeTestClock } from "./harness/clock.ts";
import { createDevice, newCodes } from "./harness/device.ts";
import { createClient, introspect, postForm, send, sendJson } from "./harness/http.ts";
import { consentApp, createRp, finishFlow, getTokens, goToLogin, ISSUER_URL, loginApp, newSubject, openUserAgent, parametersOf } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const time = makeTestClock();
const logged: string[] = [];
const write = (event: string, fields: object = {}): void => void logged.push(`${event} ${inspect(fields, { depth: 8 })}`);
const log: Log = { debug: write, info: write, warn: write, error: write };
const CROSS_ORIGIN = { origin: "https://page.example", "access-control-request-method": "GET" };

describeWrit("rules that hold at every endpoint", { clock: time.clock, log, config: { serve: { public: { cors: { enabled: true, allowed_origins: ["*"] } } } } }, (writ) => {
  test("specs.md §0.8, RFC 9700 §2.6: with CORS on for every origin, no page reads what a browser is sent to; what clients call it does", async () => {
    for (const path of ["/oauth2/auth", "/oauth2/sessions/logout", "/oauth2/sessions/check", "/oauth2/device/verify", "/oauth2/fallbacks/login", "/oauth2/fallbacks/logout"])
      for (const method of ["GET", "POST", "OPTIONS"]) {
        const { status, headers } = await send(writ().publicUrl + path, { method, headers: CROSS_ORIGIN });
        assert.deepEqual([status < 500, [...headers.keys()].filter((name) => name.startsWith("access-control-"))], [true, []], `${method} ${path}`);
      }
    for (const path of ["/oauth2/token", "/oauth2/revoke", "/userinfo", "/oauth2/device/auth", "/oauth2/register", "/.well-known/jwks.json", "/.well-known/openid-configuration"]) {
      const asked = await send(writ().publicUrl + path, { method: "OPTIONS", headers: CROSS_ORIGIN });
      assert.deepEqual([asked.status, asked.headers.has("access-control-allow-origin")], [204, true], path);
      const { headers } = await send(writ().publicUrl + path, { headers: CROSS_ORIGIN });
      assert.match(headers.get("access-control-expose-headers") ?? "", /WWW-Authenticate|\*/, path);
    }
  });

  test("specs.md §0.9, RFC 9700 §4.16: no page may be framed, kept or tell where the browser was; what must stand in frames asks nobody anything", async () => {
    for (const path of ["/oauth2/auth", "/oauth2/device/verify?login_verifier=x", "/oauth2/sessions/logout?id_token_hint=x"]) await assertProtected(path, 400);
    for (const name of ["login", "consent", "device", "device/done", "logout", "logout/callback", "logout/rejected"]) await assertProtected(`/oauth2/fallbacks/${name}`, 200);
  });
  const assertProtected = async (path: string, expected: number) => {
    const { status, headers } = await send(writ().publicUrl + path);
    assert.equal(status, expected, path);
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/, path);
    const values = ["x-frame-options", "referrer-policy", "cache-control", "x-content-type-options"].map((name) => headers.get(name));
    assert.deepEqual(values, ["DENY", "no-referrer", "no-store", "nosniff"], path);
  };

  test("RFC 9700 §4.12: each redirect of a flow, and of a request that was posted, is 302 or 303: no browser posts again what it posted to us", async () => {
    const rp = await createRp(writ());
    const agent = openUserAgent(writ());
    const seen: number[] = [];
    const go = async (url: string) => {
      const answer = await agent.get(url);
      seen.push(answer.status);
      return parametersOf(answer.headers.get("location"));
    };
    seen.push((await agent.post("/oauth2/auth", parametersOf(rp.request()))).status);
    const login = await loginApp.accept(writ(), (await go(rp.request())).login_challenge ?? "");
    const consent = await consentApp.accept(writ(), (await go(login.body.redirect_to)).consent_challenge ?? "", { grant_scope: ["openid"] });
    assert.ok((await go(consent.body.redirect_to)).code);
    seen.push((await agent.post("/oauth2/auth", parametersOf(rp.request({ scope: "admin" })))).status);
    assert.deepEqual(seen, [303, 302, 302, 303, 303]);
  });

  test("RFC 6749 §5.2, RFC 9110 §15.5.2: invalid_client is 401 with a challenge wherever clients authenticate, also for one that may not introspect", async () => {
    const open = await createClient(writ(), { token_endpoint_auth_method: "none" });
    for (const [path, form] of [
      ["token", { grant_type: "client_credentials", client_id: "nobody" }],
      ["revoke", { token: "x", client_id: "nobody" }],
      ["introspect", { token: "x", client_id: "nobody" }],
      ["introspect", { token: "x", client_id: open.client_id }],
      ["device/auth", { client_id: "nobody" }],
    ] as const) {
      const { status, body, headers } = await postForm(`${writ().publicUrl}/oauth2/${path}`, form as Record<string, string>);
      assert.deepEqual([status, body.error, headers.get("cache-control"), headers.get("pragma")], [401, "invalid_client", "no-store", "no-cache"], path);
      assert.match(headers.get("www-authenticate") ?? "", /^Basic realm="[^"]+"/, path);
    }
  });

  test("RFC 6750 §3: each challenge has an attribute, and none of them twice", async () => {
    const url = `${writ().publicUrl}/userinfo`;
    for (const authorization of [undefined, "Basic eA==", "Bearer", "Bearer x", "bearer x", "Bearer a b", "Bearer é"]) {
      const { status, headers } = await send(url, authorization === undefined ? {} : { headers: { authorization: Buffer.from(authorization).toString("latin1") } });
      const challenge = headers.get("www-authenticate") ?? "";
      assert.ok(status === 400 || status === 401, authorization);
      const names = [...challenge.matchAll(/(\w+)="[\x20\x21\x23-\x5b\x5d-\x7e]*"/g)].map(([, name]) => name);
      assert.match(challenge, /^Bearer \w+="/, authorization);
      assert.equal(new Set(names).size, names.length, challenge);
    }
  });

  test("RFC 7662 §2.2: a JWT that one of our keys signed and this server did not is no token, wherever it is shown: Hydra's own, after its keys were brought here", async () => {
    const { body } = await sendJson(writ(), "POST", "/admin/keys/hydra.jwt.access-token", { alg: "RS256", use: "sig", kid: randomUUID() });
    const [jwk] = body.keys;
    const key = await importJWK(jwk, "RS256");
    const client = await createClient(writ());
    for (let i = 0; i < 20; i++) {
      const claims = { iss: ISSUER_URL, client_id: client.client_id, sub: "alice", aud: [], scp: ["openid"], jti: i === 0 ? "" : randomUUID() };
      const token = await new SignJWT(claims)
        .setProtectedHeader({ alg: "RS256", kid: jwk.kid, typ: i % 2 === 0 ? "JWT" : "at+jwt" })
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(key);
      assert.deepEqual(await introspect(writ(), token), { active: false });
      assert.equal((await postForm(`${writ().publicUrl}/oauth2/revoke`, { token }, { basic: [client.client_id, client.client_secret] })).status, 200);
      assert.equal((await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status, 401);
    }
  });

  test("RFC 7009 §2.1, RFC 7662 §2.1: a hint that is wrong hides no token", async () => {
    const rp = await createRp(writ());
    const basic = [rp.client.client_id, rp.client.client_secret] as const;
    for (const [member, hint] of [
      ["refresh_token", "access_token"],
      ["access_token", "refresh_token"],
    ] as const) {
      const tokens = await getTokens(writ(), rp);
      const form = { token: tokens[member], token_type_hint: hint };
      assert.equal((await postForm(`${writ().publicUrl}/oauth2/introspect`, form, { basic })).body.active, true, member);
      assert.equal((await postForm(`${writ().publicUrl}/oauth2/revoke`, form, { basic })).status, 200);
      for (const token of [tokens.access_token, tokens.refresh_token]) assert.equal((await introspect(writ(), token)).active, false, "the grant has ended");
    }
  });

  test("RFC 8725 §3.11: signed userinfo is no ID token hint, though it is signed by the same keys; an ID token is one after it has expired", async () => {
    const rp = await createRp(writ(), { userinfo_signed_response_alg: "RS256" });
    const [agent, subject] = [openUserAgent(writ()), newSubject()];
    const tokens = await getTokens(writ(), rp, { agent, login: { subject, remember: true } });
    const userinfo = await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.match(userinfo.headers.get("content-type") ?? "", /^application\/jwt/);
    const ask = async (hint: string) => parametersOf((await agent.get(rp.request({ id_token_hint: hint }))).headers.get("location"));
    assert.equal((await ask(userinfo.text)).error, "invalid_request");
    assert.equal((await agent.get(`/oauth2/sessions/logout?id_token_hint=${userinfo.text}`)).status, 400);
    time.advance(2 * DAY);
    const { login_challenge: challenge = "" } = await ask(tokens.id_token);
    const { body } = await loginApp.get(writ(), challenge);
    assert.deepEqual([body.skip, body.subject], [true, subject]);
  });

  test("OIDC Core §3.1.2.2: a hint holds to the end: where the login app knows the browser by another subject the client hears login_required, and of nobody else", async () => {
    const rp = await createRp(writ());
    const [agent, subject] = [openUserAgent(writ()), newSubject()];
    const tokens = await getTokens(writ(), rp, { agent, login: { subject, remember: true } });
    const accept = async (more: Readonly<Record<string, string>>) => {
      const { body } = await loginApp.accept(writ(), await goToLogin(agent, rp.request(more)), { subject: newSubject() });
      return parametersOf((await agent.get(body.redirect_to)).headers.get("location"));
    };
    const { error, state } = await accept({ id_token_hint: tokens.id_token });
    assert.deepEqual([error, state], ["login_required", "a state that comes back"]);
    assert.ok((await accept({})).login_challenge, "without a hint they log in for themselves");
  });

  test("RFC 8252 §7.3, §8.3: localhost is not 127.0.0.1, and a number that is no port is none", async () => {
    const named = await createRp(writ(), { redirect_uris: ["http://localhost/cb"] });
    const numbered = await createRp(writ(), { redirect_uris: ["http://127.0.0.1/cb"] });
    const status = async ({ request }: typeof named, redirect_uri: string) => (await openUserAgent(writ()).get(request({ redirect_uri, scope: "admin" }))).status;
    for (const uri of ["http://127.0.0.1/cb", "http://localhost:8080/cb"]) assert.equal(await status(named, uri), 400, uri);
    for (const uri of ["http://localhost/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:99999/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:1/cb/"])
      assert.equal(await status(numbered, uri), 400, uri);
    assert.equal(await status(numbered, "http://127.0.0.1:65535/cb"), 303);
  });

  test("RFC 6749 §3.1: of a parameter without a value nothing is known; unknown ones change nothing", async () => {
    const rp = await createRp(writ());
    const empty = [
      "response_mode",
      "nonce",
      "prompt",
      "max_age",
      "claims",
      "code_challenge",
      "code_challenge_method",
      "request",
      "request_uri",
      "registration",
      "id_token_hint",
      "audience",
    ];
    const answer = await finishFlow(writ(), openUserAgent(writ()), rp.request({ ...Object.fromEntries(empty.map((name) => [name, ""])), unheard_of: "x", dpop_jkt: "y" }));
    assert.ok(answer.code, JSON.stringify(answer));
  });

  test("specs.md §0.2, RFC 6749 App. A: what a request quotes comes back in an error only with the characters that an error may have", async () => {
    const rp = await createRp(writ());
    for (const more of [
      { scope: 'openid "<ü>' },
      { response_type: 'x"\\é' },
      { prompt: 'x"\\é' },
      { response_mode: '"\\é' },
      { code_challenge: "x", code_challenge_method: '"\\é' },
    ]) {
      const { error = "", error_description: description = "" } = parametersOf((await openUserAgent(writ()).get(rp.request(more))).headers.get("location"));
      assert.match(error, /^[a-z_]+$/);
      assert.match(description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/, JSON.stringify(more));
    }
    const challenge = await goToLogin(openUserAgent(writ()), rp.request());
    assert.equal((await loginApp.reject(writ(), challenge, { error: 'a"b' })).status, 400, "an app's own error code neither");
  });

  test("specs.md §0.6: codes and tokens have 256 bits of key behind them and share nothing that could be guessed", async () => {
    const rp = await createRp(writ());
    const device = await createDevice(writ());
    const [a, b] = [await getTokens(writ(), rp), await getTokens(writ(), rp)];
    const [c, d] = [await newCodes(writ(), device), await newCodes(writ(), device)];
    for (const [one, other] of [
      [a.access_token, b.access_token],
      [a.refresh_token, b.refresh_token],
      [c.device_code, d.device_code],
    ]) {
      const [left, right] = [one, other].map((token: string) => Buffer.from(token.slice("writ_at_".length), "base64url"));
      assert.ok(left !== undefined && right !== undefined && left.length >= 61, one);
      // Behind version, key id and the half of the nonce that a process shares: the other half, the sealed handle and its tag.
      const same = left.subarray(17).filter((byte, i) => byte === right[17 + i]).length;
      assert.ok(same < left.length / 4, `${same} of ${left.length} bytes`);
    }
  });

  test("RFC 6749 §10.3, RFC 8628 §5.2: no token, code, secret or verifier is logged, of requests that succeed and of those that fail", async () => {
    logged.splice(0);
    const rp = await createRp(writ());
    const agent = openUserAgent(writ());
    const basic = [rp.client.client_id, rp.client.client_secret] as const;
    const codes = await newCodes(writ(), await createDevice(writ()));
    const accepted = await loginApp.accept(writ(), await goToLogin(agent, rp.request({ nonce: "a nonce of its own" })));
    const tokens = await getTokens(writ(), rp);
    const { body: refreshed } = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "refresh_token", refresh_token: tokens.refresh_token }, { basic });
    const verifier = "a-wrong-verifier-of-forty-three-characters-1";
    const answers = await Promise.all([
      postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "authorization_code", code: `${tokens.access_token}x`, code_verifier: verifier }, { basic }),
      postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials" }, { basic: [basic[0], "a wrong secret of somebody"] }),
      postForm(`${writ().publicUrl}/oauth2/revoke`, { token: refreshed.access_token }, { basic }),
      send(`${writ().publicUrl}/oauth2/token?client_secret=a-secret-in-the-query`, { method: "POST" }),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [400, 401, 200, 400],
    );
    const text = logged.join("\n");
    assert.ok(text.includes(rp.client.client_id) && text.includes("token_revoked"), "it is the log that was read");
    const secrets = { ...tokens, ...refreshed, codes: codes.device_code, userCode: codes.user_code, secret: basic[1], verifier, redirect: accepted.body.redirect_to };
    for (const [name, value] of Object.entries({
      ...secrets,
      refresh: tokens.refresh_token,
      wrong: "a wrong secret of somebody",
      query: "a-secret-in-the-query",
      nonce: "a nonce of its own",
    }))
      if (!["scope", "token_type", "expires_in"].includes(name)) assert.equal(text.includes(String(value)), false, name);
  });
});
