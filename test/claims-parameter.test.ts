import assert from "node:assert/strict";
import { test } from "node:test";
import { HOUR, makeTestClock } from "./harness/clock.ts";
import { send } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import {
  consentApp,
  createRp,
  finishFlow,
  getTokens,
  goToConsent,
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
import { describeWrit, type Writ } from "./harness/writ.ts";

const time = makeTestClock();
const NONCE = "n-0S6_WzA2Mj";
/** What a consent app knows of somebody: more than anybody asks for. */
const KNOWN = {
  name: "Alice Doe",
  "name#de": "Frau Doe",
  birthdate: "2000-01-31",
  email: "alice@people.example",
  email_verified: true,
  phone_number: "+1 555 0100",
  address: { country: "Atlantis" },
  groups: ["staff"],
};
/** Which of them an ID token or a userinfo answer tells. */
const told = (claims: object): string[] => Object.keys(claims).filter((name) => Object.hasOwn(KNOWN, name));

const newRp = (writ: Writ, metadata: object = {}): Promise<Rp> =>
  createRp(writ, {
    grant_types: ["authorization_code", "implicit", "refresh_token"],
    response_types: ["code", "id_token", "id_token token", "code id_token"],
    scope: "openid offline_access profile email address phone",
    ...metadata,
  });

/** Asks with `claims`; the consent app attaches all that it knows. */
const ask = async (writ: Writ, rp: Rp, more: Record<string, string>, claims: object = {}) => {
  const request = rp.request({ nonce: NONCE, scope: "openid", ...(Object.keys(claims).length === 0 ? {} : { claims: JSON.stringify(claims) }), ...more });
  const answer = await finishFlow(writ, openUserAgent(writ), request, { consent: { session: { id_token: KNOWN } } });
  const redeemed = answer.code === undefined ? undefined : (await redeem(writ, rp, answer.code)).body;
  const idToken = answer.id_token ?? redeemed?.id_token ?? "";
  const accessToken = redeemed?.access_token ?? answer.access_token;
  const userinfo = accessToken === undefined ? undefined : (await send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } })).body;
  return { idToken: told(claimsOf(idToken)), userinfo: userinfo === undefined ? undefined : told(userinfo), redeemed };
};

