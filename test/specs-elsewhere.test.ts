import assert from "node:assert/strict";
import { test } from "node:test";
import { basicAuthorization, createClient, introspect, issueToken, postForm, send } from "./harness/http.ts";
import { startPeer } from "./harness/peer.ts";
import { createRp, finishFlow, openUserAgent, parametersOf, redeem } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

/** Members of metadata that say that something is there which is not. */
const MEMBERS = [
  "tls_client_certificate_bound_access_tokens mtls_endpoint_aliases", // RFC 8705
  "pushed_authorization_request_endpoint require_pushed_authorization_requests", // RFC 9126
  "authorization_details_types_supported", // RFC 9396
  "dpop_signing_alg_values_supported", // RFC 9449
  "introspection_signing_alg_values_supported introspection_encryption_alg_values_supported introspection_encryption_enc_values_supported", // RFC 9701
  "protected_resources signed_metadata", // RFC 9728, RFC 8414 §2.1
  "client_id_metadata_document_supported",
  "challenge_endpoint client_attestation_signing_alg_values_supported client_attestation_pop_signing_alg_values_supported client_attestation_pop_methods_supported",
  "authorization_signing_alg_values_supported authorization_encryption_alg_values_supported authorization_encryption_enc_values_supported", // JARM
  "backchannel_authentication_endpoint backchannel_token_delivery_modes_supported backchannel_user_code_parameter_supported", // CIBA
  "global_token_revocation_endpoint require_signed_request_object",
  "request_object_encryption_alg_values_supported request_object_encryption_enc_values_supported prompt_values_supported",
].flatMap((names) => names.split(" "));

const TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token";
const JWT = [{ alg: "ES256", typ: "dpop+jwt", jwk: { kty: "EC" } }, { htm: "POST" }, {}].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");

