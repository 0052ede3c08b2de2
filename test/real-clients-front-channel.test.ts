import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { consentApp, createRp, goToConsent, newSubject, openUserAgent, type Rp } from "./harness/user-agent.ts";
import { startAtIssuer, type Writ } from "./harness/writ.ts";

const SCOPE = "openid email";
const INSECURE = { [oauth.allowInsecureRequests]: true };
const TYPES = ["code", "id_token", "id_token token", "token", "code id_token", "code token", "code id_token token"] as const;

describe("real clients with answers that hold more than a code", () => {
  let server: Writ | undefined;
  let issuer = new URL("http://127.0.0.1");
  const writ = (): Writ => server ?? assert.fail("the server is not running");
  before(async () => {
    ({ writ: server, issuer } = await startAtIssuer("direct"));
  });
  after(() => server?.close());

  const newRp = (metadata: object = {}): Promise<Rp> => createRp(writ(), { grant_types: ["authorization_code", "implicit"], response_types: TYPES, scope: SCOPE, ...metadata });

  /** What a browser brings to the client: a URL, or by form_post a request. */
  const browse = async (url: URL, rp: Rp, subject: string): Promise<URL | Request> => {
    const agent = openUserAgent(writ());
    const challenge = await goToConsent(writ(), agent, url.href, { subject });
    const accepted = await consentApp.accept(writ(), challenge, { grant_scope: SCOPE.split(" "), session: { id_token: { email: `${subject}@people.example` } } });
    const { headers, text } = await agent.get(accepted.body.redirect_to);
    const location = headers.get("location");
    if (location !== null) return new URL(location);
    const [, action = ""] = /<form method="post" action="([^"]*)"/.exec(text) ?? [];
    assert.equal(action, rp.redirectUri);
    const unescape = (value: string) => value.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    const fields = [...text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name = "", value = ""]): [string, string] => [name, unescape(value)]);
    return new Request(action, { method: "POST", body: new URLSearchParams(fields), headers: { "content-type": "application/x-www-form-urlencoded" } });
  };

  const copyOf = (answer: URL | Request): URL | Request => (answer instanceof URL ? answer : answer.clone());
  const parametersOf = async (answer: URL | Request): Promise<URLSearchParams> =>
    answer instanceof URL ? new URLSearchParams(answer.hash.slice(1) || answer.search) : new URLSearchParams(await answer.text());

  const discover = (rp: Rp) =>
    openid.discovery(issuer, rp.client.client_id, undefined, openid.ClientSecretBasic(rp.client.client_secret), { execute: [openid.allowInsecureRequests] });

  for (const mode of ["fragment", "form_post"] as const) {
    test(`openid-client 6: response_type id_token by ${mode}: nonce, state and signature, and the claims of scopes`, async () => {
      const rp = await newRp();
      const config = await discover(rp);
      openid.useIdTokenResponseType(config);
      const [expectedState, expectedNonce, subject] = [openid.randomState(), openid.randomNonce(), newSubject()];
      const url = openid.buildAuthorizationUrl(config, { redirect_uri: rp.redirectUri, scope: SCOPE, state: expectedState, nonce: expectedNonce, response_mode: mode });
      assert.equal(url.searchParams.get("response_type"), "id_token");
      const answer = await browse(url, rp, subject);
      const claims = await openid.implicitAuthentication(config, copyOf(answer), expectedNonce, { expectedState });
      assert.deepEqual([claims.sub, claims.email], [subject, `${subject}@people.example`]);
      await assert.rejects(openid.implicitAuthentication(config, copyOf(answer), "another nonce", { expectedState }));
    });

    test(`openid-client 6: response_type code id_token by ${mode}, with the checks of FAPI's detached signature: c_hash, s_hash; then the code`, async () => {
      const rp = await newRp();
      for (const detached of [false, true]) {
        const config = await discover(rp);
        openid.useCodeIdTokenResponseType(config);
        if (detached) openid.enableDetachedSignatureResponseChecks(config);
        const [expectedState, expectedNonce, pkceCodeVerifier, subject] = [openid.randomState(), openid.randomNonce(), openid.randomPKCECodeVerifier(), newSubject()];
        const url = openid.buildAuthorizationUrl(config, {
          redirect_uri: rp.redirectUri,
          scope: SCOPE,
          state: expectedState,
          nonce: expectedNonce,
          response_mode: mode,
          code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
          code_challenge_method: "S256",
          max_age: "600",
        });
        const answer = await browse(url, rp, subject);
        const tokens = await openid.authorizationCodeGrant(config, answer, { expectedState, expectedNonce, pkceCodeVerifier, maxAge: 600, idTokenExpected: true });
        assert.deepEqual([tokens.claims()?.sub, tokens.claims()?.email], [subject, undefined]);
        assert.equal((await openid.fetchUserInfo(config, tokens.access_token, subject)).email, `${subject}@people.example`);
      }
    });
  }

  for (const type of TYPES)
    for (const mode of [type === "code" ? "query" : "fragment", "form_post"] as const)
      test(`oauth4webapi 3: response_type ${type} by ${mode}: all that came is good for the library, and works`, async () => {
        const rp = await newRp();
        const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
        assert.ok(as.response_types_supported?.includes(type) && as.response_modes_supported?.includes(mode));
        const client: oauth.Client = { client_id: rp.client.client_id };
        const [verifier, state, nonce, subject] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce(), newSubject()];
        const url = new URL(as.authorization_endpoint ?? "");
        const isCode = type.split(" ").includes("code");
        const pkce = isCode ? { code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" } : {};
        const request = { client_id: client.client_id, redirect_uri: rp.redirectUri, response_type: type, response_mode: mode, scope: SCOPE, state, nonce, ...pkce };
        for (const [name, value] of Object.entries(request)) url.searchParams.set(name, value);
        const answer = await browse(url, rp, subject);
        const parameters = await parametersOf(copyOf(answer));

        /** What came beside the code, read as if it were an answer of the token endpoint: at_hash, nonce and signature. */
        const [accessToken, idToken] = [parameters.get("access_token"), parameters.get("id_token")];
        assert.deepEqual([accessToken !== null, idToken !== null, parameters.has("code")], [/\btoken\b/.test(type.replace("id_token", "")), type.includes("id_token"), isCode]);
        if (accessToken !== null || idToken !== null) {
          const body = { access_token: accessToken ?? "none", token_type: parameters.get("token_type") ?? "Bearer", ...(idToken === null ? {} : { id_token: idToken }) };
          const asToken = Response.json(body);
          const tokens = await oauth.processAuthorizationCodeResponse(as, client, asToken, idToken === null ? {} : { expectedNonce: nonce, requireIdToken: true });
          if (idToken !== null) await oauth.validateApplicationLevelSignature(as, asToken, INSECURE);
          if (idToken !== null) assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, subject);
        }
        if (accessToken !== null) {
          const info = await oauth.processUserInfoResponse(as, client, subject, await oauth.userInfoRequest(as, client, accessToken, INSECURE));
          assert.equal(info.email, `${subject}@people.example`);
        }
        for (const name of ["access_token", "token_type", "expires_in", "scope"]) parameters.delete(name);
        const isHybrid = isCode && idToken !== null;
        const checked = isHybrid
          ? await oauth.validateDetachedSignatureResponse(as, client, parameters, nonce, state, undefined, INSECURE)
          : oauth.validateAuthResponse(as, client, withoutIdToken(parameters), state);
        if (!isCode) return;
        const secret = oauth.ClientSecretBasic(rp.client.client_secret);
        const redeemed = await oauth.authorizationCodeGrantRequest(as, client, secret, checked, rp.redirectUri, verifier, INSECURE);
        const tokens = await oauth.processAuthorizationCodeResponse(as, client, redeemed, { expectedNonce: nonce, requireIdToken: true });
        assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, subject);
      });

  test("openid-client 6: a PS256 ID token and a JWT access token by the front", async () => {
    const rp = await newRp({ id_token_signed_response_alg: "PS256", access_token_strategy: "jwt" });
    const config = await openid.discovery(issuer, rp.client.client_id, { id_token_signed_response_alg: "PS256" }, openid.ClientSecretBasic(rp.client.client_secret), {
      execute: [openid.allowInsecureRequests, openid.useIdTokenResponseType],
    });
    const [expectedState, expectedNonce, subject] = [openid.randomState(), openid.randomNonce(), newSubject()];
    const url = openid.buildAuthorizationUrl(config, { redirect_uri: rp.redirectUri, scope: SCOPE, state: expectedState, nonce: expectedNonce });
    const claims = await openid.implicitAuthentication(config, await browse(url, rp, subject), expectedNonce, { expectedState });
    assert.equal(claims.sub, subject);
  });
});

/** The library reads ID tokens of code flows alone beside a code. */
function withoutIdToken(parameters: URLSearchParams): URLSearchParams {
  const rest = new URLSearchParams(parameters);
  rest.delete("id_token");
  return rest;
}
