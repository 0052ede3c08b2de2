import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { decodeProtectedHeader, UnsecuredJWT } from "jose";
import { SECOND } from "./harness/clock.ts";
import { postForm } from "./harness/http.ts";
import { CALLBACK, callToken, register, type Suite, startSuite, unregister } from "./harness/suite.ts";
import { chars, checkPlace, fail, refuse, requestUrl, succeed, userinfoOf, verify } from "./harness/suite-flow.ts";

const TYPES = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"] as const;
const CODE = TYPES.filter((type) => type.includes("code"));
const TOKEN = TYPES.filter((type) => type !== "id_token");
const HYBRID = CODE.filter((type) => type !== "code");
const MODES = [{}, { response_mode: "form_post" }] as const;
/** Each response type, by its own mode and by a form. */
const VARIANTS = TYPES.flatMap((type) => MODES.map((mode) => [type, mode] as const));
const STANDARD: Readonly<Record<string, readonly string[]>> = {
  profile: "name given_name family_name middle_name nickname profile picture website gender birthdate zoneinfo locale updated_at preferred_username".split(" "),
  email: ["email", "email_verified"],
  address: ["address"],
  phone: ["phone_number", "phone_number_verified"],
};

describe("the modules of the plans Basic, Implicit, Hybrid and Form Post OP", () => {
  let started: Suite | undefined;
  const suite = (): Suite => started ?? assert.fail("the server is not running");
  before(async () => {
    started = await startSuite();
  });
  after(() => started?.close());

  test("oidcc-server (OIDC Core §3.1, §3.2, §3.3, Form Post §2): every response type by its own mode and by a form", async () => {
    for (const [type, mode] of VARIANTS) {
      const client = await register(suite(), type);
      const { visit } = await succeed(client, suite().browse(), mode);
      assert.deepEqual(visit.pages, ["Sign in", "Allow access"]);
      await unregister(client);
    }
  });

  test("oidcc-server-client-secret-post (RFC 6749 §2.3.1)", async () => {
    for (const type of CODE) {
      const client = await register(suite(), type, { token_endpoint_auth_method: "client_secret_post" });
      const { client_id, client_secret } = client.record;
      await succeed(client, suite().browse(), {}, { redeem: (form) => postForm(`${suite().writ.publicUrl}/oauth2/token`, { ...form, client_id, client_secret }) });
    }
  });

  test("oidcc-response-type-missing (RFC 6749 §3.1.1): told in the query, or by the form that was asked for", async () => {
    for (const [type, mode] of VARIANTS) {
      const client = await register(suite(), type);
      const visit = await suite()
        .browse()
        .visit(requestUrl(client, { ...mode, response_type: undefined }));
      checkPlace({ ...client, type: "code" }, visit, mode);
      assert.equal(visit.parameters.get("error"), "invalid_request");
    }
  });

  test("oidcc-idtoken-signature, oidcc-idtoken-rs256 (OIDC Registration §2): RS256 with a kid, registered for or not", async () => {
    for (const more of [{}, { id_token_signed_response_alg: "RS256" }]) {
      const { idToken } = await succeed(await register(suite(), "code id_token", more), suite().browse());
      assert.equal(decodeProtectedHeader(idToken).alg, "RS256");
    }
    assert.equal(suite().metadata.id_token_signing_alg_values_supported.includes("none"), false, "oidcc-idtoken-unsigned is skipped");
  });

  test("oidcc-userinfo-get, oidcc-userinfo-post-header, oidcc-userinfo-post-body (OIDC Core §5.3.1)", async () => {
    for (const type of TOKEN) {
      const { accessToken, userinfo } = await succeed(await register(suite(), type), suite().browse());
      const form = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } };
      const empty = await suite().fetch(suite().metadata.userinfo_endpoint, { ...form, headers: { ...form.headers, authorization: `Bearer ${accessToken}` }, body: "" });
      const inBody = await suite().fetch(suite().metadata.userinfo_endpoint, { ...form, body: `access_token=${accessToken}` });
      for (const { status, body } of [await userinfoOf(suite(), accessToken, { method: "POST" }), empty, inBody]) assert.deepEqual([status, body.sub], [200, userinfo.sub]);
    }
  });

  test("oidcc-ensure-request-without-nonce-succeeds-for-code-flow, oidcc-ensure-request-without-nonce-fails (OIDC Core §3.1.2.1, §3.2.2.1)", async () => {
    for (const [type, mode] of VARIANTS) {
      const client = await register(suite(), type);
      const changes = { ...mode, nonce: undefined };
      if (type.includes("id_token")) assert.equal(await fail(client, suite().browse(), changes), "invalid_request");
      else assert.equal((await succeed(client, suite().browse(), changes)).claims.nonce, undefined);
    }
  });

  test("oidcc-scope-profile, -email, -address, -phone, -all (OIDC Core §5.4): every claim, of its type, at userinfo; with id_token alone in it", async () => {
    for (const type of TYPES)
      for (const scopes of [...(type === "code" || type === "id_token" ? Object.keys(STANDARD).map((each) => [each]) : []), Object.keys(STANDARD)]) {
        const { userinfo, claims } = await succeed(await register(suite(), type), suite().browse(), { scope: `openid ${scopes.join(" ")}` });
        const told = type === "id_token" ? claims : userinfo;
        for (const [scope, names] of Object.entries(STANDARD))
          for (const name of names) {
            const value = told[name];
            if (!scopes.includes(scope)) assert.equal(value, undefined, name);
            else if (name === "address") for (const part of Object.values(value)) assert.match(String(part), /\S/);
            else if (name.endsWith("_verified")) assert.equal(value, true);
            else if (name === "updated_at") assert.ok(Number.isInteger(value) && value > 1e9 && value < 1e10);
            else assert.ok(typeof value === "string" && /\S/.test(value) && value !== "null", name);
          }
        if (scopes.includes("profile")) assert.match(told.birthdate, /^\d{4}-\d\d-\d\d$/);
      }
  });

  test("oidcc-alternate-happy-flow (OIDC Core §3.1.2.1): the scopes turned round, the parameters in another order", async () => {
    for (const type of TYPES) {
      const client = await register(suite(), type);
      const url = new URL(requestUrl(client, { scope: "email openid" }));
      url.search = String(new URLSearchParams([...url.searchParams].reverse()));
      const person = suite().browse();
      const { userinfo, claims } = await succeed(client, person, { scope: "email openid" }, { visit: await person.visit(url.href) });
      const told = type === "id_token" ? claims : userinfo;
      assert.deepEqual([typeof told.email, told.name], ["string", undefined]);
    }
  });

  test("oidcc-display-page, oidcc-display-popup, oidcc-ui-locales, oidcc-claims-locales, oidcc-login-hint, oidcc-ensure-request-with-unknown-parameter-succeeds (OIDC Core §3.1.2.1, §15.1)", async () => {
    for (const [i, changes] of [
      { display: "page" },
      { display: "popup" },
      { ui_locales: "se" },
      { claims_locales: "se" },
      { login_hint: "buffy@op.example" },
      { extra: "foobar" },
    ].entries())
      for (const [type, mode] of VARIANTS.filter((_, j) => j % 2 === i % 2)) await succeed(await register(suite(), type), suite().browse(), { ...mode, ...changes });
  });

  test("oidcc-ensure-request-with-acr-values-succeeds (OIDC Core §3.1.2.1): acr is one of those asked for", async () => {
    assert.equal(suite().metadata.acr_values_supported, undefined);
    for (const type of TYPES.filter((each) => each !== "code token")) {
      const { claims } = await succeed(await register(suite(), type), suite().browse(), { acr_values: "1 2" });
      assert.equal(claims.acr, "1");
    }
  });

  test("oidcc-prompt-login (OIDC Core §3.1.2.1): the login page a second time, and a later auth_time", async () => {
    for (const type of TYPES) {
      const [client, person] = [await register(suite(), type), suite().browse()];
      const first = await succeed(client, person);
      suite().time.advance(SECOND);
      const second = await succeed(client, person, { prompt: "login" });
      assert.deepEqual(second.visit.pages, ["Sign in"]);
      if (type !== "code token") assert.ok(Number(second.claims.auth_time) > Number(first.claims.auth_time));
    }
  });

  test("oidcc-prompt-none-not-logged-in (OIDC Core §3.1.2.6): at once, with a state of 128 characters, no page and no other parameters", async () => {
    for (const [type, mode] of VARIANTS)
      assert.equal(await fail(await register(suite(), type), suite().browse(), { ...mode, prompt: "none", state: chars(128) }), "login_required");
  });

  test("oidcc-prompt-none-logged-in, oidcc-id-token-hint (OIDC Core §3.1.2.1): no page, the same sub and auth_time", async () => {
    for (const [type, mode] of VARIANTS) {
      const [client, person] = [await register(suite(), type), suite().browse()];
      const first = await succeed(client, person, mode);
      suite().time.advance(2 * SECOND);
      const hint = first.idToken === "" ? {} : { id_token_hint: first.idToken };
      for (const changes of [{}, hint]) {
        const second = await succeed(client, person, { ...mode, prompt: "none", ...changes });
        assert.deepEqual([second.visit.pages, second.claims.sub, second.claims.auth_time], [[], first.claims.sub, first.claims.auth_time]);
      }
    }
  });

  test("oidcc-max-age-1, oidcc-max-age-10000 (OIDC Core §3.1.2.1): the login page where the login is too old, and none where it is not; auth_time is there", async () => {
    for (const type of TYPES.filter((each) => each !== "code token")) {
      const [client, person] = [await register(suite(), type), suite().browse()];
      const first = await succeed(client, person, { max_age: "15000" });
      suite().time.advance(2 * SECOND);
      const kept = await succeed(client, person, { max_age: "10000" });
      assert.deepEqual([kept.visit.pages, kept.claims.auth_time, kept.claims.sub], [[], first.claims.auth_time, first.claims.sub]);
      const again = await succeed(client, person, { max_age: "1" });
      assert.deepEqual(again.visit.pages, ["Sign in"]);
      assert.ok(Number(again.claims.auth_time) > Number(first.claims.auth_time));
    }
  });

  test("oidcc-codereuse, oidcc-codereuse-30seconds (RFC 6749 §4.1.2): 400 invalid_grant, and the first access token is good no more", async () => {
    for (const type of CODE)
      for (const wait of [0, 30 * SECOND]) {
        const client = await register(suite(), type);
        const { code, accessToken } = await succeed(client, suite().browse());
        suite().time.advance(wait);
        const { status, body } = await callToken(client, { grant_type: "authorization_code", code, redirect_uri: client.redirectUri });
        assert.deepEqual([status, body.error], [400, "invalid_grant"]);
        assert.equal((await userinfoOf(suite(), accessToken)).status, 401);
      }
  });

  test("oidcc-ensure-registered-redirect-uri (OIDC Core §3.1.2.1): a page", async () => {
    for (const [type, mode] of VARIANTS) await refuse(await register(suite(), type), suite().browse(), { ...mode, redirect_uri: `${CALLBACK}/elsewhere` }, /redirect_uri/);
  });

  test("oidcc-ensure-post-request-succeeds (OIDC Core §3.1.2.1)", async () => {
    for (const mode of MODES) {
      const [client, person] = [await register(suite(), "code"), suite().browse()];
      const form = new URL(requestUrl(client, mode)).searchParams;
      await succeed(client, person, mode, { visit: await person.visit(suite().metadata.authorization_endpoint, { method: "POST", form }) });
    }
  });

  test("oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported, oidcc-request-uri-unsigned, oidcc-ensure-request-object-with-redirect-uri (OIDC Core §6): skipped, since none is not advertised; an object is not ignored all the same", async () => {
    assert.equal(suite().metadata.request_object_signing_alg_values_supported.includes("none"), false);
    for (const [type, mode] of VARIANTS) {
      const client = await register(suite(), type);
      const request = new UnsecuredJWT({ ...Object.fromEntries(new URL(requestUrl(client, mode)).searchParams) }).encode();
      assert.equal(await fail(client, suite().browse(), { ...mode, request }), "invalid_request_object");
      await refuse(client, suite().browse(), { ...mode, request, redirect_uri: `${CALLBACK}_invalid` }, /request object/);
    }
  });

  test("oidcc-claims-essential (OIDC Core §5.5): name is at userinfo and not in the ID token; with id_token alone in it", async () => {
    for (const type of TYPES) {
      const place = type === "id_token" ? "id_token" : "userinfo";
      const { claims, userinfo } = await succeed(await register(suite(), type), suite().browse(), { claims: JSON.stringify({ [place]: { name: { essential: true } } }) });
      assert.equal(typeof (type === "id_token" ? claims : userinfo).name, "string");
      if (type !== "id_token") assert.equal(claims.name, undefined);
    }
  });

  test("oidcc-refresh-token (OIDC Core §11, §12): two clients with offline_access and prompt=consent; with scope and without; another's is invalid_grant", async () => {
    for (const type of CODE) {
      const grantTypes = { grant_types: [...(type === "code" ? [] : ["implicit"]), "authorization_code", "refresh_token"] };
      const [one, two] = [await register(suite(), type, grantTypes), await register(suite(), type, grantTypes)];
      const asked = { scope: "openid offline_access", prompt: "consent" };
      const [first, second] = [await succeed(one, suite().browse(), asked), await succeed(two, suite().browse(), asked)];
      assert.deepEqual(first.visit.pages, ["Sign in", "Allow access"]);
      suite().time.advance(SECOND);
      for (const [client, { tokens, claims }, more] of [
        [one, first, { scope: "openid offline_access" }],
        [two, second, {}],
      ] as const) {
        assert.match(tokens.refresh_token, /^[\x20-\x7e]{16,}$/);
        const { status, body } = await callToken(client, { grant_type: "refresh_token", refresh_token: tokens.refresh_token, ...more });
        assert.equal(status, 200, JSON.stringify(body));
        const old = claims.iss === undefined ? await verify(client, tokens.id_token, { nonce: chars(64) }) : claims;
        const renewed = await verify(client, body.id_token);
        assert.deepEqual([renewed.sub, renewed.aud, renewed.auth_time, renewed.azp], [old.sub, old.aud, old.auth_time, old.azp]);
        assert.ok(Number(renewed.iat) > Number(old.iat));
        assert.equal((await userinfoOf(suite(), body.access_token)).status, 200);
        const foreign = await callToken(client === one ? two : one, { grant_type: "refresh_token", refresh_token: body.refresh_token });
        assert.deepEqual([foreign.status, foreign.body.error], [400, "invalid_grant"]);
      }
    }
  });

  test("oidcc-ensure-request-with-valid-pkce-succeeds (RFC 7636 §4.6)", async () => {
    const verifier = chars(64);
    for (const type of ["code", HYBRID[0] ?? ""])
      await succeed(
        await register(suite(), type),
        suite().browse(),
        { code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256" },
        { form: { code_verifier: verifier } },
      );
  });

  test("conformance.md §3.4, §3.5: state of 43, 128 and 500 characters and nonce of 43, 64 and 384 come back to the letter", async () => {
    for (const [type, mode] of VARIANTS)
      for (const [state, nonce] of [
        [chars(128), chars(384)],
        [chars(500), chars(43)],
      ] as const)
        await succeed(await register(suite(), type), suite().browse(), { ...mode, state, nonce });
  });
});
