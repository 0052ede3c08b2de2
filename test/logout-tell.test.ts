import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { composeCore } from "#core/compose.ts";
import { openDb } from "#core/store/db.ts";
import { endSession } from "#core/store/sessions.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { systemClock } from "#lib/time.ts";
import { send, sendJson } from "./harness/http.ts";
import { accept, BYE, challengeOf, locationOf, logIn, type Member } from "./harness/logout.ts";
import { type LogoutReceiver, startLogoutReceiver } from "./harness/logout-receiver.ts";
import { consentApp, getTokens, goToConsent, newSubject, openUserAgent } from "./harness/user-agent.ts";
import { describeWrit, startWrit, testConfig, type Writ } from "./harness/writ.ts";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** Rows of the outbox, as other processes see them. */
const waiting = async (writ: Writ): Promise<number> => {
  const db = await openDb({ dsn: writ.dsn, log: silentLog });
  const [row] = await db.driver.read("SELECT COUNT(*) FROM logout_outbox", []);
  await db.driver.close();
  return Number(row?.[0]);
};

describeWrit("logout by the back channel", {}, (writ) => {
  let rp: LogoutReceiver;
  before(async () => {
    rp = await startLogoutReceiver();
  });
  after(() => rp.close());
  const logInThere = (more: Parameters<typeof logIn>[1] = {}): Promise<Member> => {
    rp.received.length = 0;
    rp.answer(200);
    return logIn(writ(), { ...more, metadata: { backchannel_logout_uri: rp.url, backchannel_logout_session_required: true, ...more.metadata } });
  };
  const logOut = async ({ agent, tokens }: Member): Promise<string> =>
    locationOf(await accept(writ(), agent, await challengeOf(agent, { id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE })));
  const tokenOf = (i = 0): string => rp.received[i]?.form.get("logout_token") ?? assert.fail("no token came");

  test("OIDC Back-Channel Logout §2.4, §2.5: a form with a logout token alone: typ, iss, aud, iat, exp, jti, events, sub and sid of the ID token, no nonce; signed by a published key", async () => {
    for (const alg of ["", "ES256", "PS256", "EdDSA"]) {
      const member = await logInThere({ metadata: alg === "" ? {} : { id_token_signed_response_alg: alg } });
      assert.equal(await logOut(member), BYE);
      const [got] = await rp.waitFor(1);
      assert.deepEqual([got?.method, got?.type, [...(got?.form.keys() ?? [])]], ["POST", "application/x-www-form-urlencoded", ["logout_token"]]);
      const keys = createRemoteJWKSet(new URL(`${writ().publicUrl}/.well-known/jwks.json`));
      const { payload, protectedHeader } = await jwtVerify(tokenOf(), keys, {
        issuer: "http://127.0.0.1:4444",
        audience: member.rp.client.client_id,
        typ: "logout+jwt",
        maxTokenAge: 60,
      });
      assert.equal(protectedHeader.alg, alg || "RS256");
      assert.deepEqual(Object.keys(payload).toSorted(), ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"]);
      assert.deepEqual(payload.events, { "http://schemas.openid.net/event/backchannel-logout": {} });
      const { sub, sid } = decodeJwt(member.tokens.id_token);
      assert.deepEqual([payload.sub, payload.sid], [sub, sid]);
      assert.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 120);
      assert.match(String(payload.jti), /^[0-9a-f-]{36}$/);
    }
  });

  test("OIDC Back-Channel Logout §2.5: every client of the session is told, each in its own name; those of other sessions are not, nor is one that the person refused", async () => {
    const first = await logInThere();
    const { agent, subject } = first;
    const second = await logIn(writ(), { agent, subject, metadata: { backchannel_logout_uri: rp.url } });
    assert.equal(second.sid, first.sid);
    const refused = await logIn(writ(), { metadata: { backchannel_logout_uri: rp.url } });
    const challenge = await goToConsent(writ(), agent, refused.rp.request(), { subject });
    await agent.get((await consentApp.reject(writ(), challenge)).body.redirect_to);
    await logOut(second);
    await rp.waitFor(2);
    await pause(200);
    assert.deepEqual(rp.received.map((_, i) => decodeJwt(tokenOf(i)).aud).toSorted(), [[first.rp.client.client_id], [second.rp.client.client_id]].toSorted());
    assert.equal(new Set(rp.received.map((_, i) => decodeJwt(tokenOf(i)).jti)).size, 2);
  });

  test("the browser does not wait for a client that does not answer; it is told again when it does", async () => {
    const member = await logInThere();
    rp.answer(503);
    const began = performance.now();
    assert.equal(await logOut(member), BYE);
    assert.ok(performance.now() - began < 1000);
    await rp.waitFor(1);
    rp.answer(204);
    await rp.waitFor(2);
    assert.notEqual(decodeJwt(tokenOf(0)).jti, decodeJwt(tokenOf(1)).jti, "each token is one of its own");
    await pause(1500);
    assert.equal(rp.received.length, 2);
  });

  test("OIDC Back-Channel Logout §2.8: a client that says no, or sends us elsewhere, is not asked again; nothing is left", async () => {
    for (const status of [400, 404, 501, 302]) {
      const member = await logInThere();
      rp.answer(status);
      await logOut(member);
      await rp.waitFor(1);
      await pause(1800);
      assert.equal(rp.received.length, 1, String(status));
    }
    if (writ().dsn !== "memory") assert.equal(await waiting(writ()), 0);
  });

  test("hydra.md §3.8: an administrator who ends one session has its clients told; who ends all of a subject's has not; tokens live", async () => {
    const member = await logInThere();
    assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/login?sid=${member.sid}`)).status, 204);
    await rp.waitFor(1);
    assert.equal(decodeJwt(tokenOf()).sid, member.sid);
    const other = await logInThere();
    assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/login?subject=${other.subject}`)).status, 204);
    await pause(300);
    assert.equal(rp.received.length, 0);
  });

  test("a client that was deleted meanwhile is told nothing; one that changed its endpoint is told there", async () => {
    const member = await logInThere();
    const moved = await logIn(writ(), { agent: member.agent, subject: member.subject, metadata: { backchannel_logout_uri: "http://127.0.0.1:1/gone" } });
    await sendJson(writ(), "PATCH", `/admin/clients/${moved.rp.client.client_id}`, [{ op: "replace", path: "/backchannel_logout_uri", value: rp.url }]);
    await sendJson(writ(), "DELETE", `/admin/clients/${member.rp.client.client_id}`);
    await logOut(moved);
    await rp.waitFor(1);
    await pause(300);
    assert.deepEqual(
      rp.received.map((_, i) => decodeJwt(tokenOf(i)).aud),
      [[moved.rp.client.client_id]],
    );
  });
});

