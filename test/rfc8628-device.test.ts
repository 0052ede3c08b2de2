import assert from "node:assert/strict";
import { test } from "node:test";
import { MINUTE, makeTestClock, SECOND } from "./harness/clock.ts";
import { approve, authorizeDevice, createDevice, DEVICE_GRANT, deviceApp, follow, goToDevice, goToDeviceConsent, goToDeviceLogin, newCodes, poll } from "./harness/device.ts";
import { type Answer, introspect, postForm, send, sendJson } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import { consentApp, loginApp, newSubject, openUserAgent, parametersOf } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const time = makeTestClock();
const errorOf = ({ status, body }: Answer) => [status, body?.error];

describeWrit("RFC 8628: device authorization grant", { clock: time.clock }, (writ) => {
  test("RFC 8628 §3.2: the answer has both codes, both URIs, the lifetime and the interval, and is kept by nobody", async () => {
    const answer = await authorizeDevice(writ(), await createDevice(writ()));
    assert.equal(answer.status, 200);
    const { device_code: deviceCode, user_code: userCode, ...rest } = answer.body;
    assert.match(deviceCode, /^writ_dc_[\w-]{120,}$/);
    assert.match(userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/, "RFC 8628 §6.1");
    const uri = "http://127.0.0.1:4444/oauth2/device/verify";
    assert.deepEqual(rest, { verification_uri: uri, verification_uri_complete: `${uri}?user_code=${userCode}`, expires_in: 600, interval: 5 });
    assert.deepEqual([answer.headers.get("cache-control"), answer.headers.get("pragma")], ["no-store", "no-cache"]);
  });

  test("RFC 8628 §3.1: the client authenticates as at the token endpoint; without the grant, or with a scope or audience that it may not have, it gets that error", async () => {
    const device = await createDevice(writ(), { audience: ["https://api.example"] });
    const confidential = await createDevice(writ(), { token_endpoint_auth_method: "client_secret_basic" });
    assert.equal((await authorizeDevice(writ(), confidential)).status, 200);
    assert.equal((await authorizeDevice(writ(), device, { audience: "https://api.example/tv" })).status, 200);
    const other = await createDevice(writ(), { grant_types: ["authorization_code"] });
    const refused = async (form: Record<string, string>) => errorOf(await postForm(`${writ().publicUrl}/oauth2/device/auth`, form));
    assert.deepEqual(await refused({ client_id: confidential.client_id }), [401, "invalid_client"]);
    assert.deepEqual(await refused({ client_id: confidential.client_id, client_secret: "wrong" }), [401, "invalid_client"]);
    assert.deepEqual(await refused({ client_id: "nobody" }), [401, "invalid_client"]);
    assert.deepEqual(await refused({ scope: "read" }), [401, "invalid_client"]);
    assert.deepEqual(await refused({ client_id: other.client_id }), [400, "unauthorized_client"]);
    assert.deepEqual(await refused({ client_id: device.client_id, scope: "admin" }), [400, "invalid_scope"]);
    assert.deepEqual(await refused({ client_id: device.client_id, audience: "https://evil.example" }), [400, "invalid_request"]);
    assert.equal((await send(`${writ().publicUrl}/oauth2/device/auth`)).status, 405);
    const wide = await createDevice(writ(), { scope: "a.*" });
    const scope = Array.from({ length: 500 }, (_, i) => `a.${i}.${"x".repeat(20)}`).join(" ");
    assert.deepEqual(await refused({ client_id: wide.client_id, scope }), [400, "invalid_request"]);
  });

  test("RFC 8628 §3.3, §3.5: pending until the person has logged in and agreed, then tokens: they refresh, are introspected, and belong to a consent session", async () => {
    const device = await createDevice(writ());
    const subject = newSubject();
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    assert.deepEqual(errorOf(await poll(writ(), device, code)), [400, "authorization_pending"]);
    const agent = openUserAgent(writ());
    const done = await approve(writ(), agent, userCode, { login: { subject, amr: ["pwd"] }, consent: { session: { access_token: { tv: 1 } } } });
    assert.equal(done.status, 302);
    assert.equal(done.headers.get("location"), `http://127.0.0.1:4444/oauth2/fallbacks/device/done?client_id=${device.client_id}`);
    const { status, body } = await poll(writ(), device, code);
    assert.equal(status, 200);
    assert.deepEqual([body.token_type, body.expires_in, body.scope], ["Bearer", 3600, "openid offline_access read"]);
    const claims = claimsOf(body.id_token);
    assert.deepEqual([claims.sub, claims.aud, claims.amr, claims.nonce], [subject, [device.client_id], ["pwd"], undefined]);
    const known = await introspect(writ(), body.access_token);
    assert.deepEqual([known.active, known.sub, known.client_id, known.ext], [true, subject, device.client_id, { tv: 1 }]);
    const refreshed = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "refresh_token", refresh_token: body.refresh_token, client_id: device.client_id });
    assert.equal(refreshed.status, 200, refreshed.text);
    const sessions = await sendJson(writ(), "GET", `/admin/oauth2/auth/sessions/consent?subject=${subject}`);
    assert.deepEqual([sessions.body.length, sessions.body[0].grant_scope], [1, ["openid", "offline_access", "read"]]);
    assert.equal(sessions.body[0].consent_request.request_url, `http://127.0.0.1:4444/oauth2/device/verify?client_id=${device.client_id}`);
    assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/consent?subject=${subject}&all=true`)).status, 204);
    assert.equal((await introspect(writ(), refreshed.body.access_token)).active, false);
  });

  test("hydra.md §4: client lifespans of the device grant decide how long its tokens live", async () => {
    const device = await createDevice(writ(), {
      device_authorization_grant_access_token_lifespan: "90s",
      device_authorization_grant_id_token_lifespan: "30s",
      device_authorization_grant_refresh_token_lifespan: "100s",
    });
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    await approve(writ(), openUserAgent(writ()), userCode);
    const { body } = await poll(writ(), device, code);
    const { exp, iat } = claimsOf(body.id_token);
    assert.deepEqual([body.expires_in, exp - iat], [90, 30]);
    const refresh = await introspect(writ(), body.refresh_token);
    assert.equal(refresh.exp - refresh.iat, 100);
  });

  test("RFC 8628 §3.5: a device that polls too fast is told slow_down, and the interval is 5 seconds longer from then on, for later polls too; one that keeps it never is", async () => {
    const device = await createDevice(writ());
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    const after = async (seconds: number) => {
      time.advance(seconds * SECOND);
      return (await poll(writ(), device, code)).body.error;
    };
    // With two gateways each core sees every other poll, so each is asked twice here.
    const each = writ().cores.length;
    const both = async (seconds: number) => {
      const said = [await after(seconds)];
      for (let i = 1; i < each; i++) said.push(await after(0));
      return new Set(said);
    };
    for (let i = 0; i < 4; i++) assert.deepEqual(await both(5), new Set(["authorization_pending"]));
    assert.deepEqual(await both(2), new Set(["slow_down"]));
    assert.deepEqual(await both(6), new Set(["slow_down"]), "6 seconds would have done before");
    assert.deepEqual(await both(30), new Set(["authorization_pending"]));
    await approve(writ(), openUserAgent(writ()), userCode);
    assert.equal((await poll(writ(), device, code)).status, 200, "slow_down is for those who wait: there are tokens now");
  });

  test("RFC 8628 §3.5: polling writes nothing but an interval that grows, and that not for ever", async () => {
    const device = await createDevice(writ());
    const { device_code: code } = await newCodes(writ(), device);
    const writes = async (polls: number, seconds: number) => {
      writ().resetStatements();
      for (let i = 0; i < polls; i++) {
        time.advance(seconds * SECOND);
        await poll(writ(), device, code);
      }
      return writ().statements.filter(({ kind }) => kind === "write").length;
    };
    assert.equal(await writes(10, 5), 0);
    assert.ok((await writes(60, 0)) <= 11 * writ().cores.length);
    assert.equal(await writes(60, 0), 0);
  });

  test("RFC 8628 §3.5: the device is told access_denied at its next poll, whoever said no: the device app, the login app or the consent app; the person sees a page", async () => {
    const device = await createDevice(writ());
    const ways = {
      device: async (userCode: string) => {
        const agent = openUserAgent(writ());
        return agent.get((await deviceApp.reject(writ(), await goToDevice(agent), userCode)).body.redirect_to);
      },
      login: async (userCode: string) => {
        const agent = openUserAgent(writ());
        return agent.get((await loginApp.reject(writ(), await goToDeviceLogin(writ(), agent, userCode), { error: "account_locked", status_code: 423 })).body.redirect_to);
      },
      consent: async (userCode: string) => {
        const agent = openUserAgent(writ());
        return agent.get((await consentApp.reject(writ(), await goToDeviceConsent(writ(), agent, userCode), {})).body.redirect_to);
      },
    };
    for (const [name, way] of Object.entries(ways)) {
      const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
      const page = await way(userCode);
      assert.deepEqual([page.status, /text\/html/.test(page.headers.get("content-type") ?? "")], [name === "login" ? 423 : 400, true], name);
      assert.match(page.text, name === "login" ? /account_locked/ : /access_denied/);
      for (let i = 0; i < 2; i++) assert.deepEqual(errorOf(await poll(writ(), device, code)), [400, "access_denied"], name);
      assert.equal((await deviceApp.accept(writ(), await goToDevice(openUserAgent(writ())), userCode)).status, 400, "the code is used up");
    }
  });

  test("RFC 8628 §3.5: both codes expire together: expired_token, also when it was approved meanwhile; a person who is late sees a page, and gives nothing", async () => {
    const device = await createDevice(writ());
    const [approved, late, typedLate] = [await newCodes(writ(), device), await newCodes(writ(), device), await newCodes(writ(), device)];
    await approve(writ(), openUserAgent(writ()), approved.user_code);
    const [agent, other] = [openUserAgent(writ()), openUserAgent(writ())];
    const consent = await consentApp.accept(writ(), await goToDeviceConsent(writ(), agent, late.user_code), { grant_scope: ["read"] });
    const verifier = (await deviceApp.accept(writ(), await goToDevice(other), typedLate.user_code)).body.redirect_to;
    time.advance(10 * MINUTE);
    for (const { device_code: code } of [approved, late]) assert.deepEqual(errorOf(await poll(writ(), device, code)), [400, "expired_token"]);
    for (const page of [await agent.get(consent.body.redirect_to), await other.get(verifier)]) {
      assert.equal(page.status, 400);
      assert.match(page.text, /expired/);
    }
    assert.deepEqual(errorOf(await deviceApp.accept(writ(), await goToDevice(agent), late.user_code)), [400, "invalid_request"]);
  });

  test("RFC 8628 §3.4: a device code that is missing, none of ours, another client's, or of another kind gets its error; it may not stand in the query", async () => {
    const [device, other] = [await createDevice(writ()), await createDevice(writ())];
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    assert.deepEqual(errorOf(await poll(writ(), device, "")), [400, "invalid_request"]);
    for (const wrong of [userCode, "x", `${code}A`, code.slice(0, -1), code.replace("writ_dc_", "writ_ac_"), "writ_dc_", "x".repeat(20_000)])
      assert.deepEqual(errorOf(await poll(writ(), device, wrong)), [400, "invalid_grant"], wrong.slice(0, 40));
    await approve(writ(), openUserAgent(writ()), userCode);
    assert.deepEqual(errorOf(await poll(writ(), other, code)), [400, "invalid_grant"]);
    const without = await createDevice(writ(), { grant_types: ["authorization_code"] });
    assert.deepEqual(errorOf(await poll(writ(), without, code)), [400, "unauthorized_client"]);
    assert.deepEqual(errorOf(await postForm(`${writ().publicUrl}/oauth2/token?device_code=${code}`, { grant_type: DEVICE_GRANT, client_id: device.client_id })), [
      400,
      "invalid_request",
    ]);
    assert.equal((await poll(writ(), device, code)).status, 200, "none of it has spent the code");
    const asCode = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "authorization_code", code, client_id: device.client_id });
    assert.ok(asCode.status === 400);
  });

  test("RFC 6749 §4.1.2: a device code that is brought again ends all that came of it", async () => {
    const device = await createDevice(writ());
    const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
    await approve(writ(), openUserAgent(writ()), userCode);
    const { body } = await poll(writ(), device, code);
    assert.deepEqual(errorOf(await poll(writ(), device, code)), [400, "invalid_grant"]);
    assert.equal((await introspect(writ(), body.access_token)).active, false);
  });

  test("RFC 8628 §6.1: case, spaces and dashes of a typed code mean nothing, nor do wide letters", async () => {
    const device = await createDevice(writ());
    const { user_code: userCode } = await newCodes(writ(), device);
    const challenge = await goToDevice(openUserAgent(writ()));
    const bare = userCode.replace("-", "");
    const wide = [...bare].map((each) => String.fromCodePoint((each.codePointAt(0) ?? 0) + 0xfee0)).join("");
    for (const typed of [userCode, bare, bare.toLowerCase(), [...bare].join(" "), ` ${userCode.replace("-", "–")}.`, wide]) {
      const { status, body } = await deviceApp.get(writ(), challenge, typed);
      assert.deepEqual([status, body.user_code], [200, userCode], typed);
    }
  });

  test("RFC 8628 §5.4: the device app is told whose device it is and what it asks for, before anything is confirmed; no secret is in it", async () => {
    const device = await createDevice(writ(), { client_name: "Kitchen radio", token_endpoint_auth_method: "client_secret_basic" });
    const { user_code: userCode } = await newCodes(writ(), device, { scope: "read" });
    const { body } = await deviceApp.get(writ(), await goToDevice(openUserAgent(writ())), userCode);
    assert.deepEqual([body.client.client_name, body.client.client_secret, body.requested_scope, body.requested_access_token_audience], ["Kitchen radio", undefined, ["read"], []]);
    assert.ok(Date.parse(body.expires_at) > 0);
  });

  test("RFC 8628 §3.3.1: verification_uri_complete brings the code to the device app, and confirms nothing", async () => {
    const device = await createDevice(writ());
    const { device_code: code, verification_uri_complete: uri, user_code: userCode } = await newCodes(writ(), device);
    const agent = openUserAgent(writ());
    const answer = await agent.get(uri);
    const { device_challenge: challenge, user_code: shown } = parametersOf(answer.headers.get("location"));
    assert.deepEqual([answer.status, shown, challenge?.startsWith("writ_dl_")], [302, userCode, true]);
    assert.match(answer.headers.get("location") ?? "", /\/oauth2\/fallbacks\/device\?/);
    assert.deepEqual(errorOf(await poll(writ(), device, code)), [400, "authorization_pending"]);
    const long = await follow(openUserAgent(writ()), `/oauth2/device/verify?user_code=${"x".repeat(101)}`);
    assert.equal(long.user_code, undefined);
    const markup = await agent.get("/oauth2/device/verify?user_code=%3Cb%3E%0d%0aX:y");
    assert.equal(parametersOf(markup.headers.get("location")).user_code, "<b>\r\nX:y");
  });

  test("RFC 8628 §4: metadata names the endpoint and the grant type", async () => {
    const { body } = await send(`${writ().publicUrl}/.well-known/oauth-authorization-server`);
    assert.equal(body.device_authorization_endpoint, "http://127.0.0.1:4444/oauth2/device/auth");
    assert.ok(body.grant_types_supported.includes(DEVICE_GRANT));
  });

  test("hydra.md §3.7: a challenge that is missing, unknown or too old, and a code that is missing, get their errors", async () => {
    const device = await createDevice(writ());
    const challenge = await goToDevice(openUserAgent(writ()));
    const { user_code: userCode } = await newCodes(writ(), device);
    assert.deepEqual(errorOf(await deviceApp.accept(writ(), "", userCode)), [400, "invalid_request"]);
    assert.deepEqual(errorOf(await deviceApp.accept(writ(), "writ_dl_x", userCode)), [404, "Not Found"]);
    for (const code of ["", "-"]) assert.deepEqual(errorOf(await deviceApp.accept(writ(), challenge, code)), [400, "invalid_request"]);
    time.advance(31 * MINUTE);
    assert.deepEqual(errorOf(await deviceApp.accept(writ(), challenge, userCode)), [401, "request_unauthorized"]);
  });

  test("the fallback pages stand in for apps that are not configured", async () => {
    for (const [path, says] of [
      ["/oauth2/fallbacks/device", /URLS_DEVICE_VERIFICATION/],
      ["/oauth2/fallbacks/device/done?client_id=x", /Your device is connected/],
    ] as const) {
      const page = await send(writ().publicUrl + path);
      assert.equal(page.status, 200);
      assert.match(page.text, says);
      assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    }
  });
});

describeWrit(
  "RFC 8628 under compat: hydra",
  {
    config: {
      compat: "hydra",
      urls: { self: { issuer: "http://127.0.0.1:4444" }, device: { verification: "https://app.example/device?x=1", success: "https://app.example/done" } },
    },
  },
  (writ) => {
    test("hydra.md §2.4, §2.5: prefix ory_dc_, 8 characters without a dash, invalid_grant for a client without the grant; the configured apps are visited", async () => {
      const device = await createDevice(writ());
      const { device_code: code, user_code: userCode } = await newCodes(writ(), device);
      assert.match(code, /^ory_dc_/);
      assert.match(userCode, /^[A-Z2-9]{8}$/);
      const other = await createDevice(writ(), { grant_types: ["authorization_code"] });
      assert.deepEqual(errorOf(await authorizeDevice(writ(), other)), [400, "invalid_grant"]);
      const agent = openUserAgent(writ());
      const { headers } = await agent.get(`/oauth2/device/verify?user_code=${userCode}`);
      assert.match(headers.get("location") ?? "", /^https:\/\/app\.example\/device\?x=1&device_challenge=ory_dl_[\w-]+&user_code=[A-Z2-9]{8}$/);
      const done = await approve(writ(), agent, userCode);
      assert.equal(done.headers.get("location"), `https://app.example/done?client_id=${device.client_id}`);
      assert.equal((await poll(writ(), device, code)).status, 200);
    });

    test("hydra.md §7.4: a remembered consent is skipped for a confidential device, never for a public one", async () => {
      for (const [method, skips] of [
        ["client_secret_basic", true],
        ["none", false],
      ] as const) {
        const device = await createDevice(writ(), { token_endpoint_auth_method: method });
        const subject = newSubject();
        await approve(writ(), openUserAgent(writ()), (await newCodes(writ(), device)).user_code, { login: { subject }, consent: { remember: true } });
        const challenge = await goToDeviceConsent(writ(), openUserAgent(writ()), (await newCodes(writ(), device)).user_code, { subject });
        assert.equal((await consentApp.get(writ(), challenge)).body.skip, skips);
      }
    });
  },
  ["direct"],
);

