import assert from "node:assert/strict";
import { test } from "node:test";
import { allowInsecureRequests, ClientSecretBasic, clientCredentialsGrant, discovery, tokenIntrospection, tokenRevocation } from "openid-client";
import { createClient, send } from "./harness/http.ts";
import { describeWrit, startAtIssuer, startWrit } from "./harness/writ.ts";

const FORMS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

describeWrit("metadata", {}, (writ) => {
  for (const path of FORMS)
    test(`RFC 8414 §3, OIDC Discovery §4: ${path} is the same JSON document, whose issuer is byte-equal to the configured one`, async () => {
      const answer = await send(writ().publicUrl + path);
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
      assert.equal(answer.body.issuer, "http://127.0.0.1:4444");
      assert.deepEqual([answer.body.code_challenge_methods_supported, answer.body.authorization_response_iss_parameter_supported], [["S256"], true]);
      assert.deepEqual(answer.body, (await send(writ().publicUrl + FORMS[0])).body);
    });

  test("RFC 8414 §2: nothing is advertised that does not answer, and no list is empty", async () => {
    const { body } = await send(writ().publicUrl + FORMS[1]);
    for (const [name, value] of Object.entries(body)) {
      if (Array.isArray(value)) assert.ok(value.length > 0, name);
      if (!name.endsWith("_endpoint") && name !== "jwks_uri") continue;
      const { pathname } = new URL(String(value));
      const { status } = await send(writ().publicUrl + pathname);
      const answers = { jwks_uri: 200, authorization_endpoint: 400, userinfo_endpoint: 401, end_session_endpoint: 303 }[name] ?? 405;
      assert.equal(status, answers, `${name} ${pathname}`);
    }
    assert.deepEqual(body.grant_types_supported, [
      "authorization_code",
      "refresh_token",
      "client_credentials",
      "urn:ietf:params:oauth:grant-type:jwt-bearer",
      "urn:ietf:params:oauth:grant-type:device_code",
      "implicit",
    ]);
  });

  test("hydra.md §2.9: what Hydra's generated clients require of the document is there, and its endpoints have Hydra's paths", async () => {
    const { body } = await send(writ().publicUrl + FORMS[0]);
    const url = (path: string) => `http://127.0.0.1:4444${path}`;
    assert.deepEqual(
      [
        body.authorization_endpoint,
        body.device_authorization_endpoint,
        body.token_endpoint,
        body.jwks_uri,
        body.userinfo_endpoint,
        body.revocation_endpoint,
        body.end_session_endpoint,
      ],
      ["/oauth2/auth", "/oauth2/device/auth", "/oauth2/token", "/.well-known/jwks.json", "/userinfo", "/oauth2/revoke", "/oauth2/sessions/logout"].map(url),
    );
    assert.ok(body.id_token_signing_alg_values_supported.includes("RS256"));
    assert.deepEqual(body.subject_types_supported, ["public"]);
    assert.deepEqual(body.response_modes_supported, ["query", "fragment", "form_post"]);
    for (const name of ["request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration"]) assert.equal(body[name], true, name);
    for (const name of ["backchannel", "frontchannel"]) assert.deepEqual([body[`${name}_logout_supported`], body[`${name}_logout_session_supported`]], [true, true]);
    assert.ok(!("registration_endpoint" in body), "registration is not enabled");
  });

  test("specs.md §0.8: discovery and JWKS answer any origin and any request header; an ETag spares the body", async () => {
    for (const path of [...FORMS, "/.well-known/jwks.json"]) {
      const preflight = await send(writ().publicUrl + path, {
        method: "OPTIONS",
        headers: { origin: "https://spa.example", "access-control-request-method": "GET", "access-control-request-headers": "x-anything, mcp-protocol-version" },
      });
      assert.ok(preflight.status === 204 || preflight.status === 200, path);
      assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
      assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /\*|x-anything.*mcp-protocol-version/i);
      const answer = await send(writ().publicUrl + path, { headers: { origin: "https://spa.example" } });
      assert.equal(answer.headers.get("access-control-allow-origin"), "*");
      const again = await send(writ().publicUrl + path, { headers: { "if-none-match": answer.headers.get("etag") ?? "" } });
      assert.deepEqual([again.status, again.text], [304, ""]);
      const head = await send(writ().publicUrl + path, { method: "HEAD" });
      assert.deepEqual([head.status, head.text], [200, ""]);
    }
  });

  test("health: alive and ready answer on both ports, the version on the admin port", async () => {
    for (const url of [writ().publicUrl, writ().adminUrl])
      for (const path of ["/health/alive", "/health/ready"]) assert.deepEqual(await send(url + path).then(({ status, body }) => [status, body]), [200, { status: "ok" }], path);
    assert.deepEqual((await send(`${writ().adminUrl}/version`)).body, { version: "0.0.0-test" });
    assert.equal((await send(`${writ().publicUrl}/admin/clients`)).status, 404, "the admin API is not on the public port");
  });
});

test("RFC 8414 §3.1: an issuer with a path has its document in the inserted and the appended form", async () => {
  const writ = await startWrit("direct", { config: { urls: { self: { issuer: "https://host.example/t1/" } } } });
  try {
    for (const path of [
      "/.well-known/oauth-authorization-server/t1",
      "/.well-known/openid-configuration/t1",
      "/t1/.well-known/openid-configuration",
      "/t1/.well-known/oauth-authorization-server",
    ]) {
      const { status, body } = await send(writ.publicUrl + path);
      assert.deepEqual([status, body?.issuer, body?.token_endpoint], [200, "https://host.example/t1/", "https://host.example/t1/oauth2/token"], path);
    }
    assert.equal((await send(`${writ.publicUrl}/.well-known/oauth-authorization-server/t2`)).status, 404);
  } finally {
    await writ.close();
  }
});

test("openid-client discovers the server, gets a token by client credentials, introspects and revokes it", async () => {
  const { writ, issuer } = await startAtIssuer("direct");
  try {
    const client = await createClient(writ);
    const config = await discovery(issuer, client.client_id, client.client_secret, ClientSecretBasic(client.client_secret), {
      execute: [allowInsecureRequests],
      algorithm: "oauth2",
    });
    const tokens = await clientCredentialsGrant(config, { scope: "read" });
    assert.equal((await tokenIntrospection(config, tokens.access_token)).active, true);
    await tokenRevocation(config, tokens.access_token);
    assert.equal((await tokenIntrospection(config, tokens.access_token)).active, false);
  } finally {
    await writ.close();
  }
});
