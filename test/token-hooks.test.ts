import assert from "node:assert/strict";
import { after, test } from "node:test";
import { SignJWT } from "jose";
import { configSchema } from "#lib/config.ts";
import { DAY, MINUTE, makeTestClock } from "./harness/clock.ts";
import { approve, createDevice, DEVICE_GRANT, newCodes, poll } from "./harness/device.ts";
import { type HookAnswer, startHook } from "./harness/hook.ts";
import { type Answer, createClient, introspect, postForm, sendJson } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import { makeTestKey } from "./harness/keys.ts";
import { createRp, finishFlow, ISSUER_URL, newSubject, openUserAgent, type Rp, redeem, refresh } from "./harness/user-agent.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

const hook = await startHook();
const refreshHook = await startHook();
after(() => Promise.all([hook.close(), refreshHook.close()]));
const time = makeTestClock();
const auth = { type: "api_key", config: { in: "header", name: "X-Key", value: "hook-credential" } };

const codeOf = async (writ: Writ, rp: Rp, subject = newSubject()): Promise<string> => {
  const answers = { login: { subject, acr: "silver", amr: ["pwd"] }, consent: { session: { access_token: { a: 1 }, id_token: { b: 2 } } } };
  return (await finishFlow(writ, openUserAgent(writ), rp.request({ nonce: "nonce-1234" }), answers)).code ?? "";
};
const session = (accessToken?: object, idToken?: object): HookAnswer => ({ status: 200, body: { session: { access_token: accessToken, id_token: idToken } } });
const clientCredentials = (writ: Writ, { client_id: id, client_secret: secret }: { client_id: string; client_secret: string }): Promise<Answer> =>
  postForm(`${writ.publicUrl}/oauth2/token`, { grant_type: "client_credentials", scope: "read" }, { basic: [id, secret] });

