import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type CryptoKey, exportJWK, generateKeyPair } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { createClient, type TestClient } from "./harness/http.ts";
import { freePort } from "./harness/port.ts";
import { startWrit, type Writ } from "./harness/writ.ts";

const SCOPE = "read";
const insecure = { [oauth.allowInsecureRequests]: true };

for (const arrangement of ["direct", "apart"] as const)
  describe(`real clients that sign assertions [${arrangement}]`, () => {
    let server: Writ | undefined;
    let issuer = new URL("http://127.0.0.1");
    let keys: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };
    before(async () => {
      const port = await freePort();
      issuer = new URL(`http://127.0.0.1:${port}`);
      server = await startWrit(arrangement, { config: { urls: { self: { issuer: issuer.href } }, serve: { public: { port } } } });
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

    test("oauth4webapi 3: private_key_jwt at the token, introspection and revocation endpoints", async () => {
      const client = await withKey();
      await useOauth4webapi(client.client_id, oauth.PrivateKeyJwt({ key: keys.privateKey, kid: "k" }));
    });

    test("oauth4webapi 3: client_secret_jwt at the token, introspection and revocation endpoints", async () => {
      const client = await withSecret();
      await useOauth4webapi(client.client_id, oauth.ClientSecretJwt(client.client_secret));
    });
  });
