import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { DEVICE_GRANT } from "../harness/device.ts";
import { createClient, issueToken, type TestClient } from "../harness/http.ts";
import { makeTestKey } from "../harness/keys.ts";
import { locationOf } from "../harness/logout.ts";
import { createRp, finishFlow, getTokens, newSubject, openUserAgent, parametersOf } from "../harness/user-agent.ts";
import { ACTIVE, assertShape, TOKENS, TRUSTED_ISSUER } from "./shapes.ts";
import { assertDone, assertError, assertJson, type Got, got, type HydraSite, readPages } from "./site.ts";

const STATE = { state: "long enough a state" } as const;

/** Tokens and who may ask for them: hydra.md §2.2 to §2.5, §3.7, §3.9, §3.10. */
export function tokenCases(site: () => HydraSite): void {
  const as = ({ client_id: username, client_secret: password }: TestClient) => site().open({ username, password });
  /** hydra.md §2.2: how answers about tokens are sent. */
  const assertUnkept = (answer: { readonly headers: object }): void => {
    const headers = answer.headers as Got["headers"];
    assert.match(String(headers["content-type"]), /^application\/json;charset=UTF-8$/i);
    assert.deepEqual([headers["cache-control"], headers.pragma], ["no-store", "no-cache"]);
  };

  test("hydra.md §2.2: oauth2TokenExchange: client credentials, a code, and its refresh token; each member of each answer", async () => {
    const { writ } = site();
    const machine = await createClient(writ);
    const answer = await as(machine).oauth2TokenExchange({ grantType: "client_credentials" });
    const data = assertJson(answer);
    assertShape(data, TOKENS, "a token answer");
    assertUnkept(answer);
    assert.match(data.access_token, /^ory_at_/);
    assert.deepEqual([data.token_type, data.scope, Object.keys(data).includes("refresh_token")], ["bearer", "", false]);
    assert.ok(data.expires_in >= 3598 && data.expires_in <= 3600);

    const rp = await createRp(writ);
    const { code = "" } = await finishFlow(writ, openUserAgent(writ), rp.request(STATE));
    const redeemed = assertJson(await as(rp.client).oauth2TokenExchange({ grantType: "authorization_code", code, redirectUri: rp.redirectUri, clientId: rp.client.client_id }));
    assertShape(redeemed, { ...TOKENS, refresh_token: "string", id_token: "string" }, "a token answer");
    assert.deepEqual([redeemed.token_type, redeemed.scope, redeemed.refresh_token.startsWith("ory_rt_")], ["bearer", "openid offline_access read", true]);
    const refreshed = assertJson(await as(rp.client).oauth2TokenExchange({ grantType: "refresh_token", refreshToken: redeemed.refresh_token }));
    assertShape(refreshed, { ...TOKENS, refresh_token: "string", id_token: "string" }, "a token answer");
    assert.equal(refreshed.scope, redeemed.scope);
  });

  test("hydra.md §2.2, §5.2, §5.3, §8.1: oauth2TokenExchange: the error of each fault, with its status", async () => {
    const { writ } = site();
    const machine = await createClient(writ);
    const rp = await createRp(writ);
    const [client, app] = [as(machine), as(rp.client)];
    const { refresh_token: refreshToken } = await getTokens(writ, rp, { request: STATE });
    for (const [call, status, error, description] of [
      [() => client.oauth2TokenExchange({ grantType: "" }), 400, "invalid_request"],
      [() => client.oauth2TokenExchange({ grantType: "password" }), 400, "invalid_request"],
      [() => site().open().oauth2TokenExchange({ grantType: "client_credentials" }), 400, "invalid_request"],
      [() => as({ ...machine, client_secret: "wrong" }).oauth2TokenExchange({ grantType: "client_credentials" }), 401, "invalid_client", /^Client authentication failed/],
      [() => as({ client_id: "nobody", client_secret: "x" }).oauth2TokenExchange({ grantType: "client_credentials" }), 401, "invalid_client", /^Client authentication failed/],
      [() => app.oauth2TokenExchange({ grantType: "client_credentials" }), 400, "unauthorized_client"],
      [() => client.oauth2TokenExchange({ grantType: "client_credentials" }, { transformRequest: () => "grant_type=client_credentials&scope=admin" }), 400, "invalid_scope"],
      [() => app.oauth2TokenExchange({ grantType: "authorization_code", code: "x", redirectUri: rp.redirectUri }), 400, "invalid_grant", /^The provided authorization grant/],
      [() => app.oauth2TokenExchange({ grantType: "refresh_token", refreshToken: "x" }), 400, "invalid_grant", /^The provided authorization grant/],
      [() => client.oauth2TokenExchange({ grantType: "refresh_token", refreshToken }), 400, "unauthorized_client"],
      [() => app.oauth2TokenExchange({ grantType: "refresh_token" }), 400, "invalid_request"],
    ] as const) {
      const answer = await call();
      assertError(answer, status, error, description);
      assertUnkept(answer);
    }
  });

  test("hydra.md §3.9: introspectOAuth2Token: access and refresh tokens of a person and a machine, by scope too; what is none is exactly {active: false}", async () => {
    const { writ } = site();
    const introspect = async (token: string, scope?: string) => assertJson(await site().admin.introspectOAuth2Token({ token, ...(scope === undefined ? {} : { scope }) }));
    const machine = await createClient(writ, { audience: ["https://api.example"] });
    const ofMachine = await introspect(await issueToken(writ, machine, { scope: "read", audience: "https://api.example" }));
    assertShape(ofMachine, ACTIVE, "a token of a machine");
    assert.deepEqual(
      [ofMachine.active, ofMachine.scope, ofMachine.client_id, ofMachine.sub, ofMachine.aud, ofMachine.iss, ofMachine.token_type, ofMachine.token_use],
      [true, "read", machine.client_id, machine.client_id, ["https://api.example"], "http://127.0.0.1:4444", "Bearer", "access_token"],
    );
    const bare = await introspect(await issueToken(writ, machine));
    assert.deepEqual([bare.aud, "scope" in bare, "ext" in bare], [[], false, false]);

    const rp = await createRp(writ, { subject_type: "pairwise" });
    const subject = newSubject();
    const session = { access_token: { team: "a" } };
    const tokens = await getTokens(writ, rp, { request: STATE, login: { subject }, consent: { session } });
    const access = await introspect(tokens.access_token);
    assertShape(access, { ...ACTIVE, obfuscated_subject: "string", ext: "object" }, "a person's access token");
    assert.deepEqual([access.sub, access.ext, access.token_use, access.nbf], [subject, { team: "a" }, "access_token", access.iat]);
    assert.notEqual(access.obfuscated_subject, subject);
    const refreshToken = await introspect(tokens.refresh_token);
    assertShape(refreshToken, ACTIVE, "a person's refresh token");
    assert.deepEqual([refreshToken.sub, refreshToken.token_use], [subject, "refresh_token"]);
    assert.equal((await introspect(tokens.access_token, "openid read")).active, true);
    for (const inactive of [introspect(tokens.access_token, "openid write"), introspect("none of ours"), introspect(tokens.id_token)])
      assert.deepEqual(await inactive, { active: false });
    assertError(await site().admin.introspectOAuth2Token({ token: "" }), 400, "invalid_request");
  });

  test("hydra.md §2.3: revokeOAuth2Token is 200 without a body, whosever the token is; either of a pair ends both; a wrong secret is 401", async () => {
    const { writ } = site();
    const [rp, other] = [await createRp(writ), await createRp(writ)];
    const tokens = await getTokens(writ, rp, { request: STATE });
    const isActive = async (token: string): Promise<boolean> => assertJson(await site().admin.introspectOAuth2Token({ token })).active;
    for (const token of ["none of ours", tokens.access_token]) {
      const answer = got(await as(other.client).revokeOAuth2Token({ token }));
      assert.deepEqual([answer.status, answer.data, answer.headers["cache-control"], answer.headers.pragma], [200, "", "no-store", "no-cache"]);
    }
    assert.equal(await isActive(tokens.access_token), true);
    assertError(await as({ ...rp.client, client_secret: "wrong" }).revokeOAuth2Token({ token: tokens.access_token }), 401, "invalid_client");
    assertError(await as(rp.client).revokeOAuth2Token({ token: "" }), 400, "invalid_request");
    assert.equal((await as(rp.client).revokeOAuth2Token({ token: tokens.refresh_token })).status, 200);
    assert.deepEqual([await isActive(tokens.access_token), await isActive(tokens.refresh_token)], [false, false]);
    const post = await createClient(writ, { token_endpoint_auth_method: "client_secret_post" });
    const form = new URLSearchParams({ grant_type: "client_credentials", ...credentials(post) }).toString();
    const { access_token: token } = assertJson(
      await site()
        .open()
        .oauth2TokenExchange({ grantType: "client_credentials" }, { transformRequest: () => form }),
    );
    assert.equal((await site().open().revokeOAuth2Token({ token, clientId: post.client_id, clientSecret: post.client_secret })).status, 200);
    assert.equal(await isActive(token), false);
  });

  test("hydra.md §2.4, §2.5, §3.7: oAuth2DeviceFlow, performOAuth2DeviceVerificationFlow, acceptUserCodeRequest, and the tokens of a device", async () => {
    const { writ } = site();
    const device = await createClient(writ, { grant_types: [DEVICE_GRANT, "refresh_token"], scope: "openid offline_access read", token_endpoint_auth_method: "none" });
    const ask = (form: Readonly<Record<string, string>>) =>
      site()
        .open()
        .oAuth2DeviceFlow({ data: new URLSearchParams(form).toString(), headers: { "content-type": "application/x-www-form-urlencoded" } });
    const begun = await ask({ client_id: device.client_id, scope: "openid offline_access read" });
    const codes = assertJson(begun);
    assertUnkept(begun);
    const shape = { device_code: "string", user_code: "string", verification_uri: "string", verification_uri_complete: "string", expires_in: "integer", interval: "integer" };
    assertShape(codes, shape, "a device authorization answer");
    assert.match(codes.device_code, /^ory_dc_/);
    assert.match(codes.user_code, /^[A-Z2-9]{8}$/);
    assert.deepEqual([codes.verification_uri, codes.expires_in, codes.interval], ["http://127.0.0.1:4444/oauth2/device/verify", 600, 1]);
    assert.equal(codes.verification_uri_complete, `${codes.verification_uri}?user_code=${codes.user_code}`);
    assertError(await ask({ client_id: "nobody" }), 401, "invalid_client");
    assertError(await ask({ client_id: device.client_id, scope: "admin" }), 400, "invalid_scope");
    const machine = await createClient(writ, { token_endpoint_auth_method: "client_secret_post" });
    assertError(await ask(credentials(machine)), 400, "invalid_grant");

    const verify = got(
      await site()
        .open()
        .performOAuth2DeviceVerificationFlow({ params: { user_code: codes.user_code } }),
    );
    assert.equal(verify.status, 302);
    assert.match(String(verify.headers.location), new RegExp(`^https://apps\\.example/device\\?device_challenge=[^&]+&user_code=${codes.user_code}$`));
    assert.match(String(verify.headers["set-cookie"]), /^ory_hydra_/);
    const form = new URLSearchParams({ grant_type: DEVICE_GRANT, device_code: codes.device_code, client_id: device.client_id }).toString();
    const poll = () =>
      site()
        .open()
        .oauth2TokenExchange({ grantType: DEVICE_GRANT }, { transformRequest: () => form });
    assertError(await poll(), 400, "authorization_pending");

    const agent = openUserAgent(writ);
    const { device_challenge: deviceChallenge = "" } = parametersOf(locationOf(await agent.get("/oauth2/device/verify")));
    const enter = (userCode: string, challenge = deviceChallenge) =>
      site().admin.acceptUserCodeRequest({ deviceChallenge: challenge, acceptDeviceUserCodeRequest: { user_code: userCode } });
    assertError(await enter("", deviceChallenge), 400, "invalid_request", /user_code/);
    assertError(await enter("XXXXXXXX"), 400, "invalid_request");
    assertError(await enter(codes.user_code, ""), 400, "invalid_request");
    assertError(await enter(codes.user_code, "none of ours"), 404, "Not Found");
    const accepted = assertJson(await enter(codes.user_code));
    assert.deepEqual(Object.keys(accepted), ["redirect_to"]);
    assert.match(accepted.redirect_to, /^http:\/\/127\.0\.0\.1:4444\/oauth2\/device\/verify\?/);
    assert.deepEqual(Object.keys(parametersOf(accepted.redirect_to)).toSorted(), ["client_id", "device_verifier"]);
    const { login_challenge: loginChallenge = "" } = parametersOf(locationOf(await agent.get(accepted.redirect_to)));
    const login = assertJson(await site().admin.getOAuth2LoginRequest({ loginChallenge }));
    assert.match(login.request_url, /^http:\/\/127\.0\.0\.1:4444\/oauth2\/device\/verify/);
    assert.deepEqual([login.requested_scope, login.oidc_context], [["openid", "offline_access", "read"], {}]);
    const { redirect_to: afterLogin } = assertJson(await site().admin.acceptOAuth2LoginRequest({ loginChallenge, acceptOAuth2LoginRequest: { subject: newSubject() } }));
    const { consent_challenge: consentChallenge = "" } = parametersOf(locationOf(await agent.get(afterLogin)));
    const { redirect_to: afterConsent } = assertJson(
      await site().admin.acceptOAuth2ConsentRequest({ consentChallenge, acceptOAuth2ConsentRequest: { grant_scope: ["openid", "offline_access", "read"] } }),
    );
    assert.equal(locationOf(await agent.get(afterConsent)), `https://apps.example/done?client_id=${device.client_id}`);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assertShape(assertJson(await poll()), { ...TOKENS, refresh_token: "string", id_token: "string" }, "a device's tokens");
    assertError(await poll(), 400, "invalid_grant");
    assertError(await enter(codes.user_code), 400, "invalid_request");
  });

  test("hydra.md §3.10: trustOAuth2JwtGrantIssuer, and to get, list by pages, and delete what is trusted; each fault", async () => {
    const { publicJwk } = await makeTestKey("ES256");
    const name = `https://issuer-${randomBytes(6).toString("hex")}.example`;
    const right = { issuer: name, subject: "alice", scope: ["read"], expires_at: "2099-01-02T03:04:05Z", jwk: { ...publicJwk, kid: "one", alg: "ES256", use: "sig" } as never };
    const trust = (more: object = {}) => site().admin.trustOAuth2JwtGrantIssuer({ trustOAuth2JwtGrantIssuer: { ...right, ...more } });
    const answer = await trust();
    const trusted = assertJson(answer, 201);
    assertShape(trusted, TRUSTED_ISSUER, "a trusted issuer");
    assert.equal(got(answer).headers.location, `/trust/grants/jwt-bearer/issuers/${trusted.id}`);
    assert.deepEqual(
      [trusted.issuer, trusted.subject, trusted.allow_any_subject, trusted.scope, trusted.public_key, trusted.expires_at],
      [name, "alice", false, ["read"], { set: name, kid: "one" }, "2099-01-02T03:04:05Z"],
    );
    assert.deepEqual(assertJson(await site().admin.getTrustedOAuth2JwtGrantIssuer({ id: trusted.id })), trusted);
    assert.equal((await trust()).status, 409);
    for (const more of [{ issuer: "" }, { subject: "" }, { allow_any_subject: true }, { expires_at: "" }, { jwk: { ...publicJwk, alg: "ES256", use: "sig" } }])
      assertError(await trust(more), 400, "missing_required_parameter");
    const any = assertJson(await trust({ subject: "", allow_any_subject: true }), 201);
    assert.deepEqual([any.subject, any.allow_any_subject], ["", true]);
    const third = assertJson(await trust({ subject: "bob" }), 201);
    const pages = await readPages("/admin/trust/grants/jwt-bearer/issuers", (pageToken) =>
      site().admin.listTrustedOAuth2JwtGrantIssuers({ issuer: name, pageSize: 2, ...(pageToken === undefined ? {} : { pageToken }) }),
    );
    assert.deepEqual(
      pages.map((page) => page.length),
      [2, 1],
    );
    const byId = (all: { id: string }[]) => all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(byId(pages.flat()), byId([trusted, any, third]));
    assert.deepEqual(assertJson(await site().admin.listTrustedOAuth2JwtGrantIssuers({ issuer: "https://nobody.example" })), []);
    assertDone(await site().admin.deleteTrustedOAuth2JwtGrantIssuer({ id: trusted.id }));
    for (const call of [site().admin.getTrustedOAuth2JwtGrantIssuer({ id: trusted.id }), site().admin.deleteTrustedOAuth2JwtGrantIssuer({ id: trusted.id })])
      assert.equal((await call).status, 404);
    assertError(await site().admin.getTrustedOAuth2JwtGrantIssuer({ id: "x" }), 400, /./);
    assertError(await site().admin.deleteTrustedOAuth2JwtGrantIssuer({ id: "x" }), 400, /./);
  });
}

function credentials({ client_id: id, client_secret: secret }: TestClient): Readonly<Record<string, string>> {
  return { client_id: id, client_secret: secret };
}
