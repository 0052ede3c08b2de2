import assert from "node:assert/strict";
import { test } from "node:test";
import { HOUR, MINUTE, makeTestClock, SECOND } from "./harness/clock.ts";
import { introspect, send } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import {
  consentApp,
  createRp,
  finishFlow,
  getTokens,
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

describeWrit("prompt, max_age and id_token_hint", { clock: time.clock }, (writ) => {
  const locationOf = async (browser: UserAgent, url: string): Promise<Readonly<Record<string, string | undefined>>> =>
    parametersOf((await browser.get(url)).headers.get("location"));
  /** A browser in which somebody logged in, and was remembered and consented for good. */
  const known = async (rp: Rp, login: object = {}) => {
    const [browser, subject] = [openUserAgent(writ()), newSubject()];
    const tokens = await getTokens(writ(), rp, { agent: browser, login: { subject, remember: true, ...login }, consent: { remember: true } });
    return { browser, subject, tokens };
  };
  /** What a request comes to in a browser: `skip`, `asked`, or the error that the client gets at once. */
  const outcomeOf = async (browser: UserAgent, url: string): Promise<string> => {
    const { error, login_challenge: challenge = "" } = await locationOf(browser, url);
    return error ?? ((await loginApp.get(writ(), challenge)).body.skip ? "skip" : "asked");
  };

  test("OIDC Core §3.1.2.1, §3.1.2.3: ten minutes after a login: what each prompt, max_age and both together come to", async () => {
    const rp = await createRp(writ());
    const { browser, tokens } = await known(rp);
    const { tokens: others } = await known(rp);
    const [own, other] = [tokens.id_token, others.id_token];
    time.advance(10 * MINUTE);
    for (const [more, outcome] of [
      [{}, "skip"],
      [{ prompt: "none" }, "skip"],
      [{ prompt: "login" }, "asked"],
      [{ prompt: "consent" }, "skip"],
      [{ prompt: "select_account" }, "asked"],
      [{ prompt: "login consent" }, "asked"],
      [{ prompt: "consent select_account" }, "asked"],
      [{ prompt: "none login" }, "invalid_request"],
      [{ prompt: "none consent" }, "invalid_request"],
      [{ prompt: "" }, "skip"],
      [{ max_age: "0" }, "asked"],
      [{ max_age: "600" }, "asked"],
      [{ max_age: "660" }, "skip"],
      [{ max_age: "9999999999" }, "skip"],
      [{ max_age: "0", prompt: "none" }, "login_required"],
      [{ max_age: "600", prompt: "none" }, "login_required"],
      [{ max_age: "660", prompt: "none" }, "skip"],
      [{ max_age: "660", prompt: "login" }, "asked"],
      [{ max_age: "660", prompt: "consent" }, "skip"],
      [{ id_token_hint: own }, "skip"],
      [{ id_token_hint: own, prompt: "none" }, "skip"],
      [{ id_token_hint: own, prompt: "login" }, "asked"],
      [{ id_token_hint: own, max_age: "600" }, "asked"],
      [{ id_token_hint: own, max_age: "600", prompt: "none" }, "login_required"],
      [{ id_token_hint: other }, "asked"],
      [{ id_token_hint: other, prompt: "none" }, "login_required"],
      [{ id_token_hint: other, prompt: "none", max_age: "9999999999" }, "login_required"],
      [{ login_hint: "somebody else", prompt: "none" }, "skip"],
      [{ acr_values: "gold", prompt: "none" }, "skip"],
      [{ display: "wap", ui_locales: "se xx", claims_locales: "se" }, "skip"],
    ] as const)
      assert.equal(await outcomeOf(browser, rp.request(more)), outcome, JSON.stringify(more).slice(0, 80));
  });

  test("OIDC Core §2, §3.1.2.1: auth_time moves with prompt=login and with a max_age that has passed, and with nothing else; the second is of after the request", async () => {
    const rp = await createRp(writ());
    for (const [more, isNew] of [
      [{}, false],
      [{ prompt: "none" }, false],
      [{ prompt: "consent" }, false],
      [{ max_age: "1000" }, false],
      [{ max_age: "1" }, true],
      [{ max_age: "0" }, true],
      [{ prompt: "login" }, true],
      [{ prompt: "select_account" }, true],
    ] as const) {
      const { browser, subject, tokens } = await known(rp);
      const first = claimsOf(tokens.id_token);
      time.advance(2 * MINUTE);
      const before = Math.floor(time.clock() / SECOND);
      const again = claimsOf((await getTokens(writ(), rp, { agent: browser, request: more, login: { subject, remember: true } })).id_token);
      assert.equal(again.sub, subject);
      if (isNew) assert.ok(again.auth_time >= before && again.auth_time <= again.iat, JSON.stringify(more));
      else assert.deepEqual([again.auth_time, again.sid], [first.auth_time, first.sid], JSON.stringify(more));
    }
  });

  test("OIDC Core §3.1.2.1: a session that was young enough when the request came and is not when the login app answers stands for nothing", async () => {
    const rp = await createRp(writ());
    const { browser, subject } = await known(rp);
    time.advance(MINUTE);
    const accepted = await loginApp.accept(writ(), await goToLogin(browser, rp.request({ max_age: "120" })), { subject });
    time.advance(2 * MINUTE);
    assert.equal((await locationOf(browser, accepted.body.redirect_to)).error, "login_required");
  });

  test("OIDC Core §3.1.2.6: prompt=none: nobody is logged in, login_required; nothing was agreed to, or less, consent_required; all of it, a code, with no page", async () => {
    const rp = await createRp(writ());
    const { browser, subject } = await known(rp);
    const end = async (client: Rp, more: Record<string, string> = {}): Promise<string> => {
      const first = await locationOf(browser, client.request({ prompt: "none", ...more }));
      if (first.error !== undefined) return first.error;
      const accepted = await loginApp.accept(writ(), first.login_challenge ?? "", { subject });
      const second = await locationOf(browser, accepted.body.redirect_to);
      if (second.error !== undefined) return second.error;
      const { skip } = (await consentApp.get(writ(), second.consent_challenge ?? "")).body;
      assert.equal(skip, true);
      const consented = await consentApp.accept(writ(), second.consent_challenge ?? "", { grant_scope: ["openid"] });
      const { code, error } = await locationOf(browser, consented.body.redirect_to);
      return error ?? (code === undefined ? "nothing" : "code");
    };
    assert.equal((await locationOf(openUserAgent(writ()), rp.request({ prompt: "none" }))).error, "login_required");
    assert.equal(await end(rp), "code");
    assert.equal(await end(rp, { scope: "openid" }), "code");
    assert.equal(await end(rp, { scope: "openid write" }), "consent_required");
    assert.equal(await end(await createRp(writ())), "consent_required");
    time.advance(31 * 24 * HOUR);
    assert.equal(await end(rp), "login_required", "the session has ended");
  });

  test("OIDC Core §3.1.2.1: prompt=none, and the login app knows the browser by another subject: login_required and no page", async () => {
    const rp = await createRp(writ());
    const { browser } = await known(rp);
    const accepted = await loginApp.accept(writ(), await goToLogin(browser, rp.request({ prompt: "none" })), { subject: newSubject() });
    assert.equal(accepted.status, 200);
    const answer = await locationOf(browser, accepted.body.redirect_to);
    assert.deepEqual([answer.error, answer.state, answer.login_challenge], ["login_required", "a state that comes back", undefined]);
  });

  test("OIDC Core §3.1.2.3: another person logs in at the same browser: a session of its own takes the place of the first; tokens of the first live on, and a hint brings the first back", async () => {
    const rp = await createRp(writ());
    const { browser, subject: alice, tokens } = await known(rp);
    const inAnotherTab = await goToLogin(browser, rp.request({ state: "the first person's tab" }));
    assert.deepEqual([(await loginApp.get(writ(), inAnotherTab)).body.skip, (await loginApp.get(writ(), inAnotherTab)).body.subject], [true, alice]);
    const oldJar = new Map(browser.cookies);

    const bob = newSubject();
    const second = await getTokens(writ(), rp, { agent: browser, request: { prompt: "select_account" }, login: { subject: bob, remember: true }, consent: { remember: true } });
    assert.deepEqual([claimsOf(second.id_token).sub, claimsOf(second.id_token).sid === claimsOf(tokens.id_token).sid], [bob, false]);
    const now = await loginApp.get(writ(), await goToLogin(browser, rp.request()));
    assert.deepEqual([now.body.skip, now.body.subject, now.body.session_id], [true, bob, claimsOf(second.id_token).sid]);

    const late = await loginApp.accept(writ(), inAnotherTab, { subject: alice });
    const { login_challenge: again = "" } = await locationOf(browser, late.body.redirect_to);
    assert.equal((await loginApp.get(writ(), again)).body.subject, bob, "her session is no more, so who is here now is looked at anew");
    assert.equal(await outcomeOf(openUserAgent(writ(), oldJar), rp.request()), "asked", "a copy of her cookies is of no use");

    assert.equal((await introspect(writ(), tokens.access_token)).active, true);
    assert.equal((await refresh(writ(), rp, tokens.refresh_token)).status, 200);
    assert.equal(await outcomeOf(browser, rp.request({ id_token_hint: tokens.id_token, prompt: "none" })), "login_required");
    assert.equal(await outcomeOf(browser, rp.request({ id_token_hint: second.id_token, prompt: "none" })), "skip");
    const back = await getTokens(writ(), rp, { agent: browser, request: { id_token_hint: tokens.id_token }, login: { subject: alice, remember: true } });
    assert.equal(claimsOf(back.id_token).sub, alice);
  });

  test("OIDC Core §3.1.2.1: with prompt=login whoever logs in is who it is; with id_token_hint it must be the one named, and nothing is written of another", async () => {
    const rp = await createRp(writ());
    const { browser, subject: alice, tokens } = await known(rp);
    const bob = newSubject();
    const challenge = await goToLogin(browser, rp.request({ prompt: "login", id_token_hint: tokens.id_token }));
    const wrong = await loginApp.accept(writ(), challenge, { subject: bob, remember: true });
    writ().resetStatements();
    assert.equal((await locationOf(browser, wrong.body.redirect_to)).error, "login_required");
    assert.equal(writ().statements.filter(({ kind }) => kind === "write").length, 0);
    const still = await loginApp.get(writ(), await goToLogin(browser, rp.request()));
    assert.deepEqual([still.body.skip, still.body.subject], [true, alice], "the session is hers still");
    const { code = "" } = await finishFlow(writ(), browser, rp.request({ prompt: "login" }), { login: { subject: bob } });
    const { body } = await redeem(writ(), rp, code);
    assert.equal((await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` } })).body.sub, bob);
  });
});
