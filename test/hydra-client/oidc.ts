import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import { createClient, issueToken } from "../harness/http.ts";
import { locationOf } from "../harness/logout.ts";
import { createRp, getTokens, newSubject, openUserAgent, parametersOf } from "../harness/user-agent.ts";
import { assertShape, CLIENT, LOGOUT, NEW_CLIENT, WRITTEN_CLIENT } from "./shapes.ts";
import { assertDone, assertError, assertJson, got, type HydraSite } from "./site.ts";

const STATE = { state: "long enough a state" } as const;
const ISSUER = "http://127.0.0.1:4444";

/** hydra.md §2.9: what discovery must have, and of which type. */
const DISCOVERY = {
  string: [
    "issuer",
    "authorization_endpoint",
    "device_authorization_endpoint",
    "registration_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "revocation_endpoint",
    "end_session_endpoint",
  ],
  strings: [
    "subject_types_supported",
    "response_types_supported",
    "claims_supported",
    "grant_types_supported",
    "response_modes_supported",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "userinfo_signing_alg_values_supported",
    "id_token_signing_alg_values_supported",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "request_object_signing_alg_values_supported",
    "code_challenge_methods_supported",
  ],
  true: [
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "require_request_uri_registration",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "frontchannel_logout_supported",
    "frontchannel_logout_session_supported",
  ],
} as const;

