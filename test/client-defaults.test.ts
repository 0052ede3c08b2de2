import assert from "node:assert/strict";
import { test } from "node:test";
import { MINUTE, makeTestClock } from "./harness/clock.ts";
import { claimsOf } from "./harness/jwt.ts";
import { createRp, finishFlow, getTokens, goToLogin, loginApp, newSubject, openUserAgent, parametersOf } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const time = makeTestClock();

describeWrit("defaults that clients register", { clock: time.clock }, (writ) => {
  const login = async (url: string, agent = openUserAgent(writ())) => (await loginApp.get(writ(), await goToLogin(agent, url))).body;

  test("OIDC Registration §2: default_max_age holds where the request has no max_age; 0 asks for a login each time", async () => {
    const [minutes, always] = [await createRp(writ(), { default_max_age: 600 }), await createRp(writ(), { default_max_age: 0 })];
    const agent = openUserAgent(writ());
    await finishFlow(writ(), agent, minutes.request(), { login: { subject: newSubject(), remember: true } });
    assert.equal((await login(minutes.request(), agent)).skip, true);
    assert.equal((await login(always.request(), agent)).skip, false);
    time.advance(11 * MINUTE);
    assert.equal((await login(minutes.request(), agent)).skip, false);
    assert.equal((await login(minutes.request({ max_age: "3600" }), agent)).skip, true, "what the request says counts");
    const silent = parametersOf((await agent.get(minutes.request({ prompt: "none" }))).headers.get("location"));
    assert.equal(silent.error, "login_required");
  });

  test("OIDC Registration §2: default_acr_values reach the login app where the request has none; acr says when none was met", async () => {
    const rp = await createRp(writ(), { default_acr_values: ["urn:a", "urn:b"] });
    assert.deepEqual((await login(rp.request())).oidc_context.acr_values, ["urn:a", "urn:b"]);
    assert.deepEqual((await login(rp.request({ acr_values: "urn:c" }))).oidc_context.acr_values, ["urn:c"]);
    assert.equal(claimsOf((await getTokens(writ(), rp)).id_token).acr, "0");
    assert.equal(claimsOf((await getTokens(writ(), rp, { login: { acr: "urn:b" } })).id_token).acr, "urn:b");
  });

  test("OIDC Core §2: require_auth_time: every ID token has it, of a new login and of a session", async () => {
    const rp = await createRp(writ(), { require_auth_time: true });
    const agent = openUserAgent(writ());
    const subject = newSubject();
    const first = claimsOf((await getTokens(writ(), rp, { agent, login: { subject, remember: true } })).id_token);
    time.advance(MINUTE);
    const second = claimsOf((await getTokens(writ(), rp, { agent, login: { subject } })).id_token);
    assert.equal(typeof first.auth_time, "number");
    assert.equal(second.auth_time, first.auth_time);
    assert.ok(second.iat >= first.iat + 60);
  });
});
