import assert from "node:assert/strict";
import { test } from "node:test";
import { sendJson } from "./harness/http.ts";
import { BYE, isKnown, locationOf, logIn, logoutUrl } from "./harness/logout.ts";
import { createRp, openUserAgent, type UserAgent } from "./harness/user-agent.ts";
import { describeWrit, startWrit } from "./harness/writ.ts";

describeWrit("logout without an app", {}, (writ) => {
  const CHALLENGE = /name="logout_challenge" value="([^"]+)"/;
  const open = async (agent: UserAgent, parameters: Readonly<Record<string, string>> = {}): Promise<string> => {
    const page = await agent.get(locationOf(await agent.get(logoutUrl(parameters))));
    assert.match(page.text, /id="logout-confirm".*\n.*id="logout-cancel"/);
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/);
    return CHALLENGE.exec(page.text)?.[1] ?? assert.fail(page.text);
  };

  test("conformance.md §5.2: a page of Writ's asks; yes logs out and shows that, no changes nothing", async () => {
    const member = await logIn(writ());
    const challenge = await open(member.agent);
    const stayed = await member.agent.post("/oauth2/sessions/logout", { logout_challenge: challenge, answer: "no" });
    assert.match((await member.agent.get(locationOf(stayed))).text, /<h1>You are still signed in<\/h1>/);
    assert.ok(await isKnown(writ(), member));
    const done = await member.agent.post("/oauth2/sessions/logout", { logout_challenge: challenge, answer: "yes" });
    assert.equal(done.status, 303);
    assert.match((await member.agent.get(locationOf(done))).text, /<h1>You are signed out<\/h1>/);
    assert.equal(await isKnown(writ(), member), false);
  });

  test("OIDC RP-Initiated Logout §6: no link and no form of another site answers the page: not by GET, not with a challenge of another browser, not without one", async () => {
    const member = await logIn(writ());
    const attacker = await logIn(writ());
    const own = await open(member.agent);
    const foreign = await open(attacker.agent);
    assert.match(locationOf(await member.agent.get(logoutUrl({ logout_challenge: own, answer: "yes" }))), /fallbacks\/logout\?logout_challenge/, "it asks again");
    for (const form of [
      { logout_challenge: foreign, answer: "yes" },
      { logout_challenge: "x", answer: "yes" },
    ])
      assert.equal((await member.agent.post("/oauth2/sessions/logout", form)).status, 400);
    assert.match(locationOf(await member.agent.post("/oauth2/sessions/logout", { answer: "yes" })), /fallbacks\/logout\?logout_challenge/);
    assert.equal((await openUserAgent(writ()).post("/oauth2/sessions/logout", { logout_challenge: own, answer: "yes" })).status, 400);
    const markup = await member.agent.get(`/oauth2/fallbacks/logout?logout_challenge=${encodeURIComponent('"><script>alert(1)</script>')}`);
    assert.doesNotMatch(markup.text, /<script>alert/);
    assert.ok(await isKnown(writ(), member));
  });

  test("skip_logout_consent: with an ID token of this very session nobody is asked; with none, or another's, they are", async () => {
    const metadata = { skip_logout_consent: true };
    const member = await logIn(writ(), { metadata });
    const other = await logIn(writ(), { metadata });
    for (const parameters of [{}, { client_id: member.rp.client.client_id }, { id_token_hint: other.tokens.id_token }])
      await open(member.agent, parameters as Readonly<Record<string, string>>);
    assert.ok(await isKnown(writ(), member));
    const done = await member.agent.get(logoutUrl({ id_token_hint: member.tokens.id_token, post_logout_redirect_uri: BYE, state: "s" }));
    assert.equal(locationOf(done), `${BYE}?state=s`);
    assert.equal(await isKnown(writ(), member), false);
  });
});

test("compat: hydra: state or a redirect URI without a hint is refused; cookies have Hydra's names; urls.error gets the error", async () => {
  const writ = await startWrit("direct", { config: { compat: "hydra", urls: { error: "https://apps.example/error" } } });
  try {
    const rp = await createRp(writ, { post_logout_redirect_uris: [BYE] });
    for (const parameters of [{ state: "s" }, { client_id: rp.client.client_id, post_logout_redirect_uri: BYE }] as Record<string, string>[]) {
      const refused = await openUserAgent(writ).get(logoutUrl(parameters));
      assert.match(locationOf(refused), /^https:\/\/apps\.example\/error\?error=invalid_request&error_description=.*id_token_hint/);
    }
  } finally {
    await writ.close();
  }
});

for (const [metadata, named] of [
  [{ frontchannel_logout_uri: "https://elsewhere.example/logout" }, "frontchannel_logout_uri"],
  [{ frontchannel_logout_uri: "https://rp.example:8443/logout" }, "frontchannel_logout_uri"],
  [{ frontchannel_logout_uri: "javascript:alert(1)" }, "frontchannel_logout_uri"],
  [{ backchannel_logout_uri: "https://rp.example/logout#x" }, "backchannel_logout_uri"],
  [{ backchannel_logout_uri: "http://rp.example/logout", token_endpoint_auth_method: "none" }, "backchannel_logout_uri"],
  [{ post_logout_redirect_uris: ["https://evil.example/"] }, "post_logout_redirect_uris"],
] as const)
  test(`OIDC Front-Channel Logout §2, Back-Channel Logout §2.2: ${JSON.stringify(metadata)} is refused`, async () => {
    const writ = await startWrit("direct");
    try {
      const answer = await sendJson(writ, "POST", "/admin/clients", { redirect_uris: ["https://rp.example/cb"], ...metadata });
      assert.deepEqual([answer.status, answer.body.error_description.includes(named)], [400, true], answer.text);
    } finally {
      await writ.close();
    }
  });