describeWrit("web hooks", { clock: time.clock, config: { oauth2: { token_hook: { url: `${hook.url}/t`, auth }, refresh_token_hook: `${refreshHook.url}/r` } } }, (writ) => {
  test("hydra.md §9: the token hook is told of a code exchange as Hydra tells it, and of no code, verifier or secret", async () => {
    const rp = await createRp(writ());
    const subject = newSubject();
    const code = await codeOf(writ(), rp, subject);
    hook.answer({ status: 204 });
    const { status, body } = await redeem(writ(), rp, code);
    assert.equal(status, 200);
    const [{ headers, url, body: told } = assert.fail("not asked")] = hook.asked;
    assert.deepEqual([url, headers["x-key"]], ["/t", "hook-credential"]);
    const { client_id: clientId, client_secret: secret } = rp.client;
    const granted = ["openid", "offline_access", "read"];
    assert.deepEqual(told.request, {
      client_id: clientId,
      requested_scopes: granted,
      granted_scopes: granted,
      granted_audience: [],
      grant_types: ["authorization_code"],
      payload: { grant_type: ["authorization_code"] },
    });
    const { id_token: idToken, extra, client_id: sessionClient, consent_challenge: consent, ...more } = told.session;
    assert.deepEqual([extra, sessionClient, /^[0-9a-f]{32}$/.test(consent)], [{ a: 1 }, clientId, true]);
    assert.deepEqual(Object.keys(more).toSorted(), ["allowed_top_level_claims", "exclude_not_before_claim", "kid", "mirror_top_level_claims", "preserve_ext_claims"]);
    const { iat, rat, auth_time: authTime, ext, ...claims } = idToken.id_token_claims;
    const { sid } = claimsOf(body.id_token);
    assert.deepEqual(ext, { b: 2, sid });
    for (const each of [iat, rat, authTime, idToken.expires_at.access_token, idToken.expires_at.refresh_token]) assert.match(each, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(claims, {
      jti: "",
      iss: ISSUER_URL,
      sub: subject,
      aud: [clientId],
      nonce: "nonce-1234",
      exp: "0001-01-01T00:00:00Z",
      at_hash: "",
      acr: "silver",
      amr: ["pwd"],
      c_hash: "",
    });
    assert.deepEqual(
      [idToken.subject, idToken.username, idToken.headers.extra.kid],
      [subject, "", JSON.parse(Buffer.from(body.id_token.split(".")[0], "base64url").toString()).kid],
    );
    const all = JSON.stringify(told);
    for (const hidden of [code, secret]) assert.ok(!all.includes(hidden));
    assert.deepEqual([claimsOf(body.id_token).b, (await introspect(writ(), body.access_token)).ext], [2, { a: 1 }], "204 changes nothing");
  });

  test("hydra.md §9: 200 replaces both sets of claims in what is issued, and refreshes go on with them; a missing set is emptied; reserved claims stay", async () => {
    for (const strategy of ["opaque", "jwt"]) {
      const rp = await createRp(writ(), { access_token_strategy: strategy });
      const subject = newSubject();
      hook.answer(session({ tier: "gold" }, { team: "N", sub: "somebody else", iss: "https://evil.example", sid: "x" }));
      refreshHook.answer({ status: 204 });
      const { body: first } = await redeem(writ(), rp, await codeOf(writ(), rp, subject));
      const idToken = claimsOf(first.id_token);
      assert.deepEqual([idToken.team, idToken.b, idToken.sub, idToken.iss], ["N", undefined, subject, ISSUER_URL]);
      assert.notEqual(idToken.sid, "x");
      assert.deepEqual((await introspect(writ(), first.access_token)).ext, { tier: "gold" });
      if (strategy === "jwt") assert.deepEqual(claimsOf(first.access_token).ext, { tier: "gold" });
      hook.answer({ status: 204 });
      const { body: second } = await refresh(writ(), rp, first.refresh_token);
      assert.deepEqual([hook.asked[0]?.body.session.extra, hook.asked[0]?.body.session.id_token.id_token_claims.ext.team], [{ tier: "gold" }, "N"]);
      assert.deepEqual([claimsOf(second.id_token).team, (await introspect(writ(), second.access_token)).ext], ["N", { tier: "gold" }]);
      hook.answer({ status: 200, body: {} });
      const { body: third } = await refresh(writ(), rp, second.refresh_token);
      assert.deepEqual([claimsOf(third.id_token).team, (await introspect(writ(), third.access_token)).ext], [undefined, undefined]);
    }
  });

  test("hydra.md §9: a refresh asks the refresh hook first, in its own shape, and the token hook hears what came of it", async () => {
    const rp = await createRp(writ());
    hook.answer({ status: 204 });
    const subject = newSubject();
    const { body: first } = await redeem(writ(), rp, await codeOf(writ(), rp, subject));
    hook.answer({ status: 204 });
    refreshHook.answer(session({ from: "refresh hook" }, { c: 3 }));
    const { body: second } = await refresh(writ(), rp, first.refresh_token);
    const told = refreshHook.asked[0]?.body;
    const common = { client_id: rp.client.client_id, granted_scopes: ["openid", "offline_access", "read"], granted_audience: [] };
    const { session: toldSession, ...rest } = told;
    assert.deepEqual(rest, { subject, requester: { ...common, grant_types: ["refresh_token"] }, ...common });
    assert.deepEqual([refreshHook.asked[0]?.url, toldSession.extra], ["/r", { a: 1 }]);
    assert.deepEqual(hook.asked[0]?.body.session.extra, { from: "refresh hook" });
    assert.ok(!JSON.stringify([told, hook.asked[0]?.body]).includes(first.refresh_token));
    assert.deepEqual((await introspect(writ(), second.access_token)).ext, { from: "refresh hook" });
  });

  test("hydra.md §9: client_credentials: the token carries what the hook says, sealed or signed; more than it can carry fails the request", async () => {
    refreshHook.answer({ status: 204 });
    for (const strategy of ["opaque", "jwt"]) {
      const client = await createClient(writ(), { access_token_strategy: strategy });
      hook.answer(session({ tenant: "t1" }));
      const { body } = await clientCredentials(writ(), client);
      assert.deepEqual((await introspect(writ(), body.access_token)).ext, { tenant: "t1" });
      const told = hook.asked[0]?.body;
      assert.deepEqual(told.request, {
        client_id: client.client_id,
        requested_scopes: ["read"],
        granted_scopes: ["read"],
        granted_audience: [],
        grant_types: ["client_credentials"],
        payload: { grant_type: ["client_credentials"], scope: ["read"] },
      });
      assert.deepEqual([told.session.id_token.subject, told.session.consent_challenge, told.session.extra], [client.client_id, "", {}]);
      hook.answer(session({ big: "x".repeat(8200) }));
      assert.deepEqual((await clientCredentials(writ(), client)).body.error, "server_error");
    }
    assert.equal(refreshHook.asked.length, 0, "the refresh hook is for refreshes");
  });

  test("hydra.md §9: a device code is asked about when it is redeemed: what is answered is in the tokens, a refusal leaves the code good, a spent one asks nobody", async () => {
    const device = await createDevice(writ(), { access_token_strategy: "jwt" });
    const { device_code: deviceCode, user_code: userCode } = await newCodes(writ(), device);
    hook.answer({ status: 204 });
    await poll(writ(), device, deviceCode);
    await approve(writ(), openUserAgent(writ()), userCode, { login: { subject: newSubject() } });
    assert.equal(hook.asked.length, 0, "nothing is asked before there is something to issue");
    hook.answer({ status: 403 });
    time.advance(MINUTE);
    assert.deepEqual([(await poll(writ(), device, deviceCode)).body.error, hook.asked[0]?.body.request.grant_types], ["access_denied", [DEVICE_GRANT]]);
    hook.answer(session({ place: "tv" }));
    const { status, body, text } = await poll(writ(), device, deviceCode);
    assert.equal(status, 200, text);
    assert.deepEqual([claimsOf(body.access_token).ext, (await introspect(writ(), body.access_token)).ext], [{ place: "tv" }, { place: "tv" }]);
    hook.answer({ status: 500 });
    assert.deepEqual([(await poll(writ(), device, deviceCode)).body.error, hook.asked.length], ["invalid_grant", 0]);
    assert.equal((await introspect(writ(), body.access_token)).active, false);
  });

  test("hydra.md §9: an assertion is asked about before it is used up, and told as it came", async () => {
    const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    const client = await createClient(writ(), { grant_types: [grant] });
    const { publicJwk, privateKey } = await makeTestKey("ES256");
    const issuer = `https://${newSubject()}.example`;
    const jwk = { ...publicJwk, kid: "k", use: "sig", alg: "ES256" };
    const trusted = { issuer, subject: "alice", scope: ["read"], jwk, expires_at: new Date(time.clock() + DAY).toISOString() };
    assert.equal((await sendJson(writ(), "POST", "/admin/trust/grants/jwt-bearer/issuers", trusted)).status, 201);
    const at = Math.floor(time.clock() / 1000);
    const claims = { iss: issuer, sub: "alice", aud: ISSUER_URL, jti: newSubject(), iat: at, exp: at + 60 };
    const assertion = await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "k" }).sign(privateKey);
    const exchange = () => postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: grant, assertion, scope: "read" }, { basic: [client.client_id, client.client_secret] });
    hook.answer({ status: 500 });
    assert.equal((await exchange()).body.error, "server_error");
    hook.answer(session({ via: "assertion" }));
    const { body, text } = await exchange();
    assert.deepEqual((await introspect(writ(), body.access_token)).ext, { via: "assertion" }, text);
    const told = hook.asked[0]?.body;
    assert.deepEqual(
      [told.session.id_token.subject, told.request.grant_types, told.request.payload],
      ["alice", [grant], { grant_type: [grant], assertion: [assertion], scope: ["read"] }],
    );
    hook.answer({ status: 204 });
    assert.equal((await exchange()).body.error, "invalid_grant", "now it is used up");
  });

  test("hydra.md §9: 403 is access_denied, all else server_error without a word of why; code and refresh token stay good", async () => {
    const rp = await createRp(writ());
    const code = await codeOf(writ(), rp);
    const answers: readonly (readonly [number, string, HookAnswer])[] = [
      [403, "access_denied", { status: 403, body: "inner reason" }],
      ...[
        { status: 500, body: "inner reason" },
        { status: 404 },
        { status: 302, headers: { location: refreshHook.url } },
        { status: 200, body: "" },
        { status: 200, body: "{inner reason" },
        { status: 200, body: "[]" },
        { status: 200, body: { session: "inner reason" } },
        { status: 200, body: { session: { access_token: [] } } },
        { status: 200, body: { session: { id_token: "inner reason" } } },
        { status: 200, body: { session: { id_token: { big: "x".repeat(70_000) } } } },
        { status: 200, body: "[".repeat(200_000) },
      ].map((answer) => [500, "server_error", answer] as const),
    ];
    refreshHook.answer({ status: 204 });
    const refused = async (attempt: () => Promise<Answer>): Promise<void> => {
      for (const [status, error, answer] of answers) {
        hook.answer(answer);
        const { status: got, body, text, headers } = await attempt();
        assert.deepEqual([got, body.error, text.includes("inner"), headers.get("cache-control")], [status, error, false, "no-store"], JSON.stringify(answer).slice(0, 100));
      }
      hook.answer({ status: 204 });
    };
    await refused(() => redeem(writ(), rp, code));
    const { status, body } = await redeem(writ(), rp, code);
    assert.equal(status, 200);
    await refused(() => refresh(writ(), rp, body.refresh_token));
    refreshHook.answer({ status: 403 });
    assert.equal((await refresh(writ(), rp, body.refresh_token)).body.error, "access_denied");
    assert.equal(hook.asked.length, 0, "what one hook refuses the other is not asked about");
    refreshHook.answer({ status: 204 });
    assert.equal((await refresh(writ(), rp, body.refresh_token)).status, 200);
  });

  test("RFC 9700 §4.14, RFC 6749 §4.1.2: what was used before ends the grant, even while the hook is away and is not asked", async () => {
    const rp = await createRp(writ());
    hook.answer({ status: 204 });
    refreshHook.answer({ status: 204 });
    const code = await codeOf(writ(), rp);
    const { body: first } = await redeem(writ(), rp, code);
    hook.answer({ status: 500 });
    assert.equal((await redeem(writ(), rp, code)).body.error, "invalid_grant");
    assert.equal((await introspect(writ(), first.access_token)).active, false);
    hook.answer({ status: 204 });
    const { body: other } = await redeem(writ(), rp, await codeOf(writ(), rp));
    await refresh(writ(), rp, other.refresh_token);
    time.advance(2 * MINUTE);
    hook.answer({ status: 500 });
    assert.equal((await refresh(writ(), rp, other.refresh_token)).body.error, "invalid_grant");
    assert.equal((await introspect(writ(), other.access_token)).active, false);
    assert.equal(hook.asked.length, 0);
  });

  test("a wrong client, redirect_uri or verifier is refused before any hook hears of it", async () => {
    const rp = await createRp(writ());
    const other = await createRp(writ());
    const code = await codeOf(writ(), rp);
    hook.answer({ status: 204 });
    assert.equal((await redeem(writ(), other, code)).body.error, "invalid_grant");
    assert.equal((await redeem(writ(), rp, code, { redirect_uri: "https://evil.example/cb" })).body.error, "invalid_grant");
    assert.equal((await redeem(writ(), rp, code, { code_verifier: "x".repeat(43) })).body.error, "invalid_grant");
    assert.equal(hook.asked.length, 0);
  });

  test("DESIGN §2: a superseded token in grace carries on what the hook says of it: its sibling and the newest say the same", async () => {
    const rp = await createRp(writ());
    hook.answer({ status: 204 });
    refreshHook.answer({ status: 204 });
    const { body: first } = await redeem(writ(), rp, await codeOf(writ(), rp));
    hook.answer(session({ n: 1 }, { n: 1 }));
    await refresh(writ(), rp, first.refresh_token);
    hook.answer(session({ n: 2 }, { n: 2 }));
    const { body: sibling } = await refresh(writ(), rp, first.refresh_token);
    assert.deepEqual([claimsOf(sibling.id_token).n, (await introspect(writ(), sibling.access_token)).ext], [2, { n: 2 }]);
  });

  test("many refreshes of one token at once, each changed by the hook: all are answered and nobody is taken for a thief", async () => {
    const rp = await createRp(writ());
    hook.answer({ status: 204 });
    const { body: first } = await redeem(writ(), rp, await codeOf(writ(), rp));
    hook.answer(...Array.from({ length: 8 }, (_, n) => session({ n })));
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(writ(), rp, first.refresh_token)));
    for (const { status, body } of answers) assert.ok(status === 200 || (status === 503 && body.error === "temporarily_unavailable"), body.error_description);
    const last = answers.findLast(({ status }) => status === 200)?.body;
    hook.answer({ status: 204 });
    assert.equal((await refresh(writ(), rp, last.refresh_token)).status, 200);
  });
});

test("hydra.md §9: a hook is a URL or an object; a credential that would make another header is refused", () => {
  const hookOf = (tokenHook: unknown) => configSchema.safeParse({ oauth2: { token_hook: tokenHook } });
  assert.deepEqual(hookOf("https://hooks.internal/x").data?.oauth2.token_hook, { url: "https://hooks.internal/x" });
  assert.equal(hookOf({ url: "https://hooks.internal/x", auth }).success, true);
  for (const wrong of [
    "ftp://hooks.internal",
    "hooks",
    { auth },
    { url: "https://h.example", auth: { type: "basic" } },
    { url: "https://h.example", auth: { type: "api_key", config: { in: "query", name: "k", value: "v" } } },
    { url: "https://h.example", auth: { type: "api_key", config: { in: "header", name: "a b", value: "v" } } },
    { url: "https://h.example", auth: { type: "api_key", config: { in: "header", name: "a", value: "v\r\nhost: evil" } } },
    { url: "https://h.example", more: 1 },
  ])
    assert.equal(hookOf(wrong).success, false, JSON.stringify(wrong));
});