describeWrit("claims that are asked for", { clock: time.clock }, (writ) => {
  const agent = () => openUserAgent(writ());
  const locationOf = async (browser: UserAgent, url: string): Promise<Readonly<Record<string, string | undefined>>> =>
    parametersOf((await browser.get(url)).headers.get("location"));
  const withClaims = (rp: Rp, claims: object, more: Record<string, string> = {}) => rp.request({ scope: "openid", claims: JSON.stringify(claims), ...more });

  test("OIDC Core §5.4: what scopes ask for goes to userinfo, into the ID token only where nothing else is issued; what no scope asks for is not told, and what is no standard claim is told in both", async () => {
    const rp = await newRp(writ());
    for (const [scope, names] of [
      ["openid", []],
      ["openid profile", ["name", "name#de", "birthdate"]],
      ["openid email", ["email", "email_verified"]],
      ["openid address", ["address"]],
      ["openid phone", ["phone_number"]],
      ["openid profile email address phone", ["name", "name#de", "birthdate", "email", "email_verified", "phone_number", "address"]],
    ] as const) {
      for (const type of ["code", "id_token token", "code id_token"]) {
        const { idToken, userinfo } = await ask(writ(), rp, { response_type: type, scope });
        assert.deepEqual([idToken, userinfo], [["groups"], [...names, "groups"]], `${type} ${scope}`);
      }
      const alone = await ask(writ(), rp, { response_type: "id_token", scope });
      assert.deepEqual(alone.idToken, [...names, "groups"], scope);
    }
  });

  test("OIDC Core §5.5: a claim that is asked for comes to where it is asked for, and not elsewhere; one that the app has no value for is left out", async () => {
    const rp = await newRp(writ());
    for (const [claims, idToken, userinfo] of [
      [{ userinfo: { name: { essential: true } } }, ["groups"], ["name", "groups"]],
      [{ id_token: { name: { essential: true } } }, ["name", "groups"], ["groups"]],
      [{ id_token: { email: null }, userinfo: { email: null, nickname: { essential: true } } }, ["email", "groups"], ["email", "groups"]],
      [{ userinfo: { groups: null } }, [], ["groups"]],
      [{ id_token: { groups: null } }, ["groups"], []],
      [{ userinfo: { "name#de": null } }, ["groups"], ["name#de", "groups"]],
      [{ userinfo: { email: { value: "other@people.example" } } }, ["groups"], ["email", "groups"]],
    ] as const)
      for (const type of ["code", "id_token token"]) {
        const answer = await ask(writ(), rp, { response_type: type }, claims);
        assert.deepEqual([answer.idToken, answer.userinfo], [idToken, userinfo], `${type} ${JSON.stringify(claims)}`);
      }
    assert.deepEqual((await ask(writ(), rp, { response_type: "id_token" }, { id_token: { name: { essential: true } } })).idToken, ["name", "groups"]);
    const both = await ask(writ(), rp, { scope: "openid email" }, { id_token: { email: null } });
    assert.deepEqual(
      [both.idToken, both.userinfo],
      [
        ["email", "groups"],
        ["email", "email_verified", "groups"],
      ],
    );
  });

  test("OIDC Core §5.5, RFC 6749 §6: a refresh keeps what was asked for; an access token with fewer scopes opens less at userinfo", async () => {
    const rp = await newRp(writ());
    const { redeemed } = await ask(writ(), rp, { scope: "openid offline_access email" }, { id_token: { name: null } });
    const { body } = await refresh(writ(), rp, redeemed.refresh_token, { scope: "openid" });
    assert.deepEqual(told(claimsOf(body.id_token)), ["name", "groups"]);
    const { body: info } = await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` } });
    assert.deepEqual(told(info), ["groups"]);
  });

  test("OIDC Core §5.5: login and consent app see what is asked for, and the request's URL has it; acr_values are those of claims where it names some", async () => {
    const rp = await newRp(writ());
    const claims = { id_token: { acr: { values: ["gold", "silver"] }, name: null }, userinfo: { email: { essential: true } } };
    const browser = agent();
    const challenge = await goToLogin(browser, withClaims(rp, claims, { acr_values: "bronze" }));
    const { body: login } = await loginApp.get(writ(), challenge);
    assert.deepEqual(login.oidc_context, { acr_values: ["gold", "silver"], claims });
    assert.deepEqual(JSON.parse(parametersOf(login.request_url).claims ?? ""), claims);
    const accepted = await loginApp.accept(writ(), challenge, { acr: "silver" });
    const { consent_challenge: consentChallenge = "" } = await locationOf(browser, accepted.body.redirect_to);
    const { body: consent } = await consentApp.get(writ(), consentChallenge);
    assert.deepEqual([consent.oidc_context, consent.acr], [{ acr_values: ["gold", "silver"], claims }, "silver"]);
    const plain = await loginApp.get(writ(), await goToLogin(browser, withClaims(rp, claims, { scope: "email" })));
    assert.deepEqual(plain.body.oidc_context, {}, "without openid it is no request of OpenID Connect");
  });

  test("OIDC Core §5.5: what is malformed, or asks userinfo for what no access token can ask, is invalid_request", async () => {
    const rp = await newRp(writ());
    for (const [more, description] of [
      [{ claims: "{" }, /'claims' is no JSON/],
      [{ claims: "[]" }, /'claims'/],
      [{ claims: '{"id_token":{"name":1}}' }, /'name'/],
      [{ claims: `{"id_token":{"a":{"value":"${"x".repeat(5000)}"}}}` }, /'claims'/],
      [{ claims: '{"userinfo":{"name":null}}', response_type: "id_token" }, /'claims'/],
    ] as const) {
      const answer = await locationOf(agent(), rp.request({ scope: "openid", nonce: NONCE, ...more }));
      assert.deepEqual([answer.error, answer.state], ["invalid_request", "a state that comes back"]);
      assert.match(answer.error_description ?? "", description);
    }
    const twice = await locationOf(agent(), `${rp.request({ scope: "openid", claims: "{}" })}&claims=%7B%7D`);
    assert.equal(twice.error, "invalid_request");
    const large = { id_token: Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`claim-${i}-${"x".repeat(25)}`, null])) };
    assert.equal((await locationOf(agent(), withClaims(rp, large))).error, "invalid_request", "more than a challenge can hold");
  });

  test("OIDC Core §3.1.2.2, §5.5.1: a sub with a value is that person or nobody: the session of another does not count, and a login of another is login_required", async () => {
    const rp = await newRp(writ());
    const [alice, bob] = [newSubject(), newSubject()];
    const browser = agent();
    await finishFlow(writ(), browser, rp.request({ scope: "openid" }), { login: { subject: alice, remember: true }, consent: { remember: true } });
    const own = await finishFlow(writ(), browser, withClaims(rp, { id_token: { sub: { value: alice } } }, { prompt: "none" }), { login: { subject: alice } });
    assert.ok(own.code);
    for (const [value, error] of [
      [alice.toUpperCase(), "login_required"],
      [1, "login_required"],
      [null, "login_required"],
    ] as const)
      assert.equal((await locationOf(browser, withClaims(rp, { id_token: { sub: { value } } }, { prompt: "none" }))).error, error, String(value));
    for (const claims of [{ id_token: { sub: { value: bob } } }, { id_token: { sub: { values: [bob, "x"] } } }, { userinfo: { sub: { value: bob } } }]) {
      assert.equal((await locationOf(browser, withClaims(rp, claims, { prompt: "none" }))).error, "login_required", JSON.stringify(claims));
      const challenge = await goToLogin(browser, withClaims(rp, claims));
      assert.equal((await loginApp.get(writ(), challenge)).body.skip, false);
      const wrong = await loginApp.accept(writ(), challenge, { subject: alice });
      const answer = await locationOf(browser, wrong.body.redirect_to);
      assert.deepEqual([answer.error, answer.consent_challenge], ["login_required", undefined]);
      const right = await loginApp.accept(writ(), challenge, { subject: bob });
      assert.ok((await locationOf(agent(), right.body.redirect_to)).error, "another browser's");
      assert.ok((await locationOf(browser, right.body.redirect_to)).consent_challenge);
    }
  });

  test("OIDC Core §5.5.1.1: an essential acr is met or the login has failed; a voluntary one is what it is; a session of a lower class does not stand for the login", async () => {
    const rp = await newRp(writ());
    const subject = newSubject();
    const browser = agent();
    await finishFlow(writ(), browser, rp.request({ scope: "openid" }), { login: { subject, remember: true, acr: "silver" }, consent: { remember: true } });
    const gold = { id_token: { acr: { essential: true, values: ["gold", "platinum"] } } };
    const silver = { id_token: { acr: { essential: true, value: "silver" } } };
    const voluntary = { id_token: { acr: { values: ["gold"] } } };
    assert.equal((await locationOf(browser, withClaims(rp, gold, { prompt: "none" }))).error, "login_required");
    const challenge = await goToLogin(browser, withClaims(rp, gold));
    assert.equal((await loginApp.get(writ(), challenge)).body.skip, false);
    writ().resetStatements();
    for (const acr of ["silver", "", "GOLD"]) {
      const low = await loginApp.accept(writ(), challenge, { subject, acr });
      const answer = await locationOf(browser, low.body.redirect_to);
      assert.deepEqual([answer.error, answer.state], ["unmet_authentication_requirements", "a state that comes back"], acr);
    }
    assert.equal(writ().statements.filter(({ kind }) => kind === "write").length, 0);
    for (const [claims, login, acr] of [
      [silver, {}, "silver"],
      [voluntary, {}, "silver"],
      [gold, { acr: "platinum", remember: true }, "platinum"],
      [gold, {}, "platinum"],
    ] as const) {
      const { code = "" } = await finishFlow(writ(), browser, withClaims(rp, claims), { login: { subject, ...login } });
      assert.equal(claimsOf((await redeem(writ(), rp, code)).body.id_token).acr, acr, JSON.stringify([claims, login]));
    }
    const lowered = await loginApp.accept(writ(), await goToLogin(browser, withClaims(rp, gold)), { subject, acr: "silver" });
    assert.equal((await locationOf(browser, lowered.body.redirect_to)).error, "unmet_authentication_requirements", "with skip too the app says how");
    const unmet = await getTokens(writ(), rp, { request: { scope: "openid", claims: JSON.stringify(voluntary) } });
    assert.equal(claimsOf(unmet.id_token).acr, "0");
  });

  test("OIDC Core §5.5.1.1: an essential auth_time is there, as it always is, and is that of the login and not of the request", async () => {
    const rp = await newRp(writ());
    const subject = newSubject();
    const browser = agent();
    const request = { scope: "openid", claims: '{"id_token":{"auth_time":{"essential":true}}}' };
    const first = await getTokens(writ(), rp, { agent: browser, request, login: { subject, remember: true } });
    time.advance(HOUR);
    const second = await getTokens(writ(), rp, { agent: browser, request, login: { subject } });
    assert.equal(typeof claimsOf(first.id_token).auth_time, "number");
    assert.equal(claimsOf(second.id_token).auth_time, claimsOf(first.id_token).auth_time);
  });

  test("OIDC Core §3.1.2.4: a remembered consent covers no claim that was not asked for then, unless a scope of it stands for it; what the server says itself needs none", async () => {
    const rp = await newRp(writ());
    const subject = newSubject();
    const browser = agent();
    const remembered = { userinfo: { name: null } };
    await finishFlow(writ(), browser, withClaims(rp, remembered, { scope: "openid email" }), { login: { subject, remember: true }, consent: { remember: true } });
    const skip = async (claims: object) => (await consentApp.get(writ(), await goToConsent(writ(), browser, withClaims(rp, claims), { subject }))).body.skip;
    for (const [claims, covered] of [
      [{}, true],
      [remembered, true],
      [{ id_token: { name: { essential: true } } }, true],
      [{ userinfo: { email: null, email_verified: null } }, true],
      [{ id_token: { acr: null, auth_time: null, sub: { value: subject } } }, true],
      [{ userinfo: { name: null, birthdate: null } }, false],
      [{ id_token: { phone_number: null } }, false],
      [{ userinfo: { groups: null } }, false],
      [{ userinfo: { toString: null } }, false],
    ] as const)
      assert.equal(await skip(claims), covered, JSON.stringify(claims));
    const accepted = await loginApp.accept(writ(), await goToLogin(browser, withClaims(rp, { userinfo: { birthdate: null } }, { prompt: "none" })), { subject });
    assert.equal((await locationOf(browser, accepted.body.redirect_to)).error, "consent_required");
  });

  test("OIDC Core §5.1, §2: by no name does a request make the app's values replace the protocol's claims", async () => {
    const rp = await newRp(writ());
    const subject = newSubject();
    const names = ["iss", "aud", "exp", "nonce", "acr", "sid", "at_hash", "__proto__"];
    const claims = `{"id_token":{${names.map((name) => `"${name}":{"value":"mine"}`)}},"userinfo":{${names.map((name) => `"${name}":null`)}}}`;
    const session = { id_token: Object.fromEntries(["iss", "aud", "exp", "nonce", "acr", "sid", "at_hash"].map((name) => [name, "mine"])) };
    const tokens = await getTokens(writ(), rp, { request: { scope: "openid", claims }, login: { subject }, consent: { session } });
    const { body: info } = await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.equal(JSON.stringify([claimsOf(tokens.id_token), info]).includes("mine"), false);
    assert.equal(claimsOf(tokens.id_token).sub, subject);
  });

  test("OIDC Core §5.5: odd text reaches the apps as text: half a surrogate pair, NUL, names of objects' own members, deep values", async () => {
    const rp = await newRp(writ());
    for (const [claims, seen] of [
      ['{"id_token":{"a\\u0000b":{"value":"\\ud800"}}}', { id_token: { "a\u0000b": { value: "\ufffd" } } }],
      ['{"id_token":{"\\udfff":null}}', { id_token: { "\ufffd": null } }],
      [
        '{"id_token":{"constructor":null,"__proto__":null,"hasOwnProperty":{"values":["x",{"__proto__":1}]}}}',
        { id_token: { constructor: null, hasOwnProperty: { values: ["x", {}] } } },
      ],
      ['{"userinfo":{"a":{"value":[[[[[[[1]]]]]]]}},"id_token":{"b":{"value":1e400}}}', { id_token: { b: { value: null } }, userinfo: { a: { value: [[[[[[[1]]]]]]] } } }],
    ] as const) {
      const browser = agent();
      const challenge = await goToConsent(writ(), browser, rp.request({ scope: "openid", claims }));
      const { status, body } = await consentApp.get(writ(), challenge);
      assert.equal(status, 200, claims);
      assert.equal(JSON.stringify(body.oidc_context.claims), JSON.stringify(seen), claims);
      const accepted = await consentApp.accept(writ(), challenge, { grant_scope: ["openid"], session: { id_token: { level: 1 } } });
      const { code = "" } = await locationOf(browser, accepted.body.redirect_to);
      assert.equal(claimsOf((await redeem(writ(), rp, code)).body.id_token).level, 1, claims);
    }
  });

  test("OIDC Discovery §3: it is advertised", async () => {
    assert.equal((await send(`${writ().publicUrl}/.well-known/openid-configuration`)).body.claims_parameter_supported, true);
  });
});

describeWrit(
  "claims under compat: hydra",
  { config: { compat: "hydra" } },
  (writ) => {
    test("hydra.md §3.5, §4.6: all that the consent app attached goes into ID tokens and to userinfo, whatever was asked for", async () => {
      const rp = await newRp(writ());
      const { idToken, userinfo } = await ask(writ(), rp, {}, { userinfo: { groups: null } });
      assert.deepEqual([idToken, userinfo], [Object.keys(KNOWN), Object.keys(KNOWN)]);
    });
  },
  ["direct"],
);
