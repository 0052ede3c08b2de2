import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openMaintenance } from "#core/maintenance.ts";
import { silentLog } from "#lib/events.ts";
import { MINUTE, makeTestClock } from "./harness/clock.ts";
import { approve, createDevice, deviceApp, follow, goToDevice, goToDeviceConsent, goToDeviceLogin, newCodes, poll } from "./harness/device.ts";
import { type Answer, createClient, introspect, sendJson } from "./harness/http.ts";
import { tally, times } from "./harness/race.ts";
import { consentApp, loginApp, newSubject, openUserAgent } from "./harness/user-agent.ts";
import { ARRANGEMENTS, describeWrit, testConfig } from "./harness/writ.ts";

const time = makeTestClock();
const errorOf = ({ status, body }: Answer) => [status, body?.error];

describeWrit("attacks on the device flow", { clock: time.clock }, (writ) => {
  const refused = (page: Answer) => {
    assert.deepEqual([page.status, page.headers.get("location")], [400, null]);
    assert.match(page.text, /access_denied/);
    assert.doesNotMatch(page.text, /at .*\.ts|Error:/);
  };

  test("RFC 8628 §5.4: what the apps answer counts in the browser that the flow began in and in no other, at each of the three steps", async () => {
    const device = await createDevice(writ());
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    const [agent, victim] = [openUserAgent(writ()), openUserAgent(writ())];
    await goToDevice(victim);
    const entered = (await deviceApp.accept(writ(), await goToDevice(agent), userCode)).body.redirect_to;
    refused(await victim.get(entered));
    refused(await openUserAgent(writ()).get(entered));
    const login = (await loginApp.accept(writ(), (await follow(agent, entered)).login_challenge ?? "")).body.redirect_to;
    refused(await victim.get(login));
    const consent = (await consentApp.accept(writ(), (await follow(agent, login)).consent_challenge ?? "", { grant_scope: ["read"] })).body.redirect_to;
    refused(await victim.get(consent));
    assert.deepEqual(errorOf(await poll(writ(), device, code)), [400, "authorization_pending"]);
    assert.equal((await agent.get(consent)).status, 302);
    assert.equal((await poll(writ(), device, code)).status, 200);
  });

  test("RFC 8628 §3.3: verifiers that were changed, of another kind, or of nobody end on a page", async () => {
    const { user_code: userCode } = await newCodes(writ(), await createDevice(writ()));
    const agent = openUserAgent(writ());
    const entered = new URL((await deviceApp.accept(writ(), await goToDevice(agent), userCode)).body.redirect_to);
    const verifier = entered.searchParams.get("device_verifier") ?? "";
    for (const query of [
      `device_verifier=${verifier.slice(0, -2)}`,
      `device_verifier=${verifier.replace("_dv_", "_dl_")}`,
      "device_verifier=",
      "device_verifier=x&device_verifier=y",
      `login_verifier=${verifier}`,
      `consent_verifier=${verifier}`,
      `device_verifier=${"x".repeat(6000)}`,
    ]) {
      const page = await agent.get(`/oauth2/device/verify?${query}`);
      assert.equal(page.headers.get("location")?.includes("login_challenge") ?? false, false, query.slice(0, 40));
      assert.ok([302, 400].includes(page.status), query.slice(0, 40));
    }
    const asJson = await agent.get("/oauth2/device/verify?device_verifier=x");
    assert.equal(asJson.status, 400);
  });

  test("DESIGN device codes: of two people who enter one code the first who finishes has the device; the other sees a page, and nothing of what they agreed to is kept", async () => {
    const device = await createDevice(writ());
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    const [alice, bob] = [newSubject(), newSubject()];
    const [first, second] = [openUserAgent(writ()), openUserAgent(writ())];
    const slow = await goToDeviceConsent(writ(), second, userCode, { subject: bob });
    await approve(writ(), first, userCode, { login: { subject: alice } });
    const { body } = await consentApp.accept(writ(), slow, { grant_scope: ["read"], remember: true });
    refused(await second.get(body.redirect_to));
    refused(await second.get(body.redirect_to));
    const tokens = (await poll(writ(), device, code)).body;
    assert.equal((await introspect(writ(), tokens.access_token)).sub, alice);
    assert.deepEqual((await sendJson(writ(), "GET", `/admin/oauth2/auth/sessions/consent?subject=${bob}`)).body, []);
    assert.equal((await introspect(writ(), tokens.access_token)).active, true, "the loser's end is not the winner's");
  });

  test("DESIGN device codes: of a yes and a no at once, in two tabs, one counts, and both the device and the people are told the same", async () => {
    const device = await createDevice(writ());
    const outcomes = await times(12, async () => {
      const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
      const agent = openUserAgent(writ());
      await goToDevice(agent);
      const [yes, no] = [await goToDeviceConsent(writ(), agent, userCode), await goToDeviceConsent(writ(), agent, userCode)];
      const answers = await Promise.all([consentApp.accept(writ(), yes, { grant_scope: ["read"] }), consentApp.reject(writ(), no, {})]);
      const [approved] = await Promise.all(answers.map(({ body }) => agent.get(body.redirect_to)));
      const polled = await poll(writ(), device, code);
      assert.equal(approved?.status === 302, polled.status === 200);
      assert.ok(polled.status === 200 || polled.body.error === "access_denied", polled.text);
      return polled.status;
    });
    assert.equal(outcomes.length, 12);
  });

  test("a double click: the same answer brought twice at once, at each step, makes one grant, and the person sees that it worked", async () => {
    const device = await createDevice(writ());
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    const agent = openUserAgent(writ());
    const deviceChallenge = await goToDevice(agent);
    const entered = await times(2, () => deviceApp.accept(writ(), deviceChallenge, userCode));
    const logins = await times(2, async (i) => (await follow(agent, entered[i]?.body.redirect_to)).login_challenge ?? "");
    const login = (await loginApp.accept(writ(), logins[1] ?? "")).body.redirect_to;
    const consents = await times(2, async () => (await follow(agent, login)).consent_challenge ?? "");
    const accepted = await times(2, (i) => consentApp.accept(writ(), consents[i] ?? "", { grant_scope: ["read"] }));
    const ends = await times(4, (i) => agent.get(accepted[i % 2]?.body.redirect_to));
    for (const end of ends) assert.match(end.headers.get("location") ?? end.text, /\/device\/done/);
    assert.equal((await poll(writ(), device, code)).status, 200);
    assert.match((await agent.get(accepted[0]?.body.redirect_to)).headers.get("location") ?? "", /\/device\/done/, "also when the device has its tokens");
  });

  test("RFC 8628 §3.5: of 100 concurrent polls after the approval exactly one gets tokens, and the replays end the grant", async () => {
    const device = await createDevice(writ());
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    await approve(writ(), openUserAgent(writ()), userCode);
    const answers = await times(100, () => poll(writ(), device, code));
    assert.deepEqual(tally(answers), { ok: 1, "400 invalid_grant": 99 });
    const { body } = answers.find(({ status }) => status === 200) ?? assert.fail();
    assert.equal((await introspect(writ(), body.access_token)).active, false);
  });

  test("DESIGN epochs: a client that is deleted, and made again under its name, gets nothing of the old one's codes; nor does the person who enters one", async () => {
    const device = await createDevice(writ());
    const [pending, approved] = [await newCodes(writ(), device), await newCodes(writ(), device)];
    await approve(writ(), openUserAgent(writ()), approved.user_code);
    const agent = openUserAgent(writ());
    const entered = (await deviceApp.accept(writ(), await goToDevice(agent), pending.user_code)).body.redirect_to;
    assert.equal((await sendJson(writ(), "DELETE", `/admin/clients/${device.client_id}`)).status, 204);
    assert.deepEqual(errorOf(await poll(writ(), device, approved.device_code)), [401, "invalid_client"]);
    const again = await createDevice(writ(), { client_id: device.client_id });
    for (const { device_code: code } of [pending, approved]) assert.deepEqual(errorOf(await poll(writ(), again, code)), [400, "invalid_grant"]);
    assert.deepEqual(errorOf(await deviceApp.get(writ(), await goToDevice(agent), pending.user_code)), [400, "invalid_request"]);
    const page = await agent.get(entered);
    assert.deepEqual([page.status, /invalid_client/.test(page.text)], [400, true]);
  });

  test("DESIGN epochs: what was revoked between the approval and the poll gives the device access_denied; what was revoked while the person was at it, the person a page", async () => {
    const device = await createDevice(writ());
    for (const revoke of [
      (subject: string) => sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/consent?subject=${subject}&all=true`),
      (subject: string) => sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/login?subject=${subject}`),
    ]) {
      const subject = newSubject();
      const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
      await approve(writ(), openUserAgent(writ()), userCode, { login: { subject } });
      assert.equal((await revoke(subject)).status, 204);
      assert.deepEqual(errorOf(await poll(writ(), device, code)), [400, "access_denied"]);
    }
    const subject = newSubject();
    const { user_code: userCode } = await newCodes(writ(), device);
    const agent = openUserAgent(writ());
    const consent = await consentApp.accept(writ(), await goToDeviceConsent(writ(), agent, userCode, { subject }), { grant_scope: ["read"] });
    await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/consent?subject=${subject}&all=true`);
    refused(await agent.get(consent.body.redirect_to));
  });

  test("RFC 8628 §5.4: a browser that is known need not log in again, but is always asked for consent, also where it was remembered", async () => {
    const device = await createDevice(writ(), { token_endpoint_auth_method: "client_secret_basic" });
    const subject = newSubject();
    const agent = openUserAgent(writ());
    await approve(writ(), agent, (await newCodes(writ(), device)).user_code, { login: { subject, remember: true }, consent: { remember: true } });
    const challenge = await goToDeviceLogin(writ(), agent, (await newCodes(writ(), device)).user_code);
    const { body: login } = await loginApp.get(writ(), challenge);
    assert.deepEqual([login.skip, login.subject, login.requested_scope], [true, subject, ["openid", "offline_access", "read"]]);
    const { body } = await loginApp.accept(writ(), challenge, { subject });
    const consent = await consentApp.get(writ(), (await follow(agent, body.redirect_to)).consent_challenge ?? "");
    assert.equal(consent.body.skip, false);
  });

  test("hydra.md §3.4: where somebody else than the session's subject logs in, the flow of the device goes on with a login of their own", async () => {
    const device = await createDevice(writ());
    const [alice, bob] = [newSubject(), newSubject()];
    const agent = openUserAgent(writ());
    await approve(writ(), agent, (await newCodes(writ(), device)).user_code, { login: { subject: alice, remember: true } });
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    const { body } = await loginApp.accept(writ(), await goToDeviceLogin(writ(), agent, userCode), { subject: bob });
    const again = (await follow(agent, body.redirect_to)).login_challenge ?? "";
    assert.equal((await loginApp.get(writ(), again)).body.skip, false);
    const login = (await loginApp.accept(writ(), again, { subject: bob })).body.redirect_to;
    const consent = await consentApp.accept(writ(), (await follow(agent, login)).consent_challenge ?? "", { grant_scope: ["read"] });
    assert.equal((await agent.get(consent.body.redirect_to)).status, 302);
    assert.equal((await introspect(writ(), (await poll(writ(), device, code)).body.access_token)).sub, bob);
  });

  test("RFC 8628 §5.2: a device code tells nothing of its user code, and neither stands in the database", async () => {
    const device = await createDevice(writ());
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    const secrets = [userCode, userCode.replace("-", ""), code];
    const bytes = Buffer.from(code.split("_")[2] ?? "", "base64url").toString("latin1");
    assert.ok(!secrets.some((secret) => bytes.includes(secret)));
    const file = /^sqlite:\/\/(.*)$/.exec(writ().dsn)?.[1];
    const stored = file === undefined ? "" : [file, `${file}-wal`].map((each) => readFileSync(each, "latin1")).join("");
    assert.ok(file === undefined || stored.includes(device.client_id));
    assert.ok(!secrets.some((secret) => stored.includes(secret)));
    assert.notEqual((await newCodes(writ(), device)).device_code, code);
  });

  test("a client of another kind than a device cannot be given a device's flow: /oauth2/auth takes no user code", async () => {
    const client = await createClient(writ(), { grant_types: ["authorization_code"], redirect_uris: ["https://rp.example/cb"] });
    const { user_code: userCode } = await newCodes(writ(), await createDevice(writ()));
    const answer = await openUserAgent(writ()).get(`/oauth2/auth?client_id=${client.client_id}&user_code=${userCode}&response_type=code`);
    assert.ok(!(answer.headers.get("location") ?? "").includes("device"));
  });
});

describeWrit(
  "guessing user codes",
  { clock: time.clock },
  (writ) => {
    const WRONG = "XXXX-XXXX";

    test("RFC 8628 §5.1: five wrong codes end a challenge, of many at once too, and the right one does not help it then; right ones do not count", async () => {
      const device = await createDevice(writ());
      const { user_code: userCode } = await newCodes(writ(), device);
      const challenge = await goToDevice(openUserAgent(writ()));
      for (let i = 0; i < 20; i++) assert.equal((await deviceApp.get(writ(), challenge, userCode)).status, 200);
      const answers = await times(20, (i) => deviceApp[i % 2 === 0 ? "get" : "accept"](writ(), challenge, WRONG));
      assert.deepEqual(tally(answers), { "400 invalid_request": 5, "403 access_denied": 15 });
      for (const call of [deviceApp.get, deviceApp.accept, deviceApp.reject]) assert.deepEqual(errorOf(await call(writ(), challenge, userCode)), [403, "access_denied"]);
      const other = await goToDevice(openUserAgent(writ()));
      assert.equal((await deviceApp.accept(writ(), other, userCode)).status, 200);
    });

    test("RFC 8628 §5.1: whoever takes new challenges for more guesses is refused by network after 500, until a code's life has passed", async () => {
      const device = await createDevice(writ());
      time.advance(11 * MINUTE);
      let refusedAfter = 0;
      for (let i = 0; i < 110 && refusedAfter === 0; i++) {
        const challenge = await goToDevice(openUserAgent(writ()));
        const answers = await times(5, () => deviceApp.accept(writ(), challenge, WRONG));
        if (answers.some(({ status }) => status === 403)) refusedAfter = i * 5;
      }
      assert.equal(refusedAfter, 500);
      const { user_code: userCode } = await newCodes(writ(), device);
      assert.equal((await deviceApp.accept(writ(), await goToDevice(openUserAgent(writ())), userCode)).status, 403);
      time.advance(11 * MINUTE);
      const fresh = await newCodes(writ(), device);
      assert.equal((await deviceApp.accept(writ(), await goToDevice(openUserAgent(writ())), fresh.user_code)).status, 200);
    });
  },
  ["direct"],
);

describeWrit(
  "device codes and the janitor",
  { config: { ttl: { device_user_code: "2s" } } },
  (writ) => {
    test("DESIGN deleting: rows of codes that have expired are freed, and the device hears expired_token all the same", async () => {
      const device = await createDevice(writ());
      const { device_code: code } = await newCodes(writ(), device);
      const maintenance = await openMaintenance(testConfig(writ().dsn), silentLog);
      try {
        assert.equal((await maintenance.deleteExpired(100)).device_codes, 0);
        await new Promise((resolve) => setTimeout(resolve, 2500));
        assert.equal((await maintenance.deleteExpired(100)).device_codes, 1);
      } finally {
        await maintenance.close();
      }
      assert.deepEqual(errorOf(await poll(writ(), device, code)), [400, "expired_token"]);
    });
  },
  ARRANGEMENTS.filter((arrangement) => arrangement !== "direct"),
);
