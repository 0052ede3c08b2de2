import assert from "node:assert/strict";
import { test } from "node:test";
import { HOUR, MINUTE, makeTestClock } from "./harness/clock.ts";
import { introspect, sendJson } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import {
  consentApp,
  createRp,
  finishFlow,
  getTokens,
  goToConsent,
  goToLogin,
  loginApp,
  newSubject,
  openUserAgent,
  parametersOf,
  type Rp,
  redeem,
  refresh,
  type UserAgent,
} from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const time = makeTestClock();
const SESSIONS = "/admin/oauth2/auth/sessions/consent";

describeWrit("consent requests", { clock: time.clock }, (writ) => {
  const agent = () => openUserAgent(writ());
  const locationOf = async (browser: UserAgent, url: string) => parametersOf((await browser.get(url)).headers.get("location"));
  /** Whether the consent app is told to ask nothing. */
  const skips = async (rp: Rp, subject: string, more: Record<string, string> = {}) =>
    (await consentApp.get(writ(), await goToConsent(writ(), agent(), rp.request(more), { subject }))).body.skip;
  const list = async (query: string) => (await sendJson(writ(), "GET", `${SESSIONS}?${query}`)).body;
  const revoke = async (query: string) => (await sendJson(writ(), "DELETE", `${SESSIONS}?${query}`)).status;
  const isActive = async (token: string) => (await introspect(writ(), token)).active;

  test("hydra.md §3.5: a challenge is asked for under either name; missing 400, of another server 404, too old 401", async () => {
    const rp = await createRp(writ());
    const challenge = await goToConsent(writ(), agent(), rp.request());
    const path = "/admin/oauth2/auth/requests/consent";
    const { body } = await sendJson(writ(), "GET", `${path}?challenge=${challenge}`);
    assert.deepEqual(
      [body.challenge, body.skip, body.subject, body.client.client_id, body.requested_scope],
      [challenge, false, "alice", rp.client.client_id, ["openid", "offline_access", "read"]],
    );
    assert.match(body.consent_request_id, /^[0-9a-f]{32}$/);
    assert.deepEqual(parametersOf(body.request_url), parametersOf(rp.request()));
    for (const [method, suffix] of [
      ["GET", ""],
      ["PUT", "/accept"],
      ["PUT", "/reject"],
    ] as const) {
      const send = (query: string) => sendJson(writ(), method, `${path}${suffix}${query}`, method === "PUT" ? {} : undefined);
      assert.deepEqual([(await send("")).status, (await send("")).body.error], [400, "invalid_request"]);
      for (const wrong of ["x", challenge.slice(0, -1), challenge.replace("_cc_", "_lc_")])
        assert.equal((await send(`?consent_challenge=${wrong}`)).status, 404, `${method} ${wrong}`);
    }
    time.advance(31 * MINUTE);
    const old = await consentApp.get(writ(), challenge);
    assert.deepEqual([old.status, old.body.error], [401, "request_unauthorized"]);
  });

  test("hydra.md §3.5: what was granted counts, not what was asked for; audience and session too; a session replaces no claim of the protocol", async () => {
    const rp = await createRp(writ(), { audience: ["https://api.example"] });
    const session = {
      access_token: { tenant: "t-1", nested: { a: [1] } },
      id_token: { level: "gold", sub: "mallory", iss: "x", aud: "y", sid: "z", nonce: "n", exp: 1, acr: "9", amr: ["x"] },
    };
    const tokens = await getTokens(writ(), rp, {
      request: { audience: "https://api.example", nonce: "n-0S6_WzA2Mj" },
      consent: { grant_scope: ["openid", "write"], grant_access_token_audience: ["https://api.example", "urn:other"], session },
    });
    assert.deepEqual([tokens.scope, tokens.refresh_token], ["openid write", undefined]);
    const { ext, aud, scope, sub, token_use: use } = await introspect(writ(), tokens.access_token);
    assert.deepEqual([ext, aud, scope, sub, use], [session.access_token, ["https://api.example", "urn:other"], "openid write", "alice", "access_token"]);
    const claims = claimsOf(tokens.id_token);
    assert.deepEqual([claims.level, claims.sub, claims.nonce, claims.acr, claims.amr], ["gold", "alice", "n-0S6_WzA2Mj", undefined, undefined]);
  });

  test("hydra.md §3.5: accept says which member is wrong", async () => {
    const challenge = await goToConsent(writ(), agent(), (await createRp(writ())).request());
    for (const [body, member] of [
      [{ grant_scope: ["a b"] }, "grant_scope"],
      [{ grant_scope: [""] }, "grant_scope"],
      [{ grant_scope: "read" }, "grant_scope"],
      [{ grant_access_token_audience: ['a"b'] }, "grant_access_token_audience"],
      [{ remember_for: -1 }, "remember_for"],
      [{ session: { access_token: { x: "x".repeat(65_536) } } }, "session.access_token"],
      [{ session: { id_token: { x: "x".repeat(65_536) } } }, "session.id_token"],
      [{ context: "x".repeat(65_536) }, "context"],
      [{ session: { id_token: [] } }, "session.id_token"],
    ] as const) {
      const { status, body: answer } = await consentApp.accept(writ(), challenge, body);
      assert.equal(status, 400, JSON.stringify(body).slice(0, 60));
      assert.ok(answer.error_description.includes(member), answer.error_description);
    }
  });

  test("hydra.md §7.6: a rejected consent reaches the client as the app said it, and ends the grant", async () => {
    const rp = await createRp(writ());
    const browser = agent();
    const challenge = await goToConsent(writ(), browser, rp.request());
    const rejected = await consentApp.reject(writ(), challenge, { error: "access_denied", error_description: "The resource owner denied the request" });
    const answer = await locationOf(browser, rejected.body.redirect_to);
    assert.deepEqual([answer.error, answer.error_description, answer.state], ["access_denied", "The resource owner denied the request", "a state that comes back"]);
    const late = await consentApp.accept(writ(), challenge, { grant_scope: ["read"] });
    assert.equal(late.status, 200);
    assert.equal((await locationOf(browser, late.body.redirect_to)).error, "access_denied");
  });

  test("DESIGN §3: accepted twice with the same content it is one decision; with other content the first stays, and the second ends in access_denied", async () => {
    const rp = await createRp(writ());
    const browser = agent();
    const challenge = await goToConsent(writ(), browser, rp.request());
    const body = { grant_scope: ["openid", "read"], session: { id_token: { a: 1 } } };
    const [first, same, other, no] = [
      await consentApp.accept(writ(), challenge, body),
      await consentApp.accept(writ(), challenge, body),
      await consentApp.accept(writ(), challenge, { ...body, grant_scope: ["openid", "read", "write"] }),
      await consentApp.reject(writ(), challenge),
    ];
    assert.deepEqual([first.status, same.status, other.status, no.status], [200, 200, 200, 200]);
    assert.equal((await locationOf(browser, other.body.redirect_to)).error, "access_denied");
    assert.equal((await locationOf(browser, no.body.redirect_to)).error, "access_denied");
    const answer = await locationOf(browser, same.body.redirect_to);
    assert.equal(answer.scope, "openid read");
    assert.equal((await locationOf(browser, first.body.redirect_to)).error, "access_denied", "a consent is redeemed once");
    const { body: tokens } = await redeem(writ(), rp, answer.code ?? "");
    const late = await consentApp.accept(writ(), challenge, { grant_scope: ["openid", "read", "write"] });
    assert.deepEqual([late.status, (await locationOf(browser, late.body.redirect_to)).error], [200, "access_denied"]);
    assert.equal((await introspect(writ(), tokens.access_token)).scope, "openid read", "a late accept widens nothing");
  });

  test("hydra.md §7.4: a remembered consent skips while it covers what is asked, for that subject and client; prompt=consent asks", async () => {
    const rp = await createRp(writ());
    const subject = newSubject();
    await finishFlow(writ(), agent(), rp.request({ scope: "openid read" }), { login: { subject }, consent: { remember: true } });
    assert.equal(await skips(rp, subject, { scope: "openid read" }), true);
    assert.equal(await skips(rp, subject, { scope: "read" }), true);
    assert.equal(await skips(rp, subject, { scope: "openid read write" }), false);
    assert.equal(await skips(rp, subject, { scope: "openid read", prompt: "consent" }), false);
    assert.equal(await skips(rp, newSubject(), { scope: "openid read" }), false);
    assert.equal(await skips(await createRp(writ()), subject, { scope: "openid read" }), false);
    await finishFlow(writ(), agent(), rp.request({ scope: "openid read write" }), { login: { subject } });
    assert.equal(await skips(rp, subject, { scope: "openid read write" }), false, "what was not to be remembered is not");
    assert.equal(await skips(rp, subject, { scope: "openid read" }), true);
  });

  test("hydra.md §7.3: remember_for counts from the request; 0 is for good", async () => {
    const rp = await createRp(writ());
    const subject = newSubject();
    await finishFlow(writ(), agent(), rp.request(), { login: { subject }, consent: { remember: true, remember_for: 3600 } });
    time.advance(59 * MINUTE);
    assert.equal(await skips(rp, subject), true);
    time.advance(2 * MINUTE);
    assert.equal(await skips(rp, subject), false);
    await finishFlow(writ(), agent(), rp.request(), { login: { subject }, consent: { remember: true } });
    time.advance(10_000 * HOUR);
    assert.equal(await skips(rp, subject), true);
  });

  test("RFC 8252 §8.6: a public client that an app on the device could pass itself off as is always asked for", async () => {
    const pkce = { code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" };
    for (const [uri, skip] of [
      ["com.example.app:/cb", false],
      ["https://rp.example/cb", true],
      ["http://127.0.0.1/cb", true],
    ] as const) {
      const rp = await createRp(writ(), { token_endpoint_auth_method: "none", redirect_uris: [uri] });
      const subject = newSubject();
      const more = { redirect_uri: uri, ...pkce };
      await finishFlow(writ(), agent(), rp.request(more), { login: { subject }, consent: { remember: true } });
      assert.equal(await skips(rp, subject, more), skip, uri);
    }
  });

  test("hydra.md §7.4: skip_consent of a client is told to the app, and changes nothing else", async () => {
    const rp = await createRp(writ(), { skip_consent: true });
    const { body } = await consentApp.get(writ(), await goToConsent(writ(), agent(), rp.request()));
    assert.deepEqual([body.skip, body.client.skip_consent], [false, true]);
  });

  test("hydra.md §3.8: consent sessions of a subject: what was agreed to, by pages, of one login session, without what was skipped", async () => {
    const subject = newSubject();
    const browser = agent();
    const rps = [await createRp(writ()), await createRp(writ()), await createRp(writ())];
    const consent = { remember: true, remember_for: 7200, context: { from: "consent" }, session: { access_token: { a: 1 }, id_token: { b: 2 } } };
    for (const rp of rps) await getTokens(writ(), rp, { agent: browser, login: { subject, remember: true, context: { from: "login" } }, consent });
    await getTokens(writ(), rps[0] as Rp, { agent: browser, login: { subject } }); // skipped: not in the list
    const all = await list(`subject=${subject}`);
    assert.equal(all.length, 3);
    assert.deepEqual(
      all.map((each: { consent_request: { client: { client_id: string } } }) => each.consent_request.client.client_id).toSorted(),
      rps.map((rp) => rp.client.client_id).toSorted(),
    );
    const [one] = all;
    assert.deepEqual(
      [one.grant_scope, one.remember, one.remember_for, one.session, one.context, one.consent_request.challenge, one.consent_request.subject],
      [["openid", "offline_access", "read"], true, 7200, consent.session, consent.context, "", subject],
    );
    assert.match(one.handled_at, /^\d{4}-\d\d-\d\dT[\d:]+Z$/);
    const pages: string[] = [];
    for (let path: string | undefined = `${SESSIONS}?subject=${subject}&page_size=1`; path !== undefined; ) {
      const answer = await sendJson(writ(), "GET", path);
      assert.equal(answer.body.length, 1);
      pages.push(answer.body[0].consent_request_id);
      path = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
    }
    assert.deepEqual(
      pages,
      all.map((each: { consent_request_id: string }) => each.consent_request_id),
    );
    const sid = one.consent_request.login_session_id;
    assert.equal((await list(`subject=${subject}&login_session_id=${sid}`)).length, all.filter((each: typeof one) => each.consent_request.login_session_id === sid).length);
    assert.deepEqual(await list(`subject=${subject}&login_session_id=${"0".repeat(32)}`), []);
    assert.deepEqual(await list("subject=nobody"), []);
    assert.equal((await sendJson(writ(), "GET", SESSIONS)).status, 400);
  });

  test("hydra.md §3.8: consents are revoked one by one, by client, or all; their tokens end at once, and what is remembered with them", async () => {
    const subject = newSubject();
    const [one, two] = [await createRp(writ()), await createRp(writ())];
    const again = (rp: Rp) => getTokens(writ(), rp, { login: { subject }, consent: { remember: true } });
    const idOf = async (rp: Rp) =>
      (await list(`subject=${subject}`)).find((each: { consent_request: { client: { client_id: string } } }) => each.consent_request.client.client_id === rp.client.client_id)
        .consent_request_id;

    const [first, second] = [await again(one), await again(two)];
    assert.equal(await revoke(`consent_request_id=${await idOf(one)}`), 204);
    assert.deepEqual([await isActive(first.access_token), await isActive(first.refresh_token), await isActive(second.access_token)], [false, false, true]);
    assert.deepEqual([await skips(one, subject), await skips(two, subject)], [false, true]);
    assert.equal((await refresh(writ(), one, first.refresh_token)).body.error, "invalid_grant");

    const third = await again(one);
    assert.equal(await revoke(`subject=${subject}&client=${one.client.client_id}`), 204);
    assert.deepEqual([await isActive(third.access_token), await isActive(second.access_token), await skips(one, subject)], [false, true, false]);

    const fourth = await again(one);
    assert.equal(await revoke(`subject=${subject}&all=true`), 204);
    assert.deepEqual(
      [await isActive(fourth.refresh_token), await isActive(second.access_token), await skips(one, subject), await skips(two, subject)],
      [false, false, false, false],
    );
    assert.deepEqual(await list(`subject=${subject}`), []);
    const fifth = await again(two);
    assert.equal(await isActive(fifth.access_token), true, "what is agreed to afterwards holds");

    for (const query of ["", `subject=${subject}`, "client=x", "all=true", `consent_request_id=x&subject=${subject}`, `subject=${subject}&client=x&all=true`])
      assert.equal(await revoke(query), 400, query);
    for (const query of ["consent_request_id=unknown", `consent_request_id=${"0".repeat(32)}`, `subject=${newSubject()}&client=x`, `subject=${"x".repeat(300)}&all=true`])
      assert.equal(await revoke(query), 204, query);
  });

  test("DESIGN §2: a consent that is revoked while flows are under way takes them with it: before and after the consent app, and with the code out", async () => {
    for (const how of ["all", "client"] as const) {
      const rp = await createRp(writ());
      const subject = newSubject();
      const query = how === "all" ? `subject=${subject}&all=true` : `subject=${subject}&client=${rp.client.client_id}`;
      const browser = agent();
      const atLogin = await loginApp.accept(writ(), await goToLogin(browser, rp.request()), { subject });
      const asked = await goToConsent(writ(), browser, rp.request(), { subject });
      const accepted = await consentApp.accept(writ(), await goToConsent(writ(), browser, rp.request(), { subject }), { grant_scope: ["read"], remember: true });
      const { code = "" } = await finishFlow(writ(), browser, rp.request(), { login: { subject } });
      assert.equal(await revoke(query), 204);
      // By client alone the login decision has not met the consent yet: the grant that it opens is a new one.
      const next = await locationOf(browser, atLogin.body.redirect_to);
      assert.deepEqual([next.error, next.consent_challenge !== undefined], how === "all" ? ["access_denied", false] : [undefined, true]);
      const late = await consentApp.accept(writ(), asked, { grant_scope: ["read"], remember: true });
      for (const { body } of [late, accepted]) assert.equal((await locationOf(browser, body.redirect_to)).error, "access_denied");
      assert.equal((await redeem(writ(), rp, code)).body.error, "invalid_grant");
      assert.equal(await skips(rp, subject), false, "nothing was remembered");
    }
  });

  test("DESIGN §2: a client that is deleted, and made again under its name, takes its consents and tokens with it", async () => {
    const rp = await createRp(writ(), { client_id: `twice-${Math.random().toString(36).slice(2)}` });
    const subject = newSubject();
    const tokens = await getTokens(writ(), rp, { login: { subject }, consent: { remember: true } });
    await sendJson(writ(), "DELETE", `/admin/clients/${rp.client.client_id}`);
    assert.equal(await isActive(tokens.access_token), false);
    const again = await createRp(writ(), { client_id: rp.client.client_id });
    assert.deepEqual([await isActive(tokens.access_token), await isActive(tokens.refresh_token)], [false, false]);
    assert.equal((await refresh(writ(), again, tokens.refresh_token)).body.error, "invalid_grant");
    assert.equal(await skips(again, subject), false);
    assert.deepEqual(await list(`subject=${subject}`), []);
  });
});
