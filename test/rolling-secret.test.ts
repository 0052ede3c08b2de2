import assert from "node:assert/strict";
import { test } from "node:test";
import { pooledRandom } from "#lib/random.ts";
import { makeSealer, type SealKind } from "#lib/seal.ts";
import { postForm, send } from "./harness/http.ts";
import { consentApp, createRp, loginApp, openUserAgent, refresh } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

describeWrit("while the system secret is being changed everywhere", {}, (writ) => {
  // As a process seals that has the new secret already, in front of the old one.
  const newer = makeSealer({ secrets: ["a secret that this server does not have"], issuer: 1, prefix: "writ", random: pooledRandom() });
  const sealed = (kind: SealKind) => newer.seal(kind, new Uint8Array(60));

  test("DESIGN §2: what names a secret that is not here (yet) is temporarily_unavailable, never a verdict: challenges, verifiers, codes, tokens", async () => {
    const rp = await createRp(writ());
    for (const answer of [
      await loginApp.get(writ(), sealed("login_challenge")),
      await loginApp.accept(writ(), sealed("login_challenge")),
      await consentApp.accept(writ(), sealed("consent_challenge")),
      await postForm(
        `${writ().publicUrl}/oauth2/token`,
        { grant_type: "authorization_code", code: sealed("authorization_code") },
        { basic: [rp.client.client_id, rp.client.client_secret] },
      ),
      await refresh(writ(), rp, sealed("refresh_token")),
      await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${sealed("access_token")}` } }),
      await postForm(`${writ().adminUrl}/admin/oauth2/introspect`, { token: sealed("refresh_token") }),
    ])
      assert.deepEqual([answer.status, answer.body.error, answer.headers.get("retry-after")], [503, "temporarily_unavailable", "1"]);
    const agent = openUserAgent(writ());
    for (const name of ["login_verifier", "consent_verifier"] as const) {
      const page = await agent.get(`/oauth2/auth?${name}=${sealed(name)}`);
      assert.deepEqual([page.status, page.headers.get("location"), page.text.includes("temporarily_unavailable")], [503, null, true]);
    }
  });

  test("a session cookie that names one makes the browser log in again, and fails nothing", async () => {
    const agent = openUserAgent(writ());
    agent.cookies.set("writ_session_dev", sealed("session_cookie"));
    const { status, headers } = await agent.get((await createRp(writ())).request());
    assert.deepEqual([status, (headers.get("location") ?? "").includes("login_challenge=")], [302, true]);
  });
});