/** OpenID Connect, and the server itself: hydra.md §1.2, §2.6 to §2.12, §3.6. */
export function oidcCases(site: () => HydraSite): void {
  const register = async (metadata: object = {}) => {
    const data = assertJson(
      await site()
        .oidc()
        .createOidcDynamicClient({ oAuth2Client: { redirect_uris: ["https://app.example/cb"], ...metadata } }),
      201,
    );
    assertShape(data, { ...NEW_CLIENT, metadata: "object?", client_id_issued_at: "integer" }, "a registered client");
    return data;
  };
  const by = (accessToken: string) => site().oidc({ accessToken });

  test("hydra.md §2.11: createOidcDynamicClient is 201 with credentials; what is the operator's to say is refused, with Hydra's codes or RFC 7591's", async () => {
    const client = await register({ client_id: "not mine to choose", client_name: "App" });
    assert.match(client.client_id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    assert.deepEqual([client.client_name, client.registration_client_uri], ["App", `${ISSUER}/oauth2/register/${client.client_id}`]);
    assert.ok(client.client_secret.length >= 26);
    assert.ok(!("client_secret" in (await register({ token_endpoint_auth_method: "none" }))));
    for (const refused of [{ client_secret: "a chosen secret" }, { metadata: { a: 1 } }, { access_token_strategy: "jwt" }, { skip_consent: true }, { skip_logout_consent: true }])
      assertError(
        await site()
          .oidc()
          .createOidcDynamicClient({ oAuth2Client: { redirect_uris: ["https://app.example/cb"], ...refused } }),
        400,
        /./,
        new RegExp(Object.keys(refused)[0] ?? ""),
      );
    assertError(
      await site()
        .oidc()
        .createOidcDynamicClient({ oAuth2Client: { redirect_uris: ["/cb"] } }),
      400,
      "invalid_redirect_uri",
    );
  });

  test("hydra.md §2.11: getOidcDynamicClient, setOidcDynamicClient and deleteOidcDynamicClient by the registration access token, which a change renews; else 401", async () => {
    const client = await register({ client_name: "before" });
    const read = assertJson(await by(client.registration_access_token).getOidcDynamicClient({ id: client.client_id }));
    const members = { ...CLIENT, metadata: "object?", registration_access_token: "string", registration_client_uri: "string", client_id_issued_at: "integer" };
    assertShape(read, members, "a client that reads itself");
    assert.deepEqual([read.client_id, read.client_name, "metadata" in read], [client.client_id, "before", false]);

    const { client_secret: _, ...sent } = read;
    const change = (token: string, metadata: object) => by(token).setOidcDynamicClient({ id: client.client_id, oAuth2Client: { ...sent, ...metadata } });
    assertError(await change(client.registration_access_token, { client_secret: "another secret" }), 403, "request_forbidden");
    const changed = assertJson(await change(client.registration_access_token, { client_name: "after", client_id: "other" }));
    assertShape(
      changed,
      { ...WRITTEN_CLIENT, metadata: "object?", registration_access_token: "string", registration_client_uri: "string", client_id_issued_at: "integer" },
      "a changed client",
    );
    assert.deepEqual([changed.client_id, changed.client_name], [client.client_id, "after"]);
    assert.notEqual(changed.registration_access_token, client.registration_access_token);
    for (const [token, id] of [
      [client.registration_access_token, client.client_id],
      ["wrong", client.client_id],
      [changed.registration_access_token, "nobody"],
      [changed.registration_access_token, (await register()).client_id],
    ]) {
      assertError(await by(token ?? "").getOidcDynamicClient({ id: id ?? "" }), 401, /./);
      assertError(await by(token ?? "").setOidcDynamicClient({ id: id ?? "", oAuth2Client: sent }), 401, /./);
      assertError(await by(token ?? "").deleteOidcDynamicClient({ id: id ?? "" }), 401, /./);
    }
    const ofAdmin = assertJson(await site().admin.createOAuth2Client({ oAuth2Client: { redirect_uris: ["https://app.example/cb"] } }), 201);
    assert.equal((await by(ofAdmin.registration_access_token).getOidcDynamicClient({ id: ofAdmin.client_id })).status, 200, "as the admin API made it");
    assertDone(await by(changed.registration_access_token).deleteOidcDynamicClient({ id: client.client_id }));
    assert.equal((await site().admin.getOAuth2Client({ id: client.client_id })).status, 404);
  });

  test("hydra.md §2.6: getOidcUserInfo: a person's claims, a machine's, a signed answer; what is no access token is 401 with WWW-Authenticate", async () => {
    const { writ } = site();
    const rp = await createRp(writ);
    const subject = newSubject();
    const tokens = await getTokens(writ, rp, {
      request: { ...STATE, nonce: "long enough a nonce" },
      login: { subject, acr: "0", amr: ["pwd"] },
      consent: { session: { id_token: { email: "a@b.example", team: ["x"] } } },
    });
    const info = assertJson(await by(tokens.access_token).getOidcUserInfo());
    const { iat, rat, auth_time: authTime, ...claims } = info;
    assert.deepEqual(claims, { sub: subject, iss: ISSUER, aud: [rp.client.client_id], acr: "0", amr: ["pwd"], email: "a@b.example", team: ["x"] });
    for (const time of [iat, rat, authTime]) assert.ok(Number.isInteger(time) && Math.abs(time - Date.now() / 1000) < 60);
    const machine = await createClient(writ);
    const ofMachine = assertJson(await by(await issueToken(writ, machine)).getOidcUserInfo());
    assert.deepEqual([ofMachine.sub, ofMachine.aud, ofMachine.iss, Number.isInteger(ofMachine.iat)], [undefined, [machine.client_id], ISSUER, true]);
    for (const token of ["none-of-ours", tokens.refresh_token, tokens.id_token]) {
      const refused = await by(token).getOidcUserInfo();
      assertError(refused, 401, "request_unauthorized");
      assert.match(String(got(refused).headers["www-authenticate"]), /^Bearer error="request_unauthorized",\s*error_description="[^"]+"$/);
    }
    const signing = await createRp(writ, { userinfo_signed_response_alg: "RS256" });
    const signed = got(await by((await getTokens(writ, signing, { request: STATE, login: { subject } })).access_token).getOidcUserInfo());
    assert.deepEqual([signed.status, signed.headers["content-type"]], [200, "application/jwt"]);
    const { payload, protectedHeader } = await jwtVerify(signed.data, createLocalJWKSet(assertJson(await site().wellknown().discoverJsonWebKeys())));
    assert.deepEqual([payload.sub, payload.iss, payload.aud, protectedHeader.alg, typeof payload.jti], [subject, ISSUER, [signing.client.client_id], "RS256", "string"]);
  });

  test("hydra.md §2.12: createVerifiableCredential says that it is not supported, to everybody and in JSON; it is not in discovery", async () => {
    const { writ } = site();
    const tokens = await getTokens(writ, await createRp(writ), { request: STATE });
    for (const accessToken of ["", tokens.access_token])
      for (const body of [{}, { format: "jwt_vc_json", types: ["VerifiableCredential", "UserInfoCredential"], proof: { proof_type: "jwt", jwt: "x" } }])
        assertError(
          await site()
            .oidc()
            .createVerifiableCredential({ createVerifiableCredentialRequestBody: body }, { headers: { authorization: `Bearer ${accessToken}` } }),
          400,
          "unsupported_credential_type",
          /no verifiable credentials/,
        );
    const discovery = assertJson(await site().oidc().discoverOidcConfiguration());
    assert.deepEqual(
      Object.keys(discovery).filter((name) => name.startsWith("credential")),
      [],
    );
  });

  test("hydra.md §2.7, §3.6, §7.8: revokeOidcSession, and getOAuth2LogoutRequest, acceptOAuth2LogoutRequest and rejectOAuth2LogoutRequest", async () => {
    const { writ } = site();
    const bye = "https://rp.example/bye";
    const rp = await createRp(writ, { post_logout_redirect_uris: [bye] });
    const agent = openUserAgent(writ);
    const subject = newSubject();
    const tokens = await getTokens(writ, rp, { agent, request: STATE, login: { subject, remember: true } });
    const cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const ask = async (params: Readonly<Record<string, string>>) => got(await site().oidc().revokeOidcSession({ params, headers: { cookie } }));
    const toError = async (params: Readonly<Record<string, string>>) => {
      const { status, headers } = await ask(params);
      assert.equal(status, 302);
      assert.match(String(headers.location), /^https:\/\/apps\.example\/error\?/);
      assert.equal(parametersOf(String(headers.location)).error, "invalid_request");
    };
    await toError({ state: "x" });
    await toError({ post_logout_redirect_uri: bye });
    await toError({ id_token_hint: "x" });
    await toError({ id_token_hint: tokens.id_token, post_logout_redirect_uri: "https://evil.example/" });
    const nobody = got(await site().oidc().revokeOidcSession());
    assert.deepEqual([nobody.status, nobody.headers.location], [303, "https://apps.example/bye"]);

    const byPerson = await ask({});
    assert.match(String(byPerson.headers.location), /^https:\/\/apps\.example\/logout\?logout_challenge=/);
    const { logout_challenge: plain = "" } = parametersOf(String(byPerson.headers.location));
    const ofPerson = assertJson(await site().admin.getOAuth2LogoutRequest({ logoutChallenge: plain }));
    assertShape(ofPerson, LOGOUT, "a person's logout request");
    assert.deepEqual([ofPerson.challenge, ofPerson.subject, ofPerson.rp_initiated, ofPerson.client], [plain, subject, false, null]);

    const byClient = await ask({ id_token_hint: tokens.id_token, post_logout_redirect_uri: bye, state: "after" });
    assert.equal(byClient.status, 302);
    const { logout_challenge: logoutChallenge = "" } = parametersOf(String(byClient.headers.location));
    const ofClient = assertJson(await site().admin.getOAuth2LogoutRequest({ logoutChallenge }));
    assertShape(ofClient, LOGOUT, "a client's logout request");
    assertShape(ofClient.client, CLIENT, "its client");
    assert.deepEqual([ofClient.subject, ofClient.rp_initiated, ofClient.client.client_id, ofClient.sid], [subject, true, rp.client.client_id, ofPerson.sid]);
    assert.equal(Date.parse(ofClient.expires_at) - Date.parse(ofClient.requested_at), 1_800_000);
    assert.match(ofClient.request_url, /^(http:\/\/127\.0\.0\.1:4444)?\/oauth2\/sessions\/logout\?/);
    assertDone(await site().admin.rejectOAuth2LogoutRequest({ logoutChallenge }));
    const accept = async () => {
      const data = assertJson(await site().admin.acceptOAuth2LogoutRequest({ logoutChallenge }));
      assert.deepEqual(Object.keys(data), ["redirect_to"]);
      assert.match(data.redirect_to, /^http:\/\/127\.0\.0\.1:4444\/oauth2\/sessions\/logout\?logout_verifier=/);
      return data.redirect_to;
    };
    await accept();
    const redirectTo = await accept();
    const done = await agent.get(redirectTo);
    assert.equal(locationOf(done), `${bye}?state=after`);
    assert.equal(locationOf(await agent.get(redirectTo)), `${bye}?state=after`, "a verifier that is used again goes on");
    for (const [call, status, error] of [
      [site().admin.getOAuth2LogoutRequest({ logoutChallenge: "x" }), 404, "Not Found"],
      [site().admin.acceptOAuth2LogoutRequest({ logoutChallenge: "x" }), 404, "Not Found"],
      [site().admin.rejectOAuth2LogoutRequest({ logoutChallenge: "x" }), 404, "Not Found"],
      [site().admin.getOAuth2LogoutRequest({ logoutChallenge: "" }), 400, "invalid_request"],
    ] as const)
      assertError(await call, status, error);
  });

  test("hydra.md §2.9: discoverOidcConfiguration has all that Hydra has, of its types; each endpoint is where Hydra has it", async () => {
    const data = assertJson(await site().oidc().discoverOidcConfiguration());
    for (const name of DISCOVERY.string) assert.equal(typeof data[name], "string", name);
    for (const name of DISCOVERY.strings) assert.ok(Array.isArray(data[name]) && data[name].length > 0 && data[name].every((each: unknown) => typeof each === "string"), name);
    for (const name of DISCOVERY.true) assert.equal(data[name], true, name);
    assert.deepEqual(
      ["authorization_endpoint", "device_authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "revocation_endpoint", "end_session_endpoint"].map(
        (name) => data[name],
      ),
      ["/oauth2/auth", "/oauth2/device/auth", "/oauth2/token", "/.well-known/jwks.json", "/userinfo", "/oauth2/revoke", "/oauth2/sessions/logout"].map((path) => ISSUER + path),
    );
    assert.equal(data.issuer, ISSUER);
    assert.deepEqual(data.subject_types_supported, ["public", "pairwise"]);
    for (const type of ["code", "code id_token", "id_token"]) assert.ok(data.response_types_supported.includes(type), type);
    for (const mode of ["query", "fragment", "form_post"]) assert.ok(data.response_modes_supported.includes(mode), mode);
    for (const scope of ["offline_access", "offline", "openid"]) assert.ok(data.scopes_supported.includes(scope), scope);
    for (const method of ["client_secret_post", "client_secret_basic", "private_key_jwt", "none"]) assert.ok(data.token_endpoint_auth_methods_supported.includes(method), method);
    assert.ok(data.id_token_signing_alg_values_supported.includes("RS256"));
  });

  test("hydra.md §2.10: discoverJsonWebKeys has the public parts of both sets, and nothing private", async () => {
    const { keys, ...rest } = assertJson(await site().wellknown().discoverJsonWebKeys());
    assert.deepEqual(rest, {});
    assert.ok(keys.length >= 2);
    for (const key of keys)
      assertShape(key, { kty: "string", kid: "string", alg: "string", use: "string", n: "string?", e: "string?", crv: "string?", x: "string?", y: "string?" }, "a published key");
    const kids = new Set(keys.map(({ kid }: { kid: string }) => kid));
    for (const set of ["hydra.openid.id-token", "hydra.jwt.access-token"]) {
      const stored = assertJson(await site().jwks.getJsonWebKeySet({ set }));
      assert.ok(stored.keys.length > 0 && stored.keys.every(({ kid }: { kid: string }) => kids.has(kid)), set);
    }
  });

  test("hydra.md §1.2: isAlive, isReady and getVersion", async () => {
    assert.deepEqual(assertJson(await site().metadata.isAlive()), { status: "ok" });
    assert.deepEqual(assertJson(await site().metadata.isReady()), { status: "ok" });
    assert.deepEqual(assertJson(await site().metadata.getVersion()), { version: "0.0.0-test" });
  });
}
