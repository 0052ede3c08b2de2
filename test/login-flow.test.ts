import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY, HOUR, MINUTE, makeTestClock } from "./harness/clock.ts";
import { sendJson } from "./harness/http.ts";
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
  redeem,
  type UserAgent,
} from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const time = makeTestClock();
const SESSION = "writ_session_dev";

describeWrit("login requests", { clock: time.clock }, (writ) => {
  const agent = (jar?: ReadonlyMap<string, string>) => openUserAgent(writ(), jar);
  const locationOf = async (browser: UserAgent, url: string) => parametersOf((await browser.get(url)).headers.get("location"));
  /** A browser in which a subject is remembered. */
  const remembered = async (login: object = {}) => {
    const rp = await createRp(writ());
    const browser = agent();
    const subject = newSubject();
    await finishFlow(writ(), browser, rp.request(), { login: { subject, remember: true, ...login } });
    return { rp, browser, subject };
  };

  test("hydra.md §3.4: a challenge is asked for under either name; missing 400, of another server 404, too old 401", async () => {
    const rp = await createRp(writ());
    const challenge = await goToLogin(agent(), rp.request());
    const path = "/admin/oauth2/auth/requests/login";
    const { body } = await sendJson(writ(), "GET", `${path}?challenge=${challenge}`);
    assert.deepEqual([body.challenge, body.skip, body.subject, body.client.client_id], [challenge, false, "", rp.client.client_id]);
    assert.match(body.session_id, /^[0-9a-f]{32}$/);
    for (const [method, suffix] of [
      ["GET", ""],
      ["PUT", "/accept"],
      ["PUT", "/reject"],
    ] as const) {
      const send = (query: string) => sendJson(writ(), method, `${path}${suffix}${query}`, method === "PUT" ? { subject: "a" } : undefined);
      const missing = await send("");
      assert.deepEqual([missing.status, missing.body.error], [400, "invalid_request"]);
      assert.match(missing.body.error_description, /login_challenge/);
      for (const wrong of ["x", challenge.slice(0, -1), `${challenge}A`, challenge.replace("_lc_", "_lv_"), "writ_lc_"])
        assert.deepEqual([(await send(`?login_challenge=${wrong}`)).status, (await send(`?login_challenge=${wrong}`)).body.error], [404, "Not Found"], `${method} ${wrong}`);
    }
    const accepted = await loginApp.accept(writ(), challenge);
    time.advance(31 * MINUTE);
    const old = await loginApp.get(writ(), challenge);
    assert.deepEqual([old.status, old.body.error], [401, "request_unauthorized"]);
    assert.equal((await locationOf(agent(), accepted.body.redirect_to)).error, "access_denied", "nor does a verifier count then");
  });

  test("hydra.md §3.4: accept needs a subject of a size that can be kept, and says which member is wrong", async () => {
    const challenge = await goToLogin(agent(), (await createRp(writ())).request());
    for (const [body, member] of [
      [{ subject: "" }, "subject"],
      [{ subject: "x".repeat(256) }, "subject"],
      [{ subject: "ü".repeat(128) }, "subject"],
      [{ subject: "a\u0000b" }, "subject"],
      [{ subject: "a", remember_for: -1 }, "remember_for"],
      [{ subject: "a", acr: "x".repeat(256) }, "acr"],
      [{ subject: "a", context: { a: "x".repeat(65_536) } }, "context"],
      [{ subject: 1 }, "subject"],
      [{ subject: "a", amr: "pwd" }, "amr"],
    ] as const) {
      const { status, body: answer } = await loginApp.accept(writ(), challenge, body);
      assert.equal(status, 400, JSON.stringify(body).slice(0, 60));
      assert.match(answer.error_description, new RegExp(member));
    }
    assert.equal((await loginApp.accept(writ(), challenge, { subject: "x".repeat(255) })).status, 200);
  });

  test("hydra.md §3.4: what the login app says reaches the consent app: subject, acr, amr and context of 100 bytes, 10 kB and 64 kB", async () => {
    const rp = await createRp(writ());
    for (const size of [100, 10_000, 65_000]) {
      const browser = agent();
      const context = { text: "x".repeat(size - 20), list: [1, 0.5, true, null, { a: "ü" }] };
      const accepted = await loginApp.accept(writ(), await goToLogin(browser, rp.request()), { subject: "alice", acr: "gold", amr: ["pwd", "otp"], context });
      assert.equal(accepted.status, 200);
      assert.ok(accepted.body.redirect_to.length <= 8192, `${size}: ${accepted.body.redirect_to.length}`);
      const { consent_challenge: challenge = "" } = await locationOf(browser, accepted.body.redirect_to);
      const { body } = await consentApp.get(writ(), challenge);
      assert.deepEqual([body.subject, body.acr, body.amr, body.context], ["alice", "gold", ["pwd", "otp"], context]);
      const again = await locationOf(browser, accepted.body.redirect_to);
      assert.ok(again.consent_challenge, "a reload finds it too");
    }
  });

  test("hydra.md §7.6: a rejected login reaches the client as the app said it, and in no other way", async () => {
    const rp = await createRp(writ());
    for (const [sent, error, description] of [
      [{}, "access_denied", "The login request was denied"],
      [{ error: "login_required", error_description: 'No "entry"\u0007', error_hint: "Come back." }, "login_required", "No 'entry'? Come back."],
    ] as const) {
      const browser = agent();
      const rejected = await loginApp.reject(writ(), await goToLogin(browser, rp.request()), sent);
      const answer = await locationOf(browser, rejected.body.redirect_to);
      assert.deepEqual([answer.error, answer.error_description, answer.state], [error, description, "a state that comes back"]);
    }
    const challenge = await goToLogin(agent(), rp.request());
    const wrong = await loginApp.reject(writ(), challenge, { error: 'x"y' });
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.error_description, /'error'/);
    assert.equal((await locationOf(agent(), (await loginApp.reject(writ(), challenge)).body.redirect_to)).error, "access_denied", "another browser's");
  });

  test("hydra.md §7.2: a remembered session stands for the login: skip, its subject and its id; auth_time and sid stay", async () => {
    const { rp, browser, subject } = await remembered({ acr: "1", amr: ["pwd"] });
    const first = claimsOf((await getTokens(writ(), rp, { agent: browser, login: { subject } })).id_token);
    time.advance(5 * MINUTE);
    const challenge = await goToLogin(browser, rp.request());
    const { body } = await loginApp.get(writ(), challenge);
    assert.deepEqual([body.skip, body.subject, body.session_id], [true, subject, first.sid]);
    const second = claimsOf((await getTokens(writ(), rp, { agent: browser, login: { subject } })).id_token);
    assert.deepEqual([second.auth_time, second.sid, second.sub], [first.auth_time, first.sid, subject]);
  });

  test("hydra.md §3.4: with skip another subject than the session's is sent round to log in for itself", async () => {
    const { rp, browser } = await remembered();
    const answer = await loginApp.accept(writ(), await goToLogin(browser, rp.request()), { subject: newSubject() });
    assert.equal(answer.status, 200);
    assert.equal(parametersOf(answer.body.redirect_to).prompt, "login");
    assert.equal((await loginApp.get(writ(), await goToLogin(browser, answer.body.redirect_to))).body.skip, false);
  });

  test("OIDC Core §3.1.2.1: prompt=login and select_account, max_age=0 and an old login ask again; a young one does not", async () => {
    const { rp, browser } = await remembered();
    const skip = async (more: Record<string, string>) => (await loginApp.get(writ(), await goToLogin(browser, rp.request(more)))).body.skip;
    time.advance(MINUTE);
    assert.equal(await skip({}), true);
    assert.equal(await skip({ prompt: "consent" }), true);
    assert.equal(await skip({ prompt: "login" }), false);
    assert.equal(await skip({ prompt: "select_account" }), false);
    assert.equal(await skip({ max_age: "0" }), false);
    assert.equal(await skip({ max_age: "59" }), false);
    assert.equal(await skip({ max_age: "300" }), true);
  });

  test("OIDC Core §3.1.2.6: prompt=none without a session is login_required at once, with one and without a remembered consent consent_required; nothing is written", async () => {
    const rp = await createRp(writ());
    assert.equal((await locationOf(agent(), rp.request({ prompt: "none" }))).error, "login_required");
    const { browser, subject, rp: other } = await remembered();
    assert.equal((await locationOf(browser, other.request({ prompt: "none", max_age: "0" }))).error, "login_required");
    const accepted = await loginApp.accept(writ(), await goToLogin(browser, other.request({ prompt: "none" })), { subject });
    writ().resetStatements();
    assert.equal((await locationOf(browser, accepted.body.redirect_to)).error, "consent_required");
    assert.equal(writ().statements.filter(({ kind }) => kind === "write").length, 0);
  });

  test("OIDC Core §3.1.2.6: prompt=none with a session and a remembered consent gets a code with no question", async () => {
    const rp = await createRp(writ());
    const browser = agent();
    const subject = newSubject();
    await finishFlow(writ(), browser, rp.request(), { login: { subject, remember: true }, consent: { remember: true } });
    const answer = await finishFlow(writ(), browser, rp.request({ prompt: "none" }), { login: { subject } });
    assert.ok(answer.code);
  });

  test("OIDC Core §3.1.2.1: id_token_hint: another session's subject has to log in, for prompt=none it is login_required; whoever logs in then must be the one", async () => {
    const { rp, browser, subject } = await remembered();
    const { id_token: hint } = await getTokens(writ(), rp, { agent: browser, login: { subject } });
    const own = await loginApp.get(writ(), await goToLogin(browser, rp.request({ id_token_hint: hint })));
    assert.deepEqual([own.body.skip, own.body.oidc_context.id_token_hint_claims.sub], [true, subject]);
    const { browser: others, subject: other } = await remembered();
    assert.equal((await locationOf(others, rp.request({ id_token_hint: hint, prompt: "none" }))).error, "login_required");
    const challenge = await goToLogin(others, rp.request({ id_token_hint: hint }));
    assert.equal((await loginApp.get(writ(), challenge)).body.skip, false);
    const wrong = await loginApp.accept(writ(), challenge, { subject: other });
    assert.equal((await locationOf(others, wrong.body.redirect_to)).error, "login_required");
    time.advance(2 * HOUR); // an ID token that has expired is a hint still
    const right = await loginApp.accept(writ(), await goToLogin(others, rp.request({ id_token_hint: hint })), { subject });
    assert.ok((await locationOf(others, right.body.redirect_to)).consent_challenge);
    const forged = `${hint.split(".").slice(0, 2).join(".")}.${"A".repeat(342)}`;
    assert.equal((await locationOf(others, rp.request({ id_token_hint: forged }))).error, "invalid_request");
    assert.equal((await locationOf(others, rp.request({ id_token_hint: (await getTokens(writ(), rp)).access_token }))).error, "invalid_request");
  });

  test("hydra.md §7.3: remember_for is the session's time, 0 the configured one; without remember the browser forgets, and the session that it had ends", async () => {
    const { rp, browser, subject } = await remembered({ remember_for: 600 });
    const skip = async () => (await loginApp.get(writ(), await goToLogin(browser, rp.request()))).body.skip;
    time.advance(9 * MINUTE);
    assert.equal(await skip(), true);
    time.advance(2 * MINUTE);
    assert.equal(await skip(), false, "the row decides, whatever cookie a browser keeps");
    await finishFlow(writ(), browser, rp.request(), { login: { subject, remember: true } });
    time.advance(29 * DAY);
    assert.equal(await skip(), true);
    time.advance(2 * DAY);
    assert.equal(await skip(), false);
    await finishFlow(writ(), browser, rp.request(), { login: { subject, remember: true } });
    const kept = new Map(browser.cookies);
    await finishFlow(writ(), browser, rp.request({ prompt: "login" }), { login: { subject, remember: false } });
    assert.equal(browser.cookies.has(SESSION), false);
    assert.equal((await loginApp.get(writ(), await goToLogin(agent(kept), rp.request()))).body.skip, false, "a copy of the old cookie is of no use");
  });

  test("hydra.md §7.3: extend_session_lifespan counts anew from now on; without it the end stays where it was", async () => {
    const { rp, browser, subject } = await remembered({ remember_for: 3600 });
    const skip = async () => (await loginApp.get(writ(), await goToLogin(browser, rp.request()))).body.skip;
    time.advance(50 * MINUTE);
    await finishFlow(writ(), browser, rp.request(), { login: { subject, remember_for: 3600 } });
    time.advance(11 * MINUTE);
    assert.equal(await skip(), false);
    await finishFlow(writ(), browser, rp.request(), { login: { subject, remember: true, remember_for: 3600 } });
    time.advance(50 * MINUTE);
    await finishFlow(writ(), browser, rp.request(), { login: { subject, remember_for: 3600, extend_session_lifespan: true } });
    time.advance(50 * MINUTE);
    assert.equal(await skip(), true);
  });

  test("DESIGN §3: a verifier that another browser brings opens nothing, and is not spent by it", async () => {
    const rp = await createRp(writ());
    const browser = agent();
    const accepted = await loginApp.accept(writ(), await goToLogin(browser, rp.request()));
    const victim = agent();
    await goToLogin(victim, rp.request());
    for (const other of [agent(), victim]) {
      const answer = await locationOf(other, accepted.body.redirect_to);
      assert.deepEqual([answer.error, answer.consent_challenge], ["access_denied", undefined]);
    }
    const { consent_challenge: challenge = "" } = await locationOf(browser, accepted.body.redirect_to);
    const consent = await consentApp.accept(writ(), challenge, { grant_scope: ["read"] });
    assert.equal((await locationOf(victim, consent.body.redirect_to)).error, "access_denied");
    assert.ok((await locationOf(browser, consent.body.redirect_to)).code);
  });

  test("DESIGN §3: two tabs that begin at once from an empty cookie jar both come to their end", async () => {
    const rp = await createRp(writ());
    const browser = agent();
    // Both requests leave before either answer is in: neither brings a cookie.
    const [one, two] = [agent(), agent()];
    const challenges = [await goToLogin(one, rp.request({ state: "the first tab" })), await goToLogin(two, rp.request({ state: "the second tab" }))];
    for (const jar of [one.cookies, two.cookies]) for (const [name, value] of jar) browser.cookies.set(name, value);
    for (const [i, challenge] of challenges.entries()) {
      const accepted = await loginApp.accept(writ(), challenge);
      const { consent_challenge: consentChallenge = "" } = await locationOf(browser, accepted.body.redirect_to);
      const consent = await consentApp.accept(writ(), consentChallenge, { grant_scope: ["read"] });
      const answer = await locationOf(browser, consent.body.redirect_to);
      assert.deepEqual([typeof answer.code, answer.state], ["string", ["the first tab", "the second tab"][i]]);
    }
    assert.deepEqual([...browser.cookies.keys()], ["writ_browser_dev"], "the flows' own cookies went with them");
  });

  test("DESIGN §3: a browser that keeps no long-lived cookie keeps at most eight of single flows", async () => {
    const rp = await createRp(writ());
    const browser = agent();
    for (let i = 0; i < 12; i++) {
      await goToLogin(browser, rp.request());
      browser.cookies.delete("writ_browser_dev");
      time.advance(1000);
    }
    assert.equal(browser.cookies.size, 8);
  });

  test("DESIGN §3: accepting twice answers twice; the answer that the browser brings first counts, the other is access_denied; a reload of it goes on", async () => {
    const rp = await createRp(writ());
    const browser = agent();
    const challenge = await goToLogin(browser, rp.request());
    const alice = await loginApp.accept(writ(), challenge, { subject: "alice", remember: true });
    const mallory = await loginApp.accept(writ(), challenge, { subject: "mallory" });
    assert.deepEqual([alice.status, mallory.status], [200, 200]);
    assert.notEqual(alice.body.redirect_to, mallory.body.redirect_to);
    const first = await locationOf(browser, alice.body.redirect_to);
    const cookie = browser.cookies.get(SESSION);
    assert.equal((await locationOf(browser, mallory.body.redirect_to)).error, "access_denied");
    const reloaded = await locationOf(browser, alice.body.redirect_to);
    assert.ok(first.consent_challenge && reloaded.consent_challenge);
    const { body } = await consentApp.get(writ(), reloaded.consent_challenge);
    assert.equal(body.subject, "alice");
    assert.ok(cookie !== undefined && browser.cookies.get(SESSION) !== undefined);
    const skipped = await loginApp.get(writ(), await goToLogin(browser, rp.request()));
    assert.deepEqual([skipped.body.skip, skipped.body.subject], [true, "alice"], "the cookie that a reload sets is of the session that there is");

    const consent = await consentApp.accept(writ(), first.consent_challenge, { grant_scope: ["read"] });
    assert.equal((await locationOf(browser, alice.body.redirect_to)).error, "access_denied", "the back button, after consent");
    assert.ok((await locationOf(browser, consent.body.redirect_to)).code);
    assert.equal((await locationOf(browser, alice.body.redirect_to)).error, "access_denied", "and after the code");
  });

  test("DESIGN §3: verifiers are for nothing else: garbled, of another kind, cut; beside one no parameter of the URL counts", async () => {
    const rp = await createRp(writ());
    const browser = agent();
    const challenge = await goToLogin(browser, rp.request());
    const { body } = await loginApp.accept(writ(), challenge);
    const { login_verifier: verifier = "" } = parametersOf(body.redirect_to);
    for (const wrong of [challenge, verifier.slice(0, -2), `${verifier.slice(0, -1)}${verifier.endsWith("A") ? "B" : "A"}`, "x", verifier.replace("_lv_", "_cv_")]) {
      const page = await browser.get(`/oauth2/auth?${new URLSearchParams({ login_verifier: wrong })}`);
      assert.deepEqual([page.status, page.headers.get("location")], [400, null], wrong.slice(0, 20));
      assert.match(page.text, /access_denied/);
    }
    const other = await createRp(writ(), { redirect_uris: ["https://evil.example/cb"] });
    const answer = await locationOf(browser, `${other.request({ redirect_uri: "https://evil.example/cb", scope: "write", prompt: "none" })}&login_verifier=${verifier}`);
    assert.ok(answer.consent_challenge);
    const consent = await consentApp.get(writ(), answer.consent_challenge);
    assert.deepEqual([consent.body.client.client_id, consent.body.requested_scope], [rp.client.client_id, ["openid", "offline_access", "read"]]);
  });

  test("hydra.md §3.8: a revoked login session ends flows in flight and skips, and no token; by subject and by sid", async () => {
    for (const by of ["subject", "sid"] as const) {
      const { rp, browser, subject } = await remembered();
      const tokens = await getTokens(writ(), rp, { agent: browser, login: { subject } });
      const { sid } = claimsOf(tokens.id_token);
      const atLogin = await loginApp.accept(writ(), await goToLogin(browser, rp.request()), { subject });
      const atConsent = await consentApp.accept(writ(), await goToConsent(writ(), browser, rp.request(), { subject }), { grant_scope: ["read"] });
      const { code = "" } = await finishFlow(writ(), browser, rp.request(), { login: { subject } });
      const query = by === "subject" ? `subject=${subject}` : `sid=${sid}`;
      assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/login?${query}`)).status, 204);
      assert.ok((await locationOf(browser, atLogin.body.redirect_to)).login_challenge, "logs in again");
      assert.ok((await locationOf(browser, atConsent.body.redirect_to)).login_challenge, "logs in again");
      assert.equal((await redeem(writ(), rp, code)).body.error, "invalid_grant");
      assert.equal((await loginApp.get(writ(), await goToLogin(browser, rp.request()))).body.skip, false);
      assert.equal((await locationOf(browser, rp.request({ prompt: "none" }))).error, "login_required");
      const { status } = await fetch(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
      assert.equal(status, 200);
    }
    for (const query of ["", "?subject=a&sid=b"]) assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/login${query}`)).status, 400, query);
    for (const query of ["?sid=unknown", `?sid=${"0".repeat(32)}`, `?subject=${"x".repeat(300)}`])
      assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/login${query}`)).status, 204, query);
  });
});
