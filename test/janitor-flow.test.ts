import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openMaintenance } from "#core/maintenance.ts";
import { silentLog } from "#lib/events.ts";
import { introspect, sendJson } from "./harness/http.ts";
import { consentApp, createRp, finishFlow, goToConsent, goToLogin, loginApp, newSubject, openUserAgent, parametersOf, redeem } from "./harness/user-agent.ts";
import { ARRANGEMENTS, describeWrit, testConfig } from "./harness/writ.ts";

const SESSIONS = "/admin/oauth2/auth/sessions/consent";

// The janitor goes by the database's clock, so here everything lives for seconds.
describeWrit(
  "flows with the janitor in between",
  { config: { ttl: { login_consent_request: "8s", auth_code: "8s", access_token: "8s" } } },
  (writ) => {
    const janitor = async (): Promise<Readonly<Record<string, number>>> => {
      const maintenance = await openMaintenance(testConfig(writ().dsn), silentLog);
      try {
        return await maintenance.deleteExpired(1000);
      } finally {
        await maintenance.close();
      }
    };

    test("DESIGN §2: a grant that was freed is not born again by its verifiers, its code or its tokens; what was remembered outlives it, and is revoked by its id still", async () => {
      const rp = await createRp(writ(), { grant_types: ["authorization_code"] });
      const agent = openUserAgent(writ());
      const subject = newSubject();
      const locationOf = async (url: string) => parametersOf((await agent.get(url)).headers.get("location"));

      const login = await loginApp.accept(writ(), await goToLogin(agent, rp.request()), { subject });
      const { consent_challenge: challenge = "" } = await locationOf(login.body.redirect_to);
      const { consent_request_id: id } = (await consentApp.get(writ(), challenge)).body;
      const consent = await consentApp.accept(writ(), challenge, { grant_scope: ["openid", "offline_access", "read"], remember: true });
      const { code = "" } = await locationOf(consent.body.redirect_to);
      const { body: tokens } = await redeem(writ(), rp, code);
      assert.equal((await introspect(writ(), tokens.access_token)).active, true);
      assert.equal((await janitor()).grants, 0, "nothing is freed that something names");

      await setTimeout(9500);
      assert.ok(((await janitor()).grants ?? 0) >= 1);
      for (const url of [login.body.redirect_to, consent.body.redirect_to]) {
        const { headers, status } = await agent.get(url);
        const { code: again, consent_challenge: reborn } = headers.get("location") === null ? {} : parametersOf(headers.get("location"));
        assert.deepEqual([again, reborn, status === 400 || status === 303], [undefined, undefined, true]);
      }
      assert.equal((await redeem(writ(), rp, code)).body.error, "invalid_grant");
      assert.equal((await introspect(writ(), tokens.access_token)).active, false);
      assert.equal((await consentApp.get(writ(), challenge)).status, 401);

      const skips = async () => (await consentApp.get(writ(), await goToConsent(writ(), openUserAgent(writ()), rp.request(), { subject }))).body.skip;
      assert.equal(await skips(), true);
      const [session] = (await sendJson(writ(), "GET", `${SESSIONS}?subject=${subject}`)).body;
      assert.deepEqual([session.consent_request_id, session.remember], [id, true], "it is listed by the id of the grant that is gone");

      const inFlight = await finishFlow(writ(), openUserAgent(writ()), rp.request(), { login: { subject } });
      assert.equal((await sendJson(writ(), "DELETE", `${SESSIONS}?consent_request_id=${id}`)).status, 204);
      await janitor();
      assert.equal((await redeem(writ(), rp, inFlight.code ?? "")).body.error, "invalid_grant", "its epoch has moved, and the emptied row stays to say so");
      assert.equal(await skips(), false);
    });
  },
  ARRANGEMENTS.filter((arrangement) => arrangement !== "direct"),
);
