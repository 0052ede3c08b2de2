import assert from "node:assert/strict";
import { test } from "node:test";
import { introspect } from "./harness/http.ts";
import { consentApp, createRp, finishFlow, getTokens, goToLogin, loginApp, newSubject, openUserAgent, parametersOf, redeem, refresh } from "./harness/user-agent.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

/** Statements besides look-ups of clients and keys, which every request shares. */
const counted = (writ: Writ): string[] => writ.statements.map(({ sql }) => sql).filter((sql) => !/^select .* from [`"](clients|jwks)[`"] where/i.test(sql) || / join /i.test(sql));

describeWrit("what a flow costs", {}, (writ) => {
  test("DESIGN §2: a whole code flow with login and consent, both remembered, takes at most 12 statements; the next, skipped, no more", async () => {
    const rp = await createRp(writ());
    const agent = openUserAgent(writ());
    const subject = newSubject();
    for (const answers of [{ login: { subject, remember: true }, consent: { remember: true } }, { login: { subject } }]) {
      writ().resetStatements();
      const challenge = await goToLogin(agent, rp.request());
      await loginApp.get(writ(), challenge);
      const login = await loginApp.accept(writ(), challenge, answers.login);
      const { consent_challenge: consentChallenge = "" } = parametersOf((await agent.get(login.body.redirect_to)).headers.get("location"));
      await consentApp.get(writ(), consentChallenge);
      const consent = await consentApp.accept(writ(), consentChallenge, { grant_scope: ["openid", "offline_access", "read"], ...answers.consent });
      const { code = "" } = parametersOf((await agent.get(consent.body.redirect_to)).headers.get("location"));
      assert.equal((await redeem(writ(), rp, code)).status, 200);
      assert.ok(counted(writ()).length <= 12, counted(writ()).join("\n"));
      assert.ok(counted(writ()).length > 5, "they are counted");
    }
  });

  test("DESIGN §2: tokens in the authorization response cost no statement: every response type takes as many as the code alone, at the most", async () => {
    const metadata = { grant_types: ["authorization_code", "implicit"], response_types: ["code", "id_token", "id_token token", "token", "code id_token token"] };
    const rp = await createRp(writ(), metadata);
    const costs: number[] = [];
    for (const type of metadata.response_types) {
      const request = rp.request({ response_type: type, nonce: "n-0S6_WzA2Mj", scope: "openid read" });
      await finishFlow(writ(), openUserAgent(writ()), request);
      writ().resetStatements();
      await finishFlow(writ(), openUserAgent(writ()), request, { login: { remember: true }, consent: { remember: true } });
      costs.push(counted(writ()).length);
    }
    const [ofCode = 0, ...others] = costs;
    assert.ok(ofCode > 3 && others.every((cost) => cost <= ofCode), costs.join(" "));
  });

  test("DESIGN §2: a refresh takes at most three, one in grace too; the introspection of a grant's token at most one", async () => {
    const rp = await createRp(writ());
    const { refresh_token: token, access_token: access } = await getTokens(writ(), rp);
    for (let i = 0; i < 3; i++) {
      writ().resetStatements();
      assert.equal((await refresh(writ(), rp, token)).status, 200);
      assert.ok(counted(writ()).length <= 3, counted(writ()).join("\n"));
      writ().resetStatements();
      assert.equal((await introspect(writ(), access)).active, true);
      assert.ok(counted(writ()).length <= 1, counted(writ()).join("\n"));
    }
  });

  test("DESIGN §3: 1,000 authorize requests and 1,000 logins that are rejected leave the database as it was", async () => {
    const rp = await createRp(writ());
    const agent = openUserAgent(writ());
    writ().resetStatements();
    for (let i = 0; i < 1000; i += 20)
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const challenge = await goToLogin(agent, rp.request());
          const rejected = await loginApp.reject(writ(), challenge);
          const { status } = await agent.get(rejected.body.redirect_to);
          assert.equal(status, 303);
        }),
      );
    const writes = () => writ().statements.filter(({ kind }) => kind === "write").length;
    assert.equal(writes(), 0);
    await finishFlow(writ(), agent, rp.request());
    assert.ok(writes() > 0, "one accepted login does write");
  });
});