test("the outbox survives: a session that ended while every process was down, or in the arms of one that died, has its clients told at the next start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "writ-outbox-"));
  const rp = await startLogoutReceiver();
  const writ = await startWrit("apart");
  try {
    const member = await logIn(writ, { metadata: { backchannel_logout_uri: rp.url } });
    for (const core of writ.cores) await core.close();
    // What a process does that dies right after its commit.
    const db = await openDb({ dsn: writ.dsn, log: silentLog });
    const end = await endSession(db, 1, { id: Buffer.from(member.sid, "hex"), birth: undefined, now: systemClock(), random: pooledRandom() });
    assert.equal(end.kind, "ended");
    await db.driver.close();
    assert.deepEqual([await waiting(writ), rp.received.length], [1, 0]);
    const restarted = await composeCore(testConfig(writ.dsn), { log: silentLog, version: "test" });
    await rp.waitFor(1);
    for (let tries = 0; tries < 100 && (await waiting(writ)) > 0; tries++) await pause(20);
    assert.equal(await waiting(writ), 0);
    await restarted.close();
  } finally {
    rp.close();
    await writ.close().catch(() => {}); // its core is closed already
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a process that ends while a client is silent lets go of what it had; another one tells the client", async () => {
  const rp = await startLogoutReceiver();
  const writ = await startWrit("apart");
  try {
    rp.answer(0);
    const member = await logIn(writ, { metadata: { backchannel_logout_uri: rp.url } });
    await sendJson(writ, "DELETE", `/admin/oauth2/auth/sessions/login?sid=${member.sid}`);
    await rp.waitFor(1);
    const began = performance.now();
    for (const core of writ.cores) await core.close();
    assert.ok(performance.now() - began < 2000);
    rp.answer(200);
    const next = await composeCore(testConfig(writ.dsn), { log: silentLog, version: "test" });
    await rp.waitFor(2);
    await next.close();
  } finally {
    rp.close();
    await writ.close().catch(() => {});
  }
});

test("OIDC Back-Channel Logout §2.5, DESIGN §6: an endpoint on a private address is never connected to", async () => {
  const writ = await startWrit("direct");
  try {
    const member = await logIn(writ, { metadata: { backchannel_logout_uri: "http://169.254.169.254/latest" } });
    assert.equal((await sendJson(writ, "DELETE", `/admin/oauth2/auth/sessions/login?sid=${member.sid}`)).status, 204);
    await pause(100);
    assert.equal((await send(`${writ.publicUrl}/health/ready`)).status, 200);
  } finally {
    await writ.close();
  }
});