for (const [userCode, shape] of [
  [{ entropy_preset: "low" }, /^\d{3}-\d{3}-\d{3}$/],
  [{ entropy_preset: "medium" }, /^[A-Z]{4}-[A-Z]{4}$/],
  [{ length: 7, character_set: "abcdefgh" }, /^[a-h]{7}$/],
] as const)
  describeWrit(
    `user codes as configured: ${JSON.stringify(userCode)}`,
    { config: { oauth2: { device_authorization: { user_code: userCode, token_polling_interval: "7s" } }, ttl: { device_user_code: "5m" } } },
    (writ) => {
      test("RFC 8628 §3.2: shape, interval and lifetime are those of the configuration, and a code works in either case", async () => {
        const device = await createDevice(writ());
        const codes = await newCodes(writ(), device);
        assert.match(codes.user_code, shape);
        assert.deepEqual([codes.interval, codes.expires_in], [7, 300]);
        const { body } = await deviceApp.get(writ(), await goToDevice(openUserAgent(writ())), codes.user_code.toUpperCase());
        assert.equal(body.user_code, codes.user_code);
        await approve(writ(), openUserAgent(writ()), codes.user_code.toUpperCase());
        assert.equal((await poll(writ(), device, codes.device_code)).status, 200);
      });
    },
    ["direct"],
  );