describeWrit("specifications that are no part of this server", {}, (writ) => {
  test("RFC 8414 §2: metadata names nothing of them, and their endpoints are not there", async () => {
    for (const path of ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]) {
      const { body } = await send(writ().publicUrl + path);
      assert.deepEqual(
        MEMBERS.filter((name) => name in body),
        [],
      );
      assert.deepEqual(body.response_modes_supported, ["query", "fragment", "form_post"]);
      assert.ok(!body.response_types_supported.includes("none"));
      assert.deepEqual(body.token_endpoint_auth_methods_supported.toSorted(), ["client_secret_basic", "client_secret_jwt", "client_secret_post", "none", "private_key_jwt"]);
      for (const grant of ["password", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:openid:params:grant-type:ciba"])
        assert.ok(!body.grant_types_supported.includes(grant));
    }
    for (const path of ["/oauth2/par", "/oauth2/bc-authorize", "/.well-known/oauth-protected-resource", "/.well-known/ssf-configuration", "/.well-known/webfinger"])
      for (const method of ["GET", "POST"]) assert.equal((await send(writ().publicUrl + path, { method })).status, 404, path);
  });

  test("RFC 8693 §2, CIBA §10.1, RFC 6749 §4.3: their grants buy nothing, also with a token that is good", async () => {
    const client = await createClient(writ());
    const token = await issueToken(writ(), client);
    for (const form of [
      { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: token, subject_token_type: TOKEN_TYPE, scope: "write" },
      { grant_type: "urn:openid:params:grant-type:ciba", auth_req_id: "1c266114-a1be-4252-8ad1-04986c5b9ac1" },
      { grant_type: "password", username: "alice", password: "alice" },
    ]) {
      const { status, body } = await postForm(`${writ().publicUrl}/oauth2/token`, form as Record<string, string>, { basic: [client.client_id, client.client_secret] });
      assert.deepEqual([status, body.error], [400, "unsupported_grant_type"], form.grant_type);
    }
  });

  test("RFC 8705 §2, RFC 9440 §4: a client that is registered for a method which is not here cannot authenticate, by no header that speaks of a certificate or an attestation", async () => {
    for (const method of ["tls_client_auth", "self_signed_tls_client_auth", "attest_jwt_client_auth"]) {
      const client = await createClient(writ(), { token_endpoint_auth_method: method });
      const names = [
        "client-cert",
        "x-client-cert",
        "x-ssl-client-cert",
        "x-forwarded-client-cert",
        "ssl-client-verify",
        "oauth-client-attestation",
        "oauth-client-attestation-pop",
      ];
      const headers = Object.fromEntries(names.map((name) => [name, name === "ssl-client-verify" ? "SUCCESS" : JWT]));
      const form = { grant_type: "client_credentials", client_id: client.client_id };
      const url = `${writ().publicUrl}/oauth2/token`;
      assert.equal((await postForm(url, form, { headers })).status, 401, method);
      assert.equal((await postForm(url, { ...form, client_secret: client.client_secret ?? "a secret" }, { headers })).status, 401, method);
    }
  });

  test("RFC 8707, RFC 9396, RFC 9449: their parameters and headers are ignored: the token is a bearer token for nobody in particular, and the answer says so", async () => {
    const rp = await createRp(writ(), { grant_types: ["authorization_code", "client_credentials"] });
    const { client_id: id, client_secret: secret } = rp.client;
    const more = { resource: "https://api.example/#fragment", authorization_details: '[{"type":"payment"}]', dpop_jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" };
    const headers = { dpop: JWT, accept: "application/json", authorization: basicAuthorization(id, secret) };
    const { code = "" } = await finishFlow(writ(), openUserAgent(writ()), rp.request({ ...more, scope: "openid read" }));
    const url = `${writ().publicUrl}/oauth2/token`;
    const bought = await postForm(url, { grant_type: "authorization_code", code, redirect_uri: rp.redirectUri, ...more }, { headers });
    const own = await postForm(url, `${new URLSearchParams({ grant_type: "client_credentials", ...more })}&resource=urn%3Ax`, { headers });
    for (const { status, body } of [bought, own]) {
      assert.deepEqual([status, body.token_type, "authorization_details" in body], [200, "Bearer", false]);
      const seen = await introspect(writ(), body.access_token);
      assert.deepEqual([seen.aud, "cnf" in seen, "authorization_details" in seen, seen.token_type], [[], false, false, "Bearer"]);
    }
    const userinfo = await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `DPoP ${bought.body.access_token}`, dpop: JWT } });
    assert.equal(userinfo.status, 401, "a scheme that promises what nobody checks is not taken");
  });

  test("RFC 9126 §4, JARM §2.3, OAuth 2.0 Multiple Response Types §4: a pushed request, a signed answer and the response type none are refused, not half done", async () => {
    const rp = await createRp(writ());
    const ask = async (more: Readonly<Record<string, string>>) => parametersOf((await openUserAgent(writ()).get(rp.request(more))).headers.get("location")).error;
    assert.equal(await ask({ request_uri: "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c" }), "invalid_request_uri");
    for (const response_mode of ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt", "web_message"]) assert.equal(await ask({ response_mode }), "unsupported_response_mode");
    assert.equal(await ask({ response_type: "none" }), "unsupported_response_type");
    assert.equal(await ask({ prompt: "create" }), "invalid_request");
  });

  test("CIMD §3: a client_id that is a URL is no client, and nobody goes there", async () => {
    const peer = await startPeer();
    try {
      const id = `${peer.url}/client`;
      peer.serve("/client", { client_id: id, redirect_uris: ["https://evil.example/cb"], token_endpoint_auth_method: "none" });
      const query = new URLSearchParams({ client_id: id, response_type: "code", redirect_uri: "https://evil.example/cb" });
      const answer = await send(`${writ().publicUrl}/oauth2/auth?${query}`);
      assert.deepEqual([answer.status, answer.headers.get("location")], [400, null]);
      assert.equal((await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials", client_id: id })).status, 401);
      assert.deepEqual(peer.asked, []);
    } finally {
      peer.close();
    }
  });

  test("RFC 9701 §5: who asks for an introspection answer as a JWT gets the JSON, and it is none", async () => {
    const client = await createClient(writ());
    const token = await issueToken(writ(), client);
    const headers = { accept: "application/token-introspection+jwt" };
    const answer = await postForm(`${writ().publicUrl}/oauth2/introspect`, { token }, { basic: [client.client_id, client.client_secret], headers });
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
    assert.equal(answer.body.active, true);
  });

  test("RFC 9470 §5: acr_values and max_age on a request that is none of OpenID Connect are taken", async () => {
    const rp = await createRp(writ());
    const { code = "" } = await finishFlow(writ(), openUserAgent(writ()), rp.request({ scope: "read", acr_values: "myACR", max_age: "60" }));
    assert.equal((await redeem(writ(), rp, code)).status, 200);
  });
});
