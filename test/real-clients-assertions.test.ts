import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { createClient, sendJson, type TestClient } from "./harness/http.ts";
import { startAtIssuer, type Writ } from "./harness/writ.ts";

const SCOPE = "read";
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const insecure = { [oauth.allowInsecureRequests]: true };

for (const arrangement of ["direct", "apart"] as const)
  describe(`real clients that sign assertions [${arrangement}]`, () => {
    let server: Writ | undefined;
    let issuer = new URL("http://127.0.0.1");
    let keys: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };
    before(async () => {
      ({ writ: server, issuer } = await startAtIssuer(arrangement));
      keys = await generateKeyPair("ES256", { extractable: true });
    });
    after(() => server?.close());
    const register = (metadata: object): Promise<TestClient> => createClient(server ?? assert.fail("the server is not running"), { scope: SCOPE, ...metadata });
    const withKey = async () =>
      register({ token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256", jwks: { keys: [{ ...(await exportJWK(keys.publicKey)), kid: "k" }] } });
    const withSecret = () => register({ token_endpoint_auth_method: "client_secret_jwt" });

    const useOpenidClient = async (clientId: string, authentication: openid.ClientAuth) => {
      const config = await openid.discovery(issuer, clientId, undefined, authentication, { execute: [openid.allowInsecureRequests] });
      const tokens = await openid.clientCredentialsGrant(config, { scope: SCOPE });
      assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).active, true);
      await openid.tokenRevocation(config, tokens.access_token);
      assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).active, false);
    };
    const useOauth4webapi = async (clientId: string, authentication: oauth.ClientAuth) => {
      const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
      const client: oauth.Client = { client_id: clientId };
      const tokens = await oauth.processClientCredentialsResponse(as, client, await oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: SCOPE }, insecure));
      const introspect = async () => oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, tokens.access_token, insecure));
      assert.equal((await introspect()).active, true);
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, tokens.access_token, insecure));
      assert.equal((await introspect()).active, false);
    };

    test("openid-client 6: private_key_jwt at the token, introspection and revocation endpoints", async () => {
      const client = await withKey();
      await useOpenidClient(client.client_id, openid.PrivateKeyJwt({ key: keys.privateKey, kid: "k" }));
    });

    test("openid-client 6: client_secret_jwt at the token, introspection and revocation endpoints", async () => {
      const client = await withSecret();
      await useOpenidClient(client.client_id, openid.ClientSecretJwt(client.client_secret));
    });

    test("openid-client 6: private_key_jwt, an authorization request as a signed object, and an assertion as a grant", async () => {
      const issuerOfGrants = "https://idp.example";
      const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k" };
      const client = await register({
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [jwk] },
        redirect_uris: ["https://rp.example/cb"],
        grant_types: ["authorization_code", JWT_BEARER],
        response_types: ["code"],
      });
      const config = await openid.discovery(issuer, client.client_id, undefined, openid.PrivateKeyJwt({ key: keys.privateKey, kid: "k" }), {
        execute: [openid.allowInsecureRequests],
      });
      const url = await openid.buildAuthorizationUrlWithJAR(config, { redirect_uri: "https://rp.example/cb", scope: SCOPE, state: "inside" }, { key: keys.privateKey, kid: "k" });
      assert.deepEqual([...url.searchParams.keys()].toSorted(), ["client_id", "request"]);
      const { status, headers } = await fetch(url, { redirect: "manual" });
      assert.deepEqual([status, /login_challenge=/.test(headers.get("location") ?? "")], [302, true]);
      const trust = { issuer: issuerOfGrants, subject: "alice", scope: [SCOPE], jwk, expires_at: new Date(Date.now() + 60_000).toISOString() };
      assert.equal((await sendJson(server ?? assert.fail("the server is not running"), "POST", "/admin/trust/grants/jwt-bearer/issuers", trust)).status, 201);
      const assertion = await new SignJWT({ iss: issuerOfGrants, sub: "alice", aud: issuer.href, jti: "1" })
        .setProtectedHeader({ alg: "ES256", kid: "k" })
        .setIssuedAt()
        .setExpirationTime("1m")
        .sign(keys.privateKey);
      const tokens = await openid.genericGrantRequest(config, JWT_BEARER, { assertion, scope: SCOPE });
      const told = await openid.tokenIntrospection(config, tokens.access_token);
      assert.deepEqual([told.active, told.sub, told.scope], [true, "alice", SCOPE]);
    });

    test("oauth4webapi 3: private_key_jwt at the token, introspection and revocation endpoints", async () => {
      const client = await withKey();
      await useOauth4webapi(client.client_id, oauth.PrivateKeyJwt({ key: keys.privateKey, kid: "k" }));
    });

    test("oauth4webapi 3: client_secret_jwt at the token, introspection and revocation endpoints", async () => {
      const client = await withSecret();
      await useOauth4webapi(client.client_id, oauth.ClientSecretJwt(client.client_secret));
    });
  });