describeWrit("logout by frames", {}, (writ) => {
  const FRAME = "https://rp.example/front?tenant=a&x=1";
  const finish = async ({ agent, tokens }: Member) =>
    accept(writ(), agent, await challengeOf(agent, { id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE, state: "s" }));

  test("OIDC Front-Channel Logout §2, §3: a page with a frame for each client, iss and sid beside what its URI has; the policy allows these places alone; it goes on without scripts", async () => {
    const first = await logIn(writ(), { metadata: { frontchannel_logout_uri: FRAME, frontchannel_logout_session_required: true } });
    const { agent, subject, sid } = first;
    await logIn(writ(), {
      agent,
      subject,
      metadata: { redirect_uris: ["https://rp.example/cb", "https://two.example/cb"], frontchannel_logout_uri: "https://two.example/a;b,c/out" },
    });
    await logIn(writ(), { agent, subject });
    const page = await finish(first);
    assert.equal(page.status, 200);
    const sources = [...page.text.matchAll(/<iframe src="([^"]+)"/g)].map(([, src = ""]) => src.replaceAll("&amp;", "&"));
    const more = new URLSearchParams({ iss: "http://127.0.0.1:4444", sid });
    assert.deepEqual(sources.toSorted(), [`${FRAME}&${more}`, `https://two.example/a;b,c/out?${more}`]);
    const policy = page.headers.get("content-security-policy") ?? "";
    const frames = /frame-src ([^;]+)(;|$)/.exec(policy)?.[1]?.split(" ").toSorted();
    assert.deepEqual(frames, ["https://rp.example/front", "https://two.example/a%3Bb%2Cc/out"]);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.match(page.text, /<noscript><meta http-equiv="refresh" content="2; url=https:\/\/rp\.example\/bye\?state=s"><\/noscript>/);
    assert.match(page.text, /<a id="continue" href="https:\/\/rp\.example\/bye\?state=s">/);
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.equal(agent.cookies.has("writ_session_dev"), false);
  });

  test("OIDC Front-Channel Logout §3: clients with long URIs have their frames, and do not make headers that no proxy takes", async () => {
    const long = (i: number): object => ({ frontchannel_logout_uri: `https://rp.example/${i}/${"x".repeat(900)}` });
    const first = await logIn(writ(), { metadata: long(0) });
    for (const i of [1, 2, 3]) await logIn(writ(), { ...first, metadata: long(i) });
    const page = await finish(first);
    assert.equal([...page.text.matchAll(/<iframe src="https:\/\/rp\.example\/\d\/x{900}\?/g)].length, 4);
    const policy = page.headers.get("content-security-policy") ?? "";
    assert.ok(policy.length < 1000, `${policy.length}`);
    assert.match(policy, /frame-src https: http:;/);
  });

  test("a reload of the page goes on at once: its clients were told, and no session is left", async () => {
    const member = await logIn(writ(), { metadata: { frontchannel_logout_uri: FRAME } });
    const challenge = await challengeOf(member.agent, { id_token_hint: member.tokens.id_token, post_logout_redirect_uri: BYE });
    assert.equal((await accept(writ(), member.agent, challenge)).status, 200);
    assert.equal(locationOf(await accept(writ(), member.agent, challenge)), BYE);
  });

  test("what a client registered is an attribute and no markup; a client that asked without consent is in no frame", async () => {
    const member = await logIn(writ());
    const other = await logIn(writ(), { metadata: { frontchannel_logout_uri: "https://rp.example/front?a='%22%3E" } });
    await goToConsent(writ(), member.agent, other.rp.request(), { subject: member.subject });
    assert.equal((await finish(member)).status, 303, "no consent, no frame");
    const page = await finish(other);
    assert.match(page.text, /<iframe src="https:\/\/rp\.example\/front\?a=(?:'|&#39;)%22%3E&amp;iss=/);
  });

  test("a client takes part once it has consent, also where a remembered session and consent stand for both", async () => {
    const agent = openUserAgent(writ());
    const subject = newSubject();
    const member = await logIn(writ(), { agent, subject, metadata: { frontchannel_logout_uri: FRAME } });
    const again = await getTokens(writ(), member.rp, { agent, login: { subject } });
    assert.equal(decodeJwt(again.id_token).sid, member.sid);
    assert.equal([...(await finish(member)).text.matchAll(/<iframe/g)].length, 1);
  });
});
