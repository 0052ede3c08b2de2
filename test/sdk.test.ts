import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { createWritClient, oauthErrorOf } from "#sdk/index.ts";
import { issueToken } from "./harness/http.ts";
import { describeWrit } from "./harness/writ.ts";

describeWrit(
  "sdk",
  {},
  (writ) => {
    test("a program creates a client, introspects its token and ends its tokens by typed calls", async () => {
      const sdk = createWritClient({ baseUrl: writ().rpcUrl });
      const { client } = await sdk.clients.createClient({ client: { grantTypes: ["client_credentials"], scope: "read", metadata: { team: "a" } } });
      assert.ok(client !== undefined && client.clientSecret !== "");
      assert.deepEqual((await sdk.clients.getClient({ clientId: client.clientId })).client?.metadata, { team: "a" });
      const token = await issueToken(writ(), { client_id: client.clientId, client_secret: client.clientSecret }, { scope: "read" });
      assert.equal((await sdk.tokens.introspect({ token })).introspection?.token?.scope, "read");
      await sdk.adminTokens.deleteAccessTokens({ clientId: client.clientId });
      assert.equal((await sdk.tokens.introspect({ token })).introspection?.active, false);
      assert.equal((await sdk.metadata.getVersion({})).version, "0.0.0-test");
      assert.ok((await sdk.jwks.getJwkSet({ set: "hydra.jwt.access-token" })).keySet?.keys.every(({ d }) => d !== ""));
    });

    test("a failed call has a code, and the protocol's where there is one", async () => {
      const sdk = createWritClient({ baseUrl: writ().rpcUrl });
      const failure = (call: Promise<unknown>) =>
        call.then(
          () => assert.fail("it was answered"),
          (error: unknown) => ConnectError.from(error),
        );
      assert.equal((await failure(sdk.clients.getClient({ clientId: "nobody" }))).code, Code.NotFound);
      const metadata = await failure(sdk.clients.createClient({ client: { redirectUris: ["javascript:alert(1)"] } }));
      assert.deepEqual([metadata.code, oauthErrorOf(metadata)], [Code.InvalidArgument, "invalid_redirect_uri"]);
    });
  },
  ["direct"],
);
