import assert from "node:assert/strict";
import { test } from "node:test";
import { introspect } from "./harness/http.ts";
import { tally, times } from "./harness/race.ts";
import { consentApp, createRp, finishFlow, getTokens, goToConsent, goToLogin, loginApp, openUserAgent, parametersOf, redeem, refresh } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

describeWrit("a flow that many run at once", {}, (writ) => {
  test("RFC 6749 §4.1.2: of 200 concurrent redemptions of one code exactly one succeeds, and the replays end the grant", async () => {
    const rp = await createRp(writ());
    const { code = "" } = await finishFlow(writ(), openUserAgent(writ()), rp.request());
    const answers = await times(200, () => redeem(writ(), rp, code));
    assert.deepEqual(tally(answers), { ok: 1, "400 invalid_grant": 199 });
    const { body } = answers.find(({ status }) => status === 200) ?? assert.fail();
    assert.equal((await introspect(writ(), body.access_token)).active, false);
  });

  test("DESIGN §2: 200 concurrent refreshes of one token in grace: all get tokens that are good, and that refresh again", async () => {
    const rp = await createRp(writ());
    const { refresh_token: token } = await getTokens(writ(), rp);
    const answers = await times(200, () => refresh(writ(), rp, token));
    assert.deepEqual(tally(answers), { ok: 200 });
    const active = await times(200, async (i) => (await introspect(writ(), answers[i]?.body.access_token)).active);
    assert.ok(active.every(Boolean));
    assert.deepEqual(tally(await times(50, (i) => refresh(writ(), rp, answers[i * 4]?.body.refresh_token))), { ok: 50 });
  });

  test("DESIGN §3: a verifier that comes twice at once, and a consent that is accepted twice at once, make one flow", async () => {
    const rp = await createRp(writ());
    const agent = openUserAgent(writ());
    const { body } = await loginApp.accept(writ(), await goToLogin(agent, rp.request()), { subject: "alice", remember: true });
    const loads = await times(8, () => agent.get(body.redirect_to));
    const challenges = loads.map(({ headers }) => parametersOf(headers.get("location")).consent_challenge ?? assert.fail());
    const accepted = await times(8, (i) => consentApp.accept(writ(), challenges[i] ?? "", { grant_scope: ["read"] }));
    assert.ok(accepted.every(({ status }) => status === 200));
    const ends = await times(8, (i) => agent.get(accepted[i]?.body.redirect_to));
    const codes = ends.map(({ headers }) => parametersOf(headers.get("location"))).filter(({ code }) => code !== undefined);
    assert.equal(codes.length, 1);
    assert.equal((await redeem(writ(), rp, codes[0]?.code ?? "")).status, 200);
  });

  test("DESIGN §3: of two different answers at once one counts; the flow ends with that one or with access_denied, never with the other's", async () => {
    const rp = await createRp(writ());
    await times(10, async () => {
      const agent = openUserAgent(writ());
      const challenge = await goToConsent(writ(), agent, rp.request());
      const answers = await Promise.all([consentApp.accept(writ(), challenge, { grant_scope: ["read"] }), consentApp.accept(writ(), challenge, { grant_scope: ["openid"] })]);
      const ends = await Promise.all(answers.map(({ body }) => agent.get(body.redirect_to)));
      const scopes = ends.map(({ headers }) => parametersOf(headers.get("location"))).map(({ scope, error }) => scope ?? error);
      assert.equal(scopes.filter((each) => each === "access_denied").length, 1);
      assert.ok(scopes[0] === "read" || scopes[1] === "openid", scopes.join());
    });
  });
});

describeWrit("a flow that many run at once, without grace", { config: { oauth2: { grant: { refresh_token: { rotation_grace_period: "0s" } } } } }, (writ) => {
  test("RFC 9700 §4.14: of 200 concurrent refreshes of one token at most one succeeds, and the grant ends", async () => {
    const rp = await createRp(writ());
    const tokens = await getTokens(writ(), rp);
    const answers = await times(200, () => refresh(writ(), rp, tokens.refresh_token));
    assert.deepEqual(tally(answers), { ok: 1, "400 invalid_grant": 199 });
    assert.equal((await introspect(writ(), tokens.access_token)).active, false);
  });
});
