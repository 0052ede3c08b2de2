import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Configuration, OAuth2Api } from "@ory/hydra-client";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { createDevice } from "./harness/device.ts";
import { createRp, newSubject, openUserAgent, parametersOf, type Rp } from "./harness/user-agent.ts";
import { startAtIssuer, type Writ } from "./harness/writ.ts";

const REDIRECT_URI = "http://127.0.0.1:7/cb";
const SCOPE = "openid offline_access read";

for (const arrangement of ["direct", "apart"] as const)
  describe(`real clients [${arrangement}]`, () => {
    let server: Writ | undefined;
    let issuer = new URL("http://127.0.0.1");
    const writ = (): Writ => server ?? assert.fail("the server is not running");
    before(async () => {
      ({ writ: server, issuer } = await startAtIssuer(arrangement));
    });
    after(() => server?.close());

    const api = () => new OAuth2Api(new Configuration({ basePath: writ().adminUrl }));

    /** What Ory's example app does, call by call (hydra.md §13), with a browser beside it. */
    const browse = async (url: string, subject: string, agent = openUserAgent(writ())): Promise<URL> => {
      const locationOf = async (to: string) => (await agent.get(to)).headers.get("location") ?? "";
      const { login_challenge: loginChallenge = "" } = parametersOf(await locationOf(url));
      const { data: login } = await api().getOAuth2LoginRequest({ loginChallenge });
      assert.deepEqual([login.challenge, login.skip, login.client?.client_id !== undefined], [loginChallenge, false, true]);
      const { data: loggedIn } = await api().acceptOAuth2LoginRequest({ loginChallenge, acceptOAuth2LoginRequest: { subject, remember: true, remember_for: 3600, acr: "0" } });
      const { consent_challenge: consentChallenge = "" } = parametersOf(await locationOf(loggedIn.redirect_to));
      const { data: consent } = await api().getOAuth2ConsentRequest({ consentChallenge });
      assert.deepEqual([consent.subject, consent.skip], [subject, false]);
      const { data: consented } = await api().acceptOAuth2ConsentRequest({
        consentChallenge,
        acceptOAuth2ConsentRequest: {
          grant_scope: consent.requested_scope ?? [],
          grant_access_token_audience: consent.requested_access_token_audience ?? [],
          session: { access_token: {}, id_token: {} },
          remember: true,
          remember_for: 3600,
        },
      });
      return new URL(await locationOf(consented.redirect_to));
    };

    const newRp = (metadata: object = {}): Promise<Rp> => createRp(writ(), { redirect_uris: [REDIRECT_URI], ...metadata });

    test("openid-client 6: discovery, code with PKCE, state and nonce, userinfo, refresh, introspection, revocation", async () => {
      const { client } = await newRp();
      const subject = newSubject();
      const config = await openid.discovery(issuer, client.client_id, undefined, openid.ClientSecretBasic(client.client_secret), { execute: [openid.allowInsecureRequests] });
      const [pkceCodeVerifier, expectedState, expectedNonce] = [openid.randomPKCECodeVerifier(), openid.randomState(), openid.randomNonce()];
      const url = openid.buildAuthorizationUrl(config, {
        redirect_uri: REDIRECT_URI,
        scope: SCOPE,
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: "S256",
        state: expectedState,
        nonce: expectedNonce,
      });
      const tokens = await openid.authorizationCodeGrant(config, await browse(url.href, subject), { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true });
      assert.equal(tokens.claims()?.sub, subject);
      assert.equal((await openid.fetchUserInfo(config, tokens.access_token, subject)).sub, subject);
      const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? assert.fail("no refresh token"));
      assert.equal(refreshed.claims()?.sub, subject);
      assert.equal((await openid.tokenIntrospection(config, refreshed.access_token)).active, true);
      await openid.tokenRevocation(config, refreshed.refresh_token ?? assert.fail("no refresh token"));
      assert.equal((await openid.tokenIntrospection(config, refreshed.access_token)).active, false);
    });

    test("oauth4webapi 3: a public client: code with PKCE, userinfo, refresh, revocation, each answer checked by the library", async () => {
      const { client: registered } = await newRp({ token_endpoint_auth_method: "none" });
      const subject = newSubject();
      const insecure = { [oauth.allowInsecureRequests]: true };
      const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
      const client: oauth.Client = { client_id: registered.client_id };
      const authentication = oauth.None();
      const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
      const url = new URL(as.authorization_endpoint ?? "");
      for (const [name, value] of Object.entries({
        client_id: client.client_id,
        redirect_uri: REDIRECT_URI,
        response_type: "code",
        scope: SCOPE,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state,
        nonce,
      }))
        url.searchParams.set(name, value);
      const callback = oauth.validateAuthResponse(as, client, await browse(url.href, subject), state);
      const redeemed = await oauth.authorizationCodeGrantRequest(as, client, authentication, callback, REDIRECT_URI, verifier, insecure);
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, redeemed, { expectedNonce: nonce, requireIdToken: true });
      await oauth.validateApplicationLevelSignature(as, redeemed, insecure);
      const info = await oauth.processUserInfoResponse(as, client, subject, await oauth.userInfoRequest(as, client, tokens.access_token, insecure));
      assert.equal(info.sub, subject);
      const refreshing = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token ?? "", insecure);
      const refreshed = await oauth.processRefreshTokenResponse(as, client, refreshing);
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, refreshed.refresh_token ?? "", insecure));
      const { status } = await oauth.userInfoRequest(as, client, refreshed.access_token, insecure);
      assert.equal(status, 401);
    });

    /** The device app of Ory's example, and then the login and consent apps (hydra.md §13). */
    const connectDevice = async (uri: string, userCode: string, subject: string): Promise<URL> => {
      const agent = openUserAgent(writ());
      const { device_challenge: deviceChallenge = "" } = parametersOf((await agent.get(uri)).headers.get("location"));
      const { data } = await api().acceptUserCodeRequest({ deviceChallenge, acceptDeviceUserCodeRequest: { user_code: userCode } });
      return browse(data.redirect_to, subject, agent);
    };

    test("openid-client 6: initiateDeviceAuthorization and pollDeviceAuthorizationGrant, with @ory/hydra-client in the device app", async () => {
      const { client_id: clientId } = await createDevice(writ(), { scope: SCOPE });
      const subject = newSubject();
      const config = await openid.discovery(issuer, clientId, undefined, openid.None(), { execute: [openid.allowInsecureRequests] });
      const codes = await openid.initiateDeviceAuthorization(config, { scope: SCOPE });
      const polling = openid.pollDeviceAuthorizationGrant(config, codes);
      const done = await connectDevice(codes.verification_uri_complete ?? "", codes.user_code, subject);
      assert.deepEqual([done.pathname, done.searchParams.get("client_id")], ["/oauth2/fallbacks/device/done", clientId]);
      const tokens = await polling;
      assert.equal(tokens.claims()?.sub, subject);
      assert.equal((await openid.fetchUserInfo(config, tokens.access_token, subject)).sub, subject);
      assert.equal((await openid.refreshTokenGrant(config, tokens.refresh_token ?? assert.fail("no refresh token"))).claims()?.sub, subject);
    });

    test("oauth4webapi 3: the device flow of a confidential client, each answer checked by the library; @ory/hydra-client is refused a wrong code", async () => {
      const registered = await createDevice(writ(), { scope: SCOPE, token_endpoint_auth_method: "client_secret_basic" });
      const subject = newSubject();
      const insecure = { [oauth.allowInsecureRequests]: true };
      const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
      const client: oauth.Client = { client_id: registered.client_id };
      const authentication = oauth.ClientSecretBasic(registered.client_secret);
      const asked = await oauth.deviceAuthorizationRequest(as, client, authentication, { scope: SCOPE }, insecure);
      const codes = await oauth.processDeviceAuthorizationResponse(as, client, asked);
      const pollOnce = async () => oauth.processDeviceCodeResponse(as, client, await oauth.deviceCodeGrantRequest(as, client, authentication, codes.device_code, insecure));
      await assert.rejects(pollOnce(), (error: oauth.ResponseBodyError) => error.error === "authorization_pending" && error.status === 400);
      await assert.rejects(
        connectDevice(codes.verification_uri, "XXXX-XXXX", subject),
        (error: { response?: { status: number; data: unknown } }) => error.response?.status === 400,
      );
      await connectDevice(codes.verification_uri, codes.user_code, subject);
      const tokens = await pollOnce();
      assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, subject);
    });

    test("@ory/hydra-client: a login app and a consent app written for Hydra accept, reject, list and revoke", async () => {
      const rp = await newRp();
      const subject = newSubject();
      const answer = await browse(rp.request({ redirect_uri: REDIRECT_URI, scope: SCOPE }), subject);
      assert.ok(answer.searchParams.get("code"));
      const { data: sessions } = await api().listOAuth2ConsentSessions({ subject });
      assert.equal(sessions.length, 1);
      assert.deepEqual([sessions[0]?.grant_scope, sessions[0]?.consent_request?.client?.client_id], [SCOPE.split(" "), rp.client.client_id]);
      await api().revokeOAuth2ConsentSessions({ subject, client: rp.client.client_id });
      assert.deepEqual((await api().listOAuth2ConsentSessions({ subject })).data, []);
      await api().revokeOAuth2LoginSessions({ subject });
      const agent = openUserAgent(writ());
      const locationOf = async (to: string) => parametersOf((await agent.get(to)).headers.get("location"));
      const { login_challenge: loginChallenge = "" } = await locationOf(rp.request({ redirect_uri: REDIRECT_URI }));
      const { data: rejected } = await api().rejectOAuth2LoginRequest({
        loginChallenge,
        rejectOAuth2Request: { error: "access_denied", error_description: "The resource owner denied the request" },
      });
      assert.equal((await locationOf(rejected.redirect_to)).error, "access_denied");
      const { data: loggedIn } = await api().acceptOAuth2LoginRequest({ loginChallenge, acceptOAuth2LoginRequest: { subject } });
      const { consent_challenge: consentChallenge = "" } = await locationOf(loggedIn.redirect_to);
      const { data: denied } = await api().rejectOAuth2ConsentRequest({ consentChallenge, rejectOAuth2Request: { error: "access_denied", error_description: "No" } });
      assert.deepEqual([(await locationOf(denied.redirect_to)).error, (await locationOf(denied.redirect_to)).error_description !== "No"], ["access_denied", true]);
      await assert.rejects(api().getOAuth2LoginRequest({ loginChallenge: "unknown" }), (error: { response?: { status: number } }) => error.response?.status === 404);
    });

    test("openid-client 6 and @ory/hydra-client: the end session URL of the one, and a logout app written for Hydra", async () => {
      const bye = "http://127.0.0.1:7/bye";
      const rp = await newRp({ post_logout_redirect_uris: [bye] });
      const subject = newSubject();
      const config = await openid.discovery(issuer, rp.client.client_id, undefined, openid.ClientSecretBasic(rp.client.client_secret), { execute: [openid.allowInsecureRequests] });
      const tokens = await openid.authorizationCodeGrant(config, await browse(rp.request({ redirect_uri: REDIRECT_URI, scope: SCOPE }), subject), {
        expectedState: openid.skipStateCheck,
      });
      const url = openid.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: bye, state: "after" });
      assert.equal(url.pathname, "/oauth2/sessions/logout");
      const agent = openUserAgent(writ());
      const challengeOf = async () => parametersOf((await agent.get(url.href)).headers.get("location")).logout_challenge ?? assert.fail("nobody was asked");
      const logoutChallenge = await challengeOf();
      const { data: logout } = await api().getOAuth2LogoutRequest({ logoutChallenge });
      assert.deepEqual([logout.subject, logout.rp_initiated, logout.client?.client_id, logout.sid], [subject, true, rp.client.client_id, tokens.claims()?.sid]);
      assert.equal((await api().rejectOAuth2LogoutRequest({ logoutChallenge })).status, 204);
      const { data: accepted } = await api().acceptOAuth2LogoutRequest({ logoutChallenge: await challengeOf() });
      const { headers } = await agent.get(accepted.redirect_to);
      assert.equal(headers.get("location"), `${bye}?state=after`);
      await assert.rejects(api().getOAuth2LogoutRequest({ logoutChallenge: "unknown" }), (error: { response?: { status: number } }) => error.response?.status === 404);
    });
  });
