import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import { MINUTE } from "./harness/clock.ts";
import { postForm, sendJson } from "./harness/http.ts";
import { makeTestKey, type TestKey } from "./harness/keys.ts";
import { startLogoutReceiver } from "./harness/logout-receiver.ts";
import { type Peer, startPeer } from "./harness/peer.ts";
import { CALLBACK, CLIENT_JWK, type Person, postRegistration, register, registration, type Suite, type SuiteClient, startSuite, unregister } from "./harness/suite.ts";
import { chars, fail, refuse, requestUrl, succeed, userinfoOf, verify } from "./harness/suite-flow.ts";

/** The metadata that IANA has registered, as far as a server without FAPI's extensions has it. */
const REGISTERED = new Set([
  ..."issuer jwks_uri check_session_iframe require_request_uri_registration".split(" "),
  ..."authorization token userinfo registration revocation introspection device_authorization end_session".split(" ").map((name) => `${name}_endpoint`),
  ...["token", "revocation", "introspection"].flatMap((name) => [`${name}_endpoint_auth_methods_supported`, `${name}_endpoint_auth_signing_alg_values_supported`]),
  ...["id_token", "userinfo"].flatMap((name) => ["signing_alg", "encryption_alg", "encryption_enc"].map((each) => `${name}_${each}_values_supported`)),
  ..."scopes response_types response_modes grant_types subject_types claims code_challenge_methods claims_parameter request_parameter request_uri_parameter authorization_response_iss_parameter frontchannel_logout frontchannel_logout_session backchannel_logout backchannel_logout_session request_object_signing_alg_values"
    .split(" ")
    .map((name) => `${name}_supported`),
]);
const PRIVATE_KEY_JWT = { token_endpoint_auth_method: "private_key_jwt" };
const BYE = "https://suite.example/test/a/writ/post_logout_redirect";

