import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createLocalJWKSet, type JWTPayload, jwtVerify } from "jose";
import { DAY, HOUR, MINUTE, makeTestClock } from "./harness/clock.ts";
import { introspect, postForm, send, sendJson } from "./harness/http.ts";
import { consentApp, createRp, finishFlow, goToConsent, ISSUER_URL, newSubject, openUserAgent, parametersOf, type Rp, redeem } from "./harness/user-agent.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

const time = makeTestClock();

/** Every response type, and whether it gives a code, an access token and an ID token. */
const TYPES = [
  ["code", true, false, false],
  ["id_token", false, false, true],
  ["id_token token", false, true, true],
  ["token", false, true, false],
  ["code id_token", true, false, true],
  ["code token", true, true, false],
  ["code id_token token", true, true, true],
] as const;
const IN_FRONT = TYPES.filter(([, , accessToken, idToken]) => accessToken || idToken);
const NONCE = "n-0S6_WzA2Mj";

/** A client that is registered for all of them. */
const newRp = (writ: Writ, metadata: object = {}): Promise<Rp> =>
  createRp(writ, {
    grant_types: ["authorization_code", "implicit", "refresh_token"],
    response_types: TYPES.map(([type]) => type),
    scope: "openid offline_access read profile email",
    ...metadata,
  });

const half = (hash: string, value: string): string => {
  const digest = createHash(hash).update(value).digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
};

/** The claims of an ID token that a client would take for good. */
const verified = async (writ: Writ, jwt: string, rp: Rp): Promise<JWTPayload> => {
  const keys = createLocalJWKSet((await send(`${writ.publicUrl}/.well-known/jwks.json`)).body);
  return (await jwtVerify(jwt, keys, { issuer: ISSUER_URL, audience: rp.client.client_id, currentDate: new Date(time.clock()), clockTolerance: 5 })).payload;
};

const isActive = async (writ: Writ, token: string): Promise<boolean> => (await introspect(writ, token)).active;
const userinfo = (writ: Writ, token: string) => send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } });

describeWrit("response types", { clock: time.clock }, (writ) => {
  const run = (rp: Rp, more: Record<string, string | undefined>, answers = {}) =>
    finishFlow(writ(), openUserAgent(writ()), rp.request({ nonce: NONCE, scope: "openid read", ...more }), answers);
  /** What a request comes to before any login. */
  const ask = async (url: string) => {
    const location = (await openUserAgent(writ()).get(url)).headers.get("location") ?? "";
    const parameters: Readonly<Record<string, string | undefined>> = parametersOf(location);
    return { location, parameters };
  };

  for (const [type, givesCode, givesToken, givesIdToken] of TYPES)
    test(`OIDC Core §3.2.2.5, §3.3.2.5, RFC 6749 §4.2.2, RFC 9207 §2: ${type}: the answer holds what its name says, the state and the issuer, by the default mode`, async () => {
      const rp = await newRp(writ());
      const subject = newSubject();
      const browser = openUserAgent(writ());
      const consent = await goToConsent(writ(), browser, rp.request({ response_type: type, nonce: NONCE, scope: "openid read" }), { subject });
      const accepted = await consentApp.accept(writ(), consent, { grant_scope: ["openid", "read"] });
      const { status, headers } = await browser.get(accepted.body.redirect_to);
      const location = headers.get("location") ?? "";
      assert.equal(status, 303);
      assert.equal(headers.get("cache-control"), "no-store");
      assert.ok(location.startsWith(`${rp.redirectUri}${type === "code" ? "?" : "#"}`), location);
      const { code = "", access_token: token = "", id_token: idToken = "", ...rest } = parametersOf(location);
      assert.deepEqual([code !== "", token !== "", idToken !== ""], [givesCode, givesToken, givesIdToken]);
      assert.deepEqual(rest, {
        ...(givesToken ? { token_type: "Bearer", expires_in: "3600" } : {}),
        ...(givesCode || givesToken ? { scope: "openid read" } : {}),
        state: "a state that comes back",
        iss: ISSUER_URL,
      });
      if (givesIdToken) {
        const claims = await verified(writ(), idToken, rp);
        assert.deepEqual(
          [claims.sub, claims.nonce, claims.at_hash, claims.c_hash, claims.s_hash],
          [subject, NONCE, givesToken ? half("sha256", token) : undefined, givesCode ? half("sha256", code) : undefined, half("sha256", "a state that comes back")],
        );
        assert.equal(typeof claims.auth_time, "number");
      }
      if (givesToken) {
        const { active, sub, scope, client_id, iat, exp } = await introspect(writ(), token);
        assert.deepEqual([active, sub, scope, client_id, exp - iat], [true, subject, "openid read", rp.client.client_id, 3600]);
        assert.equal((await userinfo(writ(), token)).body.sub, subject);
      }
      if (!givesCode) return;
      const { status: redeemed, body } = await redeem(writ(), rp, code);
      assert.equal(redeemed, 200, JSON.stringify(body));
      const second = await verified(writ(), body.id_token, rp);
      assert.deepEqual([second.sub, second.nonce, second.c_hash, second.s_hash, second.at_hash], [subject, NONCE, undefined, undefined, half("sha256", body.access_token)]);
      if (givesToken) assert.deepEqual([await isActive(writ(), token), await isActive(writ(), body.access_token)], [true, true]);
    });

  test("RFC 6749 §3.1.1: the words of a response type are a set, in requests and in metadata; a word twice is the word", async () => {
    const rp = await newRp(writ(), { response_types: ["token code id_token"] });
    const answer = await run(rp, { response_type: "id_token token  code token" });
    assert.ok(answer.code && answer.access_token && answer.id_token);
    assert.equal((await ask(rp.request({ response_type: "code", nonce: NONCE }))).parameters.error, "unauthorized_client");
  });

  test("OIDC Core §3.2.2.1, §3.3.2.11: an ID token in the answer needs a nonce; code and code token do not", async () => {
    const rp = await newRp(writ());
    for (const [type, , , givesIdToken] of TYPES) {
      const { location, parameters } = await ask(rp.request({ response_type: type, scope: "openid read" }));
      assert.equal(parameters.error, givesIdToken ? "invalid_request" : undefined, type);
      if (!givesIdToken) continue;
      assert.match(parameters.error_description ?? "", /'nonce'/);
      assert.deepEqual([parameters.state, parameters.iss, location.startsWith(`${rp.redirectUri}#`)], ["a state that comes back", ISSUER_URL, true]);
    }
    const claims = await verified(writ(), (await redeem(writ(), rp, (await run(rp, { response_type: "code token", nonce: undefined })).code ?? "")).body.id_token, rp);
    assert.equal(claims.nonce, undefined);
  });

  test("OIDC Core §3.1.2.1: an ID token needs the scope openid: asked for, or the request is wrong; granted, or access is denied and nothing is issued", async () => {
    const rp = await newRp(writ());
    for (const [type, , , givesIdToken] of IN_FRONT) {
      const { parameters } = await ask(rp.request({ response_type: type, nonce: NONCE, scope: "read" }));
      assert.equal(parameters.error, givesIdToken ? "invalid_request" : undefined, type);
      if (givesIdToken) assert.match(parameters.error_description ?? "", /'scope'/);
      const answer = await run(rp, { response_type: type }, { consent: { grant_scope: ["read"] } });
      assert.deepEqual([answer.error, answer.access_token !== undefined], givesIdToken ? ["access_denied", false] : [undefined, true], type);
      if (givesIdToken) assert.deepEqual([answer.code, answer.id_token], [undefined, undefined]);
    }
  });

  test("OAuth 2.0 Multiple Response Types §5: query is refused for all that holds tokens, and the refusal comes in the fragment; errors too never come in the query", async () => {
    const rp = await newRp(writ());
    for (const [type] of IN_FRONT) {
      const refused = await ask(rp.request({ response_type: type, nonce: NONCE, scope: "openid", response_mode: "query" }));
      assert.deepEqual([refused.parameters.error, refused.parameters.state], ["unsupported_response_mode", "a state that comes back"], type);
      assert.ok(refused.location.startsWith(`${rp.redirectUri}#error=`), refused.location);
      const wrong = await ask(rp.request({ response_type: type, nonce: NONCE, scope: "admin" }));
      assert.ok(wrong.location.startsWith(`${rp.redirectUri}#error=invalid_scope`), wrong.location);
      const rejected = await consentApp.reject(writ(), await goToConsent(writ(), openUserAgent(writ()), rp.request({ response_type: type, nonce: NONCE, scope: "openid" })));
      assert.equal(rejected.status, 200);
    }
    const unknown = await ask(rp.request({ response_type: "token banana", response_mode: "query" }));
    assert.ok(unknown.location.startsWith(`${rp.redirectUri}#error=unsupported_response_type`), unknown.location);
    assert.ok((await ask(rp.request({ response_type: undefined, response_mode: "query" }))).location.startsWith(`${rp.redirectUri}?error=invalid_request`));
  });

  test("RFC 6749 §4.2.2.1: a rejected consent ends in access_denied in the fragment, and there are no tokens", async () => {
    const rp = await newRp(writ());
    for (const [type] of IN_FRONT) {
      const browser = openUserAgent(writ());
      const rejected = await consentApp.reject(writ(), await goToConsent(writ(), browser, rp.request({ response_type: type, nonce: NONCE, scope: "openid" })));
      const location = (await browser.get(rejected.body.redirect_to)).headers.get("location") ?? "";
      assert.ok(location.startsWith(`${rp.redirectUri}#error=access_denied`), location);
      assert.deepEqual(Object.keys(parametersOf(location)).toSorted(), ["error", "error_description", "iss", "state"]);
    }
  });

  test("Form Post Response Mode §2: every response type is answered by a form too, with the same parameters, and errors are", async () => {
    const rp = await newRp(writ());
    for (const [type, givesCode, givesToken, givesIdToken] of TYPES) {
      const browser = openUserAgent(writ());
      const url = rp.request({ response_type: type, response_mode: "form_post", nonce: NONCE, scope: "openid" });
      const accepted = await consentApp.accept(writ(), await goToConsent(writ(), browser, url), { grant_scope: ["openid"] });
      const { status, text, headers } = await browser.get(accepted.body.redirect_to);
      const names = [...text.matchAll(/<input type="hidden" name="(\w+)"/g)].map(([, name = ""]) => name);
      assert.deepEqual([status, headers.get("cache-control"), headers.get("location")], [200, "no-store", null], type);
      assert.deepEqual(
        names,
        [
          ...(givesCode ? ["code"] : []),
          ...(givesToken ? ["access_token", "token_type", "expires_in"] : []),
          ...(givesCode || givesToken ? ["scope"] : []),
          ...(givesIdToken ? ["id_token"] : []),
          ..."state iss".split(" "),
        ],
        type,
      );
      const wrong = await openUserAgent(writ()).get(rp.request({ response_type: type, response_mode: "form_post", nonce: NONCE, scope: "admin" }));
      assert.match(wrong.text, /name="error" value="invalid_scope"/, type);
    }
  });

  test("OIDC Registration §2: a client needs the grant types of what it asks for, and the response type itself", async () => {
    for (const [grantTypes, allowed] of [
      [["implicit"], ["id_token", "id_token token", "token"]],
      [["authorization_code"], ["code"]],
      [["authorization_code", "implicit"], TYPES.map(([type]) => type)],
      [[], ["code"]],
    ] as const) {
      const rp = await newRp(writ(), { grant_types: grantTypes });
      for (const [type] of TYPES) {
        const { parameters } = await ask(rp.request({ response_type: type, nonce: NONCE, scope: "openid" }));
        assert.equal(parameters.error, (allowed as readonly string[]).includes(type) ? undefined : "unauthorized_client", `${grantTypes} ${type}`);
      }
    }
    const none = await createRp(writ(), { grant_types: ["authorization_code", "implicit"], response_types: [] });
    assert.equal((await ask(none.request({ response_type: "token", nonce: NONCE }))).parameters.error, "unauthorized_client", "no response_types are code alone");
  });

  test("RFC 6749 §4.2.2: tokens of a client whose implicit grant was taken away while the flow was open are not given", async () => {
    const rp = await newRp(writ());
    const browser = openUserAgent(writ());
    const accepted = await consentApp.accept(writ(), await goToConsent(writ(), browser, rp.request({ response_type: "token" })), { grant_scope: ["read"] });
    const patched = await sendJson(writ(), "PATCH", `/admin/clients/${rp.client.client_id}`, [{ op: "replace", path: "/grant_types", value: ["authorization_code"] }]);
    assert.equal(patched.status, 200);
    const { error, access_token: token } = parametersOf((await browser.get(accepted.body.redirect_to)).headers.get("location"));
    assert.deepEqual([error, token], ["unauthorized_client", undefined]);
  });

  test("RFC 7636 §4.4.1: PKCE is for what gives a code: a public client needs it there and nowhere else", async () => {
    const rp = await newRp(writ(), { token_endpoint_auth_method: "none" });
    for (const [type, givesCode] of TYPES) {
      const { parameters } = await ask(rp.request({ response_type: type, nonce: NONCE, scope: "openid" }));
      assert.equal(parameters.error, givesCode ? "invalid_request" : undefined, type);
      if (givesCode) assert.match(parameters.error_description ?? "", /'code_challenge'/);
    }
  });

  test("OIDC Core §11, RFC 6749 §4.2: no refresh token comes by the front, and offline_access is not even asked for without a code; the code of a hybrid flow buys one", async () => {
    const rp = await newRp(writ());
    for (const [type, givesCode] of IN_FRONT) {
      const browser = openUserAgent(writ());
      const challenge = await goToConsent(writ(), browser, rp.request({ response_type: type, nonce: NONCE, scope: "openid offline_access read" }));
      const { body: asked } = await consentApp.get(writ(), challenge);
      assert.deepEqual(asked.requested_scope, givesCode ? ["openid", "offline_access", "read"] : ["openid", "read"], type);
      const accepted = await consentApp.accept(writ(), challenge, { grant_scope: ["openid", "offline_access", "read"] });
      const answer = parametersOf((await browser.get(accepted.body.redirect_to)).headers.get("location"));
      assert.equal(answer.refresh_token, undefined);
      if (!givesCode) continue;
      const { body } = await redeem(writ(), rp, answer.code ?? "");
      assert.match(body.refresh_token, /^writ_rt_/, type);
    }
  });

  test("RFC 7009 §2.1, RFC 6749 §4.1.2: a token of the front ends with its grant: revoked itself, by the consent, by a code that is brought twice", async () => {
    const rp = await newRp(writ());
    const revoke = (token: string) => postForm(`${writ().publicUrl}/oauth2/revoke`, { token }, { basic: [rp.client.client_id, rp.client.client_secret] });
    const implicit = await run(rp, { response_type: "token" });
    assert.equal((await revoke(implicit.access_token ?? "")).status, 200);
    assert.equal(await isActive(writ(), implicit.access_token ?? ""), false);

    const hybrid = await run(rp, { response_type: "code token" });
    await revoke(hybrid.access_token ?? "");
    assert.equal((await redeem(writ(), rp, hybrid.code ?? "")).body.error, "invalid_grant", "the code went with it");

    const subject = newSubject();
    const consented = await run(rp, { response_type: "id_token token" }, { login: { subject } });
    assert.equal((await sendJson(writ(), "GET", `/admin/oauth2/auth/sessions/consent?subject=${subject}`)).body.length, 1);
    assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/consent?subject=${subject}&all=true`)).status, 204);
    assert.equal(await isActive(writ(), consented.access_token ?? ""), false);

    const replayed = await run(rp, { response_type: "code id_token token" });
    const { body } = await redeem(writ(), rp, replayed.code ?? "");
    assert.equal((await redeem(writ(), rp, replayed.code ?? "")).body.error, "invalid_grant");
    assert.deepEqual([await isActive(writ(), replayed.access_token ?? ""), await isActive(writ(), body.access_token)], [false, false]);

    const swept = await run(rp, { response_type: "token" });
    await sendJson(writ(), "DELETE", `/admin/oauth2/tokens?client_id=${rp.client.client_id}`);
    assert.equal(await isActive(writ(), swept.access_token ?? ""), false);
  });

  test("DESIGN §3: a consent verifier gives tokens once: brought again, also at the same moment, it is access_denied", async () => {
    const rp = await newRp(writ());
    for (const [type] of IN_FRONT) {
      const browser = openUserAgent(writ());
      const accepted = await consentApp.accept(writ(), await goToConsent(writ(), browser, rp.request({ response_type: type, nonce: NONCE, scope: "openid" })), {
        grant_scope: ["openid"],
      });
      const jar = new Map(browser.cookies);
      const answers = await Promise.all(
        Array.from({ length: 4 }, async () => parametersOf((await openUserAgent(writ(), jar).get(accepted.body.redirect_to)).headers.get("location"))),
      );
      assert.deepEqual(answers.map(({ error = "" }) => error).toSorted(), ["", "access_denied", "access_denied", "access_denied"], type);
      const stranger = parametersOf((await openUserAgent(writ()).get(accepted.body.redirect_to)).headers.get("location"));
      assert.deepEqual([stranger.error, stranger.access_token, stranger.id_token], ["access_denied", undefined, undefined]);
    }
  });

  test("hydra.md §4.2: what comes by the front lives as long as the client's implicit lifespans say, what the code buys by its own", async () => {
    const rp = await newRp(writ(), {
      implicit_grant_access_token_lifespan: "10m0s",
      implicit_grant_id_token_lifespan: "5m0s",
      authorization_code_grant_access_token_lifespan: "2h0m0s",
    });
    const answer = await run(rp, { response_type: "code id_token token" });
    const claims = await verified(writ(), answer.id_token ?? "", rp);
    assert.deepEqual([answer.expires_in, (claims.exp ?? 0) - (claims.iat ?? 0)], ["600", 300]);
    const { body } = await redeem(writ(), rp, answer.code ?? "");
    assert.equal(body.expires_in, 7200);
    time.advance(11 * MINUTE);
    assert.deepEqual([await isActive(writ(), answer.access_token ?? ""), await isActive(writ(), body.access_token)], [false, true]);
    const long = await newRp(writ(), { implicit_grant_access_token_lifespan: "48h0m0s" });
    const { access_token: token = "" } = await run(long, { response_type: "token" });
    time.advance(DAY + 23 * HOUR);
    assert.equal(await isActive(writ(), token), true, "the grant lives as long as its last token");
    time.advance(2 * HOUR);
    assert.equal(await isActive(writ(), token), false);
  });

  test("RFC 6749 §4.1.2: the code of a hybrid flow expires by itself; the access token that came with it lives on", async () => {
    const rp = await newRp(writ());
    const answer = await run(rp, { response_type: "code token" });
    time.advance(2 * MINUTE);
    assert.equal((await redeem(writ(), rp, answer.code ?? "")).body.error, "invalid_grant");
    assert.equal(await isActive(writ(), answer.access_token ?? ""), true);
  });

  test("OIDC Core §3.3.2.11: hashes are by the algorithm of the ID token: SHA-384 beside ES384, half of SHA-512 beside EdDSA", async () => {
    for (const [alg, hash] of [
      ["ES384", "sha384"],
      ["EdDSA", "sha512"],
    ] as const) {
      const rp = await newRp(writ(), { id_token_signed_response_alg: alg });
      const state = 'ß "state" %26+&=#<\'>';
      const { code = "", access_token: token = "", id_token: idToken = "", ...rest } = await run(rp, { response_type: "code id_token token", state });
      const claims = await verified(writ(), idToken, rp);
      assert.deepEqual([claims.c_hash, claims.at_hash, claims.s_hash, rest.state], [half(hash, code), half(hash, token), half(hash, state), state]);
      const { id_token: stateless = "" } = await run(rp, { response_type: "id_token", state: undefined });
      assert.equal((await verified(writ(), stateless, rp)).s_hash, undefined);
    }
  });

  test("RFC 9068 §2.1: a client with JWT access tokens gets them by the front too, and they end with the grant", async () => {
    const rp = await newRp(writ(), { access_token_strategy: "jwt" });
    const { access_token: token = "", id_token: idToken = "" } = await run(rp, { response_type: "id_token token" });
    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.equal((await verified(writ(), idToken, rp)).at_hash, half("sha256", token));
    assert.equal(await isActive(writ(), token), true);
    await postForm(`${writ().publicUrl}/oauth2/revoke`, { token }, { basic: [rp.client.client_id, rp.client.client_secret] });
    assert.equal(await isActive(writ(), token), false);
  });

  test("RFC 8252 §8.6: tokens in the answer itself go to an address that others could have too with no remembered consent: the person is asked again", async () => {
    const rp = await newRp(writ(), { redirect_uris: ["com.example.app:/cb", "https://rp.example/cb"] });
    const subject = newSubject();
    const browser = openUserAgent(writ());
    const request = { nonce: NONCE, scope: "openid" };
    await finishFlow(writ(), browser, rp.request(request), { login: { subject, remember: true }, consent: { remember: true } });
    const skip = async (more: Record<string, string>) =>
      (await consentApp.get(writ(), await goToConsent(writ(), browser, rp.request({ ...request, ...more }), { subject }))).body.skip;
    assert.equal(await skip({ response_type: "token" }), true);
    assert.equal(await skip({ redirect_uri: "com.example.app:/cb" }), true, "a code needs the secret too");
    assert.equal(await skip({ redirect_uri: "com.example.app:/cb", response_type: "token" }), false);
  });

  test("OIDC Discovery §3: what is there is advertised", async () => {
    const { body } = await send(`${writ().publicUrl}/.well-known/openid-configuration`);
    assert.deepEqual(body.response_types_supported, ["code", "id_token", "id_token token", "token", "code id_token", "code token", "code id_token token"]);
    assert.deepEqual(body.response_modes_supported, ["query", "fragment", "form_post"]);
    assert.ok(body.grant_types_supported.includes("implicit"));
    for (const name of ["c_hash", "s_hash", "email", "address", "phone_number_verified", "birthdate"]) assert.ok(body.claims_supported.includes(name), name);
    for (const scope of ["profile", "email", "address", "phone"]) assert.ok(body.scopes_supported.includes(scope), scope);
    const implicit = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "implicit" });
    assert.equal(implicit.body.error, "unsupported_grant_type", "which has no token request");
  });
});

describeWrit(
  "response types under compat: hydra",
  { config: { compat: "hydra" } },
  (writ) => {
    test("hydra.md §2.1, §8.3: token_type is bearer, aud and lifetimes are Hydra's; what is not registered is unsupported; openid that was not granted is too", async () => {
      const rp = await newRp(writ(), { scope: "openid offline_access read" });
      const state = "a state that comes back";
      const answer = await finishFlow(writ(), openUserAgent(writ()), rp.request({ response_type: "token id_token", nonce: "12345678", scope: "openid read", state }));
      const { access_token: token = "", id_token: idToken = "", ...rest } = answer;
      assert.match(token, /^ory_at_/);
      assert.ok(idToken);
      assert.deepEqual(rest, { token_type: "bearer", expires_in: "3600", scope: "openid read", state, iss: ISSUER_URL });
      const denied = await finishFlow(writ(), openUserAgent(writ()), rp.request({ response_type: "id_token", nonce: "12345678", scope: "openid" }), {
        consent: { grant_scope: [] },
      });
      assert.equal(denied.error, "unsupported_response_type");
      const other = await createRp(writ());
      const { headers } = await openUserAgent(writ()).get(other.request({ response_type: "token", nonce: "12345678" }));
      assert.equal(parametersOf(headers.get("location")).error, "unsupported_response_type");
    });
  },
  ["direct"],
);
