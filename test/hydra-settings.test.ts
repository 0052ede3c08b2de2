import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { decodeJwt } from "jose";
import { createClient, introspect, postForm, sendJson, type TestClient } from "./harness/http.ts";
import { createRp, finishFlow, getTokens, openUserAgent, parametersOf } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const basicOf = ({ client_id: id, client_secret: secret }: TestClient) => ({ basic: [id, secret] as const });

describeWrit(
  "Hydra's switches",
  {
    config: {
      compat: "hydra",
      strategies: { scope: "exact", access_token: "jwt", jwt: { scope_claim: "both" } },
      oauth2: { pkce: { enforced: true }, client_credentials: { default_grant_allowed_scope: true } },
      ttl: { auth_code: "3m", id_token: "5m", access_token: "7m", refresh_token: -1 },
    },
  },
  (writ) => {
    const token = (form: Record<string, string>, options: Parameters<typeof postForm>[2]) => postForm(`${writ().publicUrl}/oauth2/token`, form, options);

    test("hydra.md §8.4: default_grant_allowed_scope: who asks for no scope gets all that the client may have", async () => {
      const client = await createClient(writ(), { scope: "read write" });
      const { body } = await token({ grant_type: "client_credentials" }, basicOf(client));
      assert.deepEqual([body.scope, body.expires_in], ["read write", 420]);
      assert.equal((await token({ grant_type: "client_credentials", scope: "read" }, basicOf(client))).body.scope, "read");
    });

    test("hydra.md §6.4: strategies.jwt.scope_claim both: a list and a string", async () => {
      const { body } = await token({ grant_type: "client_credentials" }, basicOf(await createClient(writ())));
      const { scp, scope } = decodeJwt(body.access_token);
      assert.deepEqual([scp, scope], [["read", "write"], "read write"]);
    });

    test("hydra.md §8.8: strategies.scope exact: a star is only a star", async () => {
      const client = await createClient(writ(), { scope: "photos.* read" });
      assert.equal((await token({ grant_type: "client_credentials", scope: "photos.create" }, basicOf(client))).body.error, "invalid_scope");
      assert.equal((await token({ grant_type: "client_credentials", scope: "photos.*" }, basicOf(client))).body.scope, "photos.*");
    });

    test("hydra.md §8.2: pkce.enforced is for confidential clients too", async () => {
      const rp = await createRp(writ());
      assert.equal(parametersOf((await openUserAgent(writ()).get(rp.request())).headers.get("location")).error, "invalid_request");
      const challenge = createHash("sha256").update("v".repeat(43)).digest("base64url");
      const { code } = await finishFlow(writ(), openUserAgent(writ()), rp.request({ code_challenge: challenge, code_challenge_method: "S256" }));
      assert.ok(code);
    });

    test("hydra.md §8.1: the secret by Basic and in the form at once is invalid_client; so is a secret of a public client", async () => {
      const client = await createClient(writ());
      const { client_id: id, client_secret: secret } = client;
      const twice = await token({ grant_type: "client_credentials", client_id: id, client_secret: secret }, basicOf(client));
      assert.deepEqual([twice.status, twice.body.error], [401, "invalid_client"]);
      const open = await createClient(writ(), { token_endpoint_auth_method: "none", grant_types: ["refresh_token"] });
      const shown = await token({ grant_type: "refresh_token", refresh_token: "x", client_id: open.client_id, client_secret: "a secret" }, {});
      assert.deepEqual([shown.status, shown.body.error], [401, "invalid_client"]);
    });
  },
  ["direct"],
);

describeWrit(
  "Hydra's lifetimes",
  { config: { compat: "hydra", ttl: { id_token: "5m", access_token: "7m", refresh_token: -1 } } },
  (writ) => {
    test("hydra.md §6.6, §8.5: ttl.* are the tokens' lives; a refresh token of -1 outlives everybody", async () => {
      const tokens = await getTokens(writ(), await createRp(writ()));
      const { iat = 0, exp = 0 } = decodeJwt(tokens.id_token);
      assert.deepEqual([tokens.expires_in, exp - iat], [420, 300]);
      const { active, exp: refreshExpiry, iat: refreshIssued } = await introspect(writ(), tokens.refresh_token);
      assert.ok(active && refreshExpiry - refreshIssued > 49 * 365 * 86_400);
    });
  },
  ["direct"],
);

describeWrit(
  "what Hydra takes",
  { config: { compat: "hydra" } },
  (writ) => {
    test("hydra.md §4.1: grant types, response types and methods that nobody knows are kept, and refused where they are used", async () => {
      const metadata = { grant_types: ["urn:example:own", "client_credentials"], response_types: ["token id_token code"], token_endpoint_auth_method: "tls_client_auth" };
      const client = await createClient(writ(), metadata);
      const { body } = await sendJson(writ(), "GET", `/admin/clients/${client.client_id}`);
      assert.deepEqual([body.grant_types, body.response_types, body.token_endpoint_auth_method], Object.values(metadata));
      for (const [form, options] of [
        [{}, basicOf(client)],
        [{ client_id: client.client_id, client_secret: client.client_secret }, {}],
        [{ client_id: client.client_id }, {}],
      ] as const) {
        const answer = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials", ...form }, options);
        assert.deepEqual([answer.status, answer.body.error], [401, "invalid_client"]);
      }
    });

    test("hydra.md §3.9: on the admin port neither credentials nor a hint change what introspection says", async () => {
      const { access_token: access, refresh_token: refreshing } = await getTokens(writ(), await createRp(writ()));
      const ask = async (token: string, hint: string) =>
        (await postForm(`${writ().adminUrl}/admin/oauth2/introspect`, { token, token_type_hint: hint }, { basic: ["nobody", "wrong"] })).body.token_use;
      for (const hint of ["access_token", "refresh_token", "something"])
        assert.deepEqual([await ask(access, hint), await ask(refreshing, hint)], ["access_token", "refresh_token"], hint);
    });

    test("hydra.md §8.8, §2.2: offline and offline_access each bring a refresh token, to a client that has the grant; without them none comes", async () => {
      const scope = "openid offline offline_access read";
      const of = async (asked: string, grants: readonly string[]) =>
        typeof (await getTokens(writ(), await createRp(writ(), { scope, grant_types: grants }), { request: { scope: asked } })).refresh_token;
      const both = ["authorization_code", "refresh_token"];
      assert.deepEqual(
        [await of("offline read", both), await of("offline_access", both), await of("openid read", both), await of("offline", ["authorization_code"])],
        ["string", "string", "undefined", "undefined"],
      );
    });
  },
  ["direct"],
);