describe("the modules of the plans Config, Dynamic, 3rd Party-Init and Logout OP", () => {
  let started: Suite | undefined;
  let peer: Peer;
  let rotated: TestKey;
  const suite = (): Suite => started ?? assert.fail("the server is not running");
  before(async () => {
    [started, peer, rotated] = [await startSuite(), await startPeer(), await makeTestKey("RS256")];
  });
  after(() => Promise.all([started?.close(), peer.close()]));

  /** What the suite signs to show which client it is: a key without `kid`, `iat`, `nbf`, `exp` a minute ahead. */
  const assertion = (client: SuiteClient, { key = client.key, kid, aud = suite().metadata.token_endpoint }: { key?: SuiteClient["key"]; kid?: string; aud?: string } = {}) => {
    const now = Math.floor(suite().time.clock() / 1000);
    const { client_id } = client.record;
    const claims = { iss: client_id, sub: client_id, aud, jti: randomUUID(), iat: now, nbf: now, exp: now + 60 };
    return new SignJWT(claims).setProtectedHeader({ alg: "RS256", ...(kid === undefined ? {} : { kid }) }).sign(key);
  };
  const byAssertion =
    (client: SuiteClient, how: Parameters<typeof assertion>[1] = {}) =>
    async (form: Readonly<Record<string, string>>) =>
      postForm(`${suite().writ.publicUrl}/oauth2/token`, {
        ...form,
        client_assertion: await assertion(client, how),
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      });

  test("oidcc-discovery-endpoint-verification, and those of RP-Initiated, Back-Channel, Front-Channel and Session OP (OIDC Discovery §3, §4)", async () => {
    const { status, headers, body } = await suite().fetch(`${suite().issuer}/.well-known/openid-configuration`);
    assert.deepEqual([status, headers.get("content-type")?.startsWith("application/json"), body.issuer], [200, true, suite().issuer]);
    for (const [name, value] of Object.entries(body)) {
      if (/_endpoint$|_uri$|_iframe$/.test(name)) assert.match(String(value), /^https:\/\/[^#?]+$/, name);
      if (/_supported$/.test(name) && !Array.isArray(value)) assert.equal(value, true, name);
      if (Array.isArray(value)) assert.ok(value.length > 0 && value.every((each) => typeof each === "string"), name);
    }
    assert.deepEqual(
      Object.keys(body).filter((name) => !REGISTERED.has(name)),
      [],
      "members that IANA does not know",
    );
    for (const name of ["authorization", "token", "userinfo", "registration", "end_session"]) assert.equal(typeof body[`${name}_endpoint`], "string", name);
    assert.equal(typeof body.check_session_iframe, "string");
    const holds = (name: string, ...values: readonly string[]) => assert.deepEqual([name, values.filter((each) => !body[name].includes(each))], [name, []]);
    holds("response_types_supported", "code", "id_token", "id_token token", "code id_token", "code token", "code id_token token");
    holds("response_modes_supported", "query", "fragment", "form_post");
    holds("grant_types_supported", "authorization_code", "implicit", "refresh_token");
    holds("subject_types_supported", "public", "pairwise");
    for (const name of ["id_token", "userinfo", "request_object"]) holds(`${name}_signing_alg_values_supported`, "RS256");
    holds("token_endpoint_auth_methods_supported", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt");
    holds("scopes_supported", "openid", "profile", "email", "address", "phone", "offline_access");
    holds("claims_supported", "sub", "name", "email", "address", "phone_number");
    for (const name of [
      "claims_parameter",
      "request_parameter",
      "request_uri_parameter",
      "backchannel_logout",
      "backchannel_logout_session",
      "frontchannel_logout",
      "frontchannel_logout_session",
    ])
      assert.equal(body[`${name}_supported`], true, name);
    const { keys } = (await suite().fetch(body.jwks_uri)).body;
    assert.equal(new Set(keys.map(({ kid }: { kid?: string }) => kid ?? assert.fail("a key without kid"))).size, keys.length);
    for (const key of keys) assert.deepEqual([["d", "p", "q", "k"].filter((each) => each in key), key.use, typeof key.alg], [[], "sig", "string"]);
  });

  test("oidcc-server with private_key_jwt, and oidcc-ensure-client-assertion-with-iss-aud-succeeds (OIDC Core §9): a key without kid, aud the token endpoint or the issuer", async () => {
    for (const type of ["code", "code id_token", "code token", "code id_token token"])
      for (const aud of [suite().metadata.token_endpoint, suite().issuer]) {
        const client = await register(suite(), type, PRIVATE_KEY_JWT);
        await succeed(client, suite().browse(), {}, { redeem: byAssertion(client, { aud }) });
        await unregister(client);
      }
  });

  test("oidcc-userinfo-rs256 (OIDC Core §5.3.2): application/jwt with iss and aud, no nonce, the same sub", async () => {
    const client = await register(suite(), "code", { userinfo_signed_response_alg: "RS256", ...PRIVATE_KEY_JWT });
    const { parameters } = await suite().browse().visit(requestUrl(client));
    const { body } = await byAssertion(client)({ grant_type: "authorization_code", code: parameters.get("code") ?? "", redirect_uri: client.redirectUri });
    const { sub } = await verify(client, body.id_token, { nonce: chars(64) });
    const answer = await userinfoOf(suite(), body.access_token);
    assert.equal(answer.headers.get("content-type"), "application/jwt");
    const { payload, protectedHeader } = await jwtVerify(answer.text, createLocalJWKSet((await suite().fetch(suite().metadata.jwks_uri)).body), {
      issuer: suite().issuer,
      audience: client.record.client_id,
      algorithms: ["RS256"],
    });
    assert.deepEqual([payload.sub, payload.nonce, typeof protectedHeader.kid], [sub, undefined, "string"]);
  });

  test("oidcc-ensure-redirect-uri-in-authorization-request, oidcc-redirect-uri-query-OK, -query-mismatch, -query-added, -regfrag (OIDC Core §3.1.2.1, RFC 6749 §3.1.2)", async () => {
    for (const type of ["code", "id_token", "code token"]) {
      const two = await register(suite(), type, { redirect_uris: [CALLBACK, "https://example.org/redirect"] });
      await refuse(two, suite().browse(), { redirect_uri: undefined }, /redirect_uri/);
      const query = await register(suite(), type, { redirect_uris: [`${CALLBACK}?bar=foo`] });
      for (const mode of [{}, { response_mode: "form_post" }]) {
        const { visit } = await succeed(query, suite().browse(), mode);
        assert.equal(visit.url.searchParams.get("bar"), "foo");
        assert.equal(await fail(query, suite().browse(), { ...mode, prompt: "none" }), "login_required");
      }
      await refuse(query, suite().browse(), { redirect_uri: `${CALLBACK}?foo=bar` }, /redirect_uri/);
      await refuse(await register(suite(), type), suite().browse(), { redirect_uri: `${CALLBACK}?foo=bar` }, /redirect_uri/);
      const { status, body } = await postRegistration(suite(), registration(type, { redirect_uris: [`${CALLBACK}#foobar`] }));
      assert.deepEqual([status, body.error], [400, "invalid_redirect_uri"]);
    }
  });

  test("oidcc-registration-logo-uri, -policy-uri, -tos-uri (OIDC Registration §2): on the login page and on the consent page", async () => {
    const shown = { logo_uri: "https://suite.example/images/openid.png", policy_uri: "https://suite.example/login.html", tos_uri: "https://openid.net" };
    const client = await register(suite(), "code", { ...shown, ...PRIVATE_KEY_JWT });
    for (const [name, value] of Object.entries(shown)) assert.equal(client.record[name], value);
    const texts: string[] = [];
    await suite()
      .browse((page) => void texts.push(page.text))
      .visit(requestUrl(client));
    assert.equal(texts.length, 2);
    for (const text of texts) {
      assert.match(text, /<img class="logo" src="https:\/\/suite\.example\/images\/openid\.png"/);
      for (const link of [/<a id="policy-uri" href="https:\/\/suite\.example\/login\.html"/, /<a id="tos-uri" href="https:\/\/openid\.net\/"/]) assert.match(text, link);
    }
  });

  test("oidcc-registration-jwks-uri, oidcc-refresh-token-rp-key-rotation (OIDC Core §10.1.1): the client's keys are fetched; a new kid is found a minute later", async () => {
    const jwks_uri = `${peer.url}/${randomUUID()}`;
    peer.serve(new URL(jwks_uri).pathname, { keys: [{ ...CLIENT_JWK, kid: "first" }] });
    const client = await register(suite(), "code", { jwks: undefined, jwks_uri, grant_types: ["authorization_code", "refresh_token"], ...PRIVATE_KEY_JWT });
    const asked = { scope: "openid offline_access", prompt: "consent" };
    const { tokens } = await succeed(client, suite().browse(), asked, { redeem: byAssertion(client, { kid: "first" }) });
    peer.serve(new URL(jwks_uri).pathname, { keys: [{ ...rotated.publicJwk, kid: "second", use: "sig", alg: "RS256" }] });
    suite().time.advance(MINUTE);
    const { status, body } = await byAssertion(client, { key: rotated.privateKey, kid: "second" })({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
    assert.deepEqual([status, typeof body.access_token], [200, "string"]);
  });

  test("oidcc-registration-sector-uri, oidcc-registration-sector-bad (OIDC Registration §5)", async () => {
    const sector = { subject_type: "pairwise", sector_identifier_uri: `${peer.url}/${randomUUID()}`, ...PRIVATE_KEY_JWT };
    peer.serve(new URL(sector.sector_identifier_uri).pathname, [CALLBACK]);
    const client = await register(suite(), "code", sector);
    const { claims } = await succeed(client, suite().browse(), {}, { redeem: byAssertion(client) });
    assert.notEqual(claims.sub, "buffy");
    peer.serve(new URL(sector.sector_identifier_uri).pathname, ["https://example.com/op"]);
    const { status, body } = await postRegistration(suite(), registration("code", sector));
    assert.deepEqual([status, body.error], [400, "invalid_client_metadata"]);
  });

  test("oidcc-server-rotate-keys (OIDC Core §10.1.1): a key that is made is published at once beside those before it", async () => {
    const keysOf = async (): Promise<{ kid: string; n?: string }[]> => (await suite().fetch(suite().metadata.jwks_uri)).body.keys;
    const before = await keysOf();
    assert.equal((await sendJson(suite().writ, "POST", "/admin/keys/hydra.openid.id-token", { alg: "RS256", use: "sig" })).status, 201);
    const now = await keysOf();
    for (const { kid } of before) assert.ok(now.some((each) => each.kid === kid));
    const [added, ...more] = now.filter(({ kid }) => !before.some((each) => each.kid === kid));
    assert.deepEqual([more, typeof added?.n, before.some(({ n }) => n === added?.n)], [[], "string", false]);
  });

  test("oidcc-request-uri-signed-rs256 (OIDC Core §6.2): https or not, a long random path and a fragment that fits nothing", async () => {
    const request_uri = `${peer.url}/${"r".repeat(64)}#${"x".repeat(43)}`;
    for (const type of ["code", "id_token", "code id_token token"]) {
      const client = await register(suite(), type, { request_uris: [request_uri], request_object_signing_alg: "RS256", ...PRIVATE_KEY_JWT });
      const inside = { ...Object.fromEntries(new URL(requestUrl(client)).searchParams), state: chars(20), iss: client.record.client_id, aud: suite().issuer };
      const jwt = await new SignJWT(inside).setProtectedHeader({ alg: "RS256" }).sign(client.key);
      peer.serve(new URL(request_uri).pathname, jwt);
      const visit = await suite()
        .browse()
        .visit(requestUrl(client, { request_uri, state: undefined, nonce: undefined }));
      await succeed(client, suite().browse(), { state: chars(20) }, { redeem: byAssertion(client), visit });
    }
  });

  test("oidcc-3rd_party-init-login, oidcc-3rd_party-init-login-nohttps (OIDC Core §4): kept, echoed and read again; http is invalid_client_metadata", async () => {
    for (const type of ["code", "id_token"]) {
      const initiate_login_uri = "https://suite.example/test/a/writ/initiate";
      const { record } = await register(suite(), type, { initiate_login_uri });
      assert.equal(record.initiate_login_uri, initiate_login_uri);
      const read = await suite().fetch(record.registration_client_uri, { headers: { authorization: `Bearer ${record.registration_access_token}` } });
      assert.deepEqual([read.status, read.body.initiate_login_uri], [200, initiate_login_uri]);
      const { status, body } = await postRegistration(suite(), registration(type, { initiate_login_uri: initiate_login_uri.replace("https", "http") }));
      assert.deepEqual([status, body.error], [400, "invalid_client_metadata"]);
    }
  });

  const endSession = (parameters: Readonly<Record<string, string>>): string => `${suite().metadata.end_session_endpoint}?${new URLSearchParams(parameters)}`;
  /** Someone who has logged in at a client of a logout plan. */
  const loggedIn = async (more: object = {}, type = "code id_token"): Promise<{ client: SuiteClient; person: Person; hint: string; claims: Record<string, unknown> }> => {
    const client = await register(suite(), type, { post_logout_redirect_uris: [BYE], ...more });
    const person = suite().browse();
    const { idToken, claims } = await succeed(client, person);
    return { client, person, hint: idToken, claims };
  };

  test("oidcc-rp-initiated-logout, -no-state (OIDC RP-Initiated Logout §2, §3): the URI with state alone, without where none was sent; nobody is logged in after", async () => {
    for (const type of ["code", "id_token", "code id_token"])
      for (const state of [{ state: chars(43) }, {}]) {
        const { client, person, hint } = await loggedIn({}, type);
        const { url, pages } = await person.visit(endSession({ id_token_hint: hint, post_logout_redirect_uri: BYE, ...state }));
        assert.deepEqual([pages, url.origin + url.pathname, Object.fromEntries(url.searchParams)], [["Sign out"], BYE, state]);
        assert.equal(await fail(client, person, { prompt: "none" }), "login_required");
      }
  });

  test("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, -query-added-to-post-logout-redirect-uri, -modified-id-token-hint, -bad-id-token-hint, -no-id-token-hint (OIDC RP-Initiated Logout §2, §4): a page and no redirect", async () => {
    const { person, hint, claims } = await loggedIn();
    const modified = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${hint.split(".")[1]}.`;
    const foreign = await new SignJWT(claims).setProtectedHeader({ alg: "RS256" }).sign(rotated.privateKey);
    for (const [parameters, named] of [
      [{ id_token_hint: hint, post_logout_redirect_uri: `${BYE}/elsewhere` }, /post_logout_redirect_uri/],
      [{ id_token_hint: hint, post_logout_redirect_uri: `${BYE}?foo=bar` }, /post_logout_redirect_uri/],
      [{ id_token_hint: modified, post_logout_redirect_uri: BYE }, /id_token_hint/],
      [{ id_token_hint: foreign, post_logout_redirect_uri: BYE }, /id_token_hint/],
      [{ post_logout_redirect_uri: BYE }, /id_token_hint|client_id/],
    ] as const) {
      const { page, pages } = await person.visit(endSession({ ...parameters, state: chars(43) }));
      assert.deepEqual([page?.status, pages], [400, []]);
      assert.match(page?.text ?? "", named);
      assert.match(page?.text ?? "", /<h1>This request cannot go on<\/h1>/);
    }
  });

  test("oidcc-rp-initiated-logout-no-params, -no-post-logout-redirect-uri, -only-state (OIDC RP-Initiated Logout §2): logged out, and a page that says so", async () => {
    for (const what of ["no-params", "hint and state", "state"]) {
      const { client, person, hint } = await loggedIn();
      const { page, pages } = await person.visit(
        endSession({ ...(what === "no-params" ? {} : { state: chars(43) }), ...(what === "hint and state" ? { id_token_hint: hint } : {}) }),
      );
      assert.deepEqual([page?.status, pages], [200, ["Sign out"]]);
      assert.match(page?.text ?? "", /<h1>You are signed out<\/h1>/);
      assert.equal(await fail(client, person, { prompt: "none" }), "login_required");
    }
  });

  test("oidcc-backchannel-rp-initiated-logout (OIDC Back-Channel Logout §2.4, §2.5): the token of a client that registered itself, then the redirect", async () => {
    const receiver = await startLogoutReceiver();
    try {
      const { client, person, hint, claims } = await loggedIn({ backchannel_logout_uri: receiver.url, backchannel_logout_session_required: true });
      const { url } = await person.visit(endSession({ id_token_hint: hint, post_logout_redirect_uri: BYE, state: chars(43) }));
      assert.equal(url.searchParams.get("state"), chars(43));
      const [{ form }] = [(await receiver.waitFor(1))[0] ?? assert.fail("no logout token")];
      assert.deepEqual([...form.keys()], ["logout_token"]);
      const { nonce, events, ...token } = await verify(client, form.get("logout_token") ?? "");
      assert.deepEqual([nonce, events], [undefined, { "http://schemas.openid.net/event/backchannel-logout": {} }]);
      assert.deepEqual([token.sub, token.sid, typeof token.jti], [claims.sub, claims.sid, "string"]);
      assert.equal(await fail(client, person, { prompt: "none" }), "login_required");
    } finally {
      receiver.close();
    }
  });

  test("oidcc-frontchannel-rp-initiated-logout (OIDC Front-Channel Logout §2, §3): a frame with iss and sid alone, and a page that goes on by itself", async () => {
    const frontchannel_logout_uri = "https://suite.example/test/a/writ/frontchannel_logout";
    const { person, hint, claims } = await loggedIn({ frontchannel_logout_uri, frontchannel_logout_session_required: true });
    const { page } = await person.visit(endSession({ id_token_hint: hint, post_logout_redirect_uri: BYE, state: chars(43) }));
    const src = new URL(page?.text.match(/<iframe src="([^"]*)"/)?.[1]?.replaceAll("&amp;", "&") ?? "");
    assert.deepEqual([src.origin + src.pathname, Object.fromEntries(src.searchParams)], [frontchannel_logout_uri, { iss: suite().issuer, sid: claims.sid }]);
    const next = page?.text.match(/http-equiv="refresh" content="2; ?url=([^"]*)"/i)?.[1]?.replaceAll("&amp;", "&");
    assert.deepEqual([next?.split("?")[0], new URL(next ?? "").searchParams.get("state")], [BYE, chars(43)]);
  });

  test("oidcc-session-management-rp-initiated-logout (OIDC Session Management §2): every answer has session_state, errors too", async () => {
    for (const type of ["code", "id_token token", "code id_token"]) {
      const client = await register(suite(), type);
      const person = suite().browse();
      const { visit } = await succeed(client, person);
      assert.match(visit.parameters.get("session_state") ?? "", /^[0-9a-f]{64}\.[\w-]+$/);
      assert.match(
        (
          await suite()
            .browse()
            .visit(requestUrl(client, { prompt: "none" }))
        ).parameters.get("session_state") ?? "",
        /^[0-9a-f]{64}\.[\w-]+$/,
      );
    }
  });

  test("conformance.md §5.1: the scripts of pages are in old words, for the browser that the suite has", async () => {
    const form = await register(suite(), "code");
    const posted = await suite().fetch(requestUrl(form, { response_mode: "form_post", prompt: "none" }));
    const watcher = await suite().fetch(suite().metadata.check_session_iframe);
    const { person, hint } = await loggedIn({ frontchannel_logout_uri: CALLBACK });
    const { page: frames } = await person.visit(endSession({ id_token_hint: hint }));
    for (const text of [posted.text, watcher.text, frames?.text ?? ""]) {
      const [, script = ""] = /<script[^>]*>([\s\S]*?)<\/script>/.exec(text) ?? [];
      assert.ok(script.length > 20, text);
      assert.doesNotMatch(script, /=>|`|\b(?:const|let|class|async|await|import|export|crypto)\b|\?\.|\?\?|\.\.\./);
    }
  });
});
