import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { send, sendJson } from "./harness/http.ts";
import { ENABLED, URI } from "./harness/registration.ts";
import { describeWrit } from "./harness/writ.ts";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...publicKey.export({ format: "jwk" }), use: "sig" };

/** What is wrong, the code, and the member that the description names. */
const BAD: readonly (readonly [object | string, "invalid_redirect_uri" | "invalid_client_metadata" | "invalid_request" | "unapproved_software_statement", RegExp])[] = [
  ["", "invalid_request", /empty/],
  ["{", "invalid_request", /JSON/],
  ["null", "invalid_client_metadata", /object/],
  ["[]", "invalid_client_metadata", /object/],
  ['"x"', "invalid_client_metadata", /object/],
  ["1", "invalid_client_metadata", /object/],
  ["\ud800", "invalid_request", /JSON/],
  [{}, "invalid_redirect_uri", /redirect_uris/],
  ['{"__proto__":{"redirect_uris":["https://rp.example/cb"]}}', "invalid_redirect_uri", /redirect_uris/],
  [`{"redirect_uris":["${URI}"],"software_statement":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "unapproved_software_statement", /software_statement/],
  [`{"unknown":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "invalid_redirect_uri", /redirect_uris/],
  [`{"redirect_uris":["${URI}"],"jwks":${'{"a":'.repeat(9000)}1${"}".repeat(9000)}}`, "invalid_client_metadata", /jwks/],
  [{ redirect_uris: [] }, "invalid_redirect_uri", /redirect_uris/],
  [{ redirect_uris: "https://rp.example/cb" }, "invalid_redirect_uri", /redirect_uris/],
  [{ redirect_uris: [1] }, "invalid_redirect_uri", /redirect_uris/],
  [{ redirect_uris: [null] }, "invalid_redirect_uri", /redirect_uris/],
  [{ redirect_uris: ["\ud800"] }, "invalid_redirect_uri", /redirect_uris/],
  [{ redirect_uris: ["https://rp.example/cb#f"] }, "invalid_redirect_uri", /fragment/],
  [{ redirect_uris: ["javascript:alert(1)"] }, "invalid_redirect_uri", /redirect_uris/],
  [{ redirect_uris: ["data:text/html,x"] }, "invalid_redirect_uri", /redirect_uris/],
  [{ redirect_uris: ["http://rp.example/cb"] }, "invalid_redirect_uri", /https/],
  [{ redirect_uris: ["http://127.0.0.1.evil.example/cb"] }, "invalid_redirect_uri", /https/],
  [{ redirect_uris: ["http://localhost.evil.example/cb"] }, "invalid_redirect_uri", /https/],
  [{ redirect_uris: ["https://good.example@evil.example/"] }, "invalid_redirect_uri", /user name/],
  [{ redirect_uris: ["myapp://cb"] }, "invalid_redirect_uri", /scheme/],
  [{ redirect_uris: ["com.example.app:/cb"], application_type: "web" }, "invalid_redirect_uri", /application_type/],
  [{ redirect_uris: [URI], application_type: "mobile" }, "invalid_client_metadata", /application_type/],
  [{ redirect_uris: [URI], client_secret: "a secret of mine" }, "invalid_client_metadata", /client_secret/],
  [{ redirect_uris: [URI], metadata: { a: 1 } }, "invalid_client_metadata", /'metadata'/],
  [{ redirect_uris: [URI], access_token_strategy: "jwt" }, "invalid_client_metadata", /access_token_strategy/],
  [{ redirect_uris: [URI], skip_consent: true }, "invalid_client_metadata", /skip_consent/],
  [{ redirect_uris: [URI], skip_logout_consent: true }, "invalid_client_metadata", /skip_logout_consent/],
  [{ redirect_uris: [URI], audience: ["https://api.example"] }, "invalid_client_metadata", /'audience'/],
  [{ redirect_uris: [URI], introspection_audience: ["https://api.example"] }, "invalid_client_metadata", /introspection_audience/],
  [{ redirect_uris: [URI], owner: "admin" }, "invalid_client_metadata", /owner/],
  [{ redirect_uris: [URI], authorization_code_grant_access_token_lifespan: "100000h" }, "invalid_client_metadata", /lifespan/],
  [{ redirect_uris: [URI], software_statement: "eyJhbGciOiJub25lIn0.e30." }, "unapproved_software_statement", /software_statement/],
  [{ redirect_uris: [URI], software_statement: { a: 1 } }, "unapproved_software_statement", /software_statement/],
  [{ redirect_uris: [URI], grant_types: ["password"] }, "invalid_client_metadata", /grant_types.*password/],
  [{ redirect_uris: [URI], grant_types: ["constructor"] }, "invalid_client_metadata", /grant_types/],
  [{ redirect_uris: [URI], grant_types: ["client_credentials"], scope: "admin" }, "invalid_client_metadata", /grant_types.*client_credentials/],
  [{ redirect_uris: [URI], grant_types: ["refresh_token"], response_types: ["code"] }, "invalid_client_metadata", /authorization_code/],
  [{ redirect_uris: [URI], response_types: ["device"] }, "invalid_client_metadata", /response_types/],
  [{ redirect_uris: [URI], response_types: ["toString"] }, "invalid_client_metadata", /response_types/],
  [{ redirect_uris: [URI], response_types: [""] }, "invalid_client_metadata", /response_types/],
  [{ redirect_uris: [URI], token_endpoint_auth_method: "tls_client_auth_of_tomorrow" }, "invalid_client_metadata", /token_endpoint_auth_method/],
  [{ redirect_uris: [URI], token_endpoint_auth_method: "constructor" }, "invalid_client_metadata", /token_endpoint_auth_method/],
  [{ redirect_uris: [URI], scope: 'a"b' }, "invalid_client_metadata", /scope/],
  [{ redirect_uris: [URI], scope: ["openid"] }, "invalid_client_metadata", /scope/],
  [{ redirect_uris: [URI], client_name: "\u001b[31m" }, "invalid_client_metadata", /client_name/],
  [{ redirect_uris: [URI], client_name: "x".repeat(300) }, "invalid_client_metadata", /client_name/],
  [{ redirect_uris: [URI], logo_uri: "javascript:alert(1)" }, "invalid_client_metadata", /logo_uri/],
  [{ redirect_uris: [URI], client_uri: "ftp://rp.example" }, "invalid_client_metadata", /client_uri/],
  [{ redirect_uris: [URI], contacts: "me" }, "invalid_client_metadata", /contacts/],
  [{ redirect_uris: [URI], jwks: { keys: [jwk] }, jwks_uri: "https://rp.example/jwks" }, "invalid_client_metadata", /jwks/],
  [{ redirect_uris: [URI], jwks: { keys: [privateKey.export({ format: "jwk" })] } }, "invalid_client_metadata", /jwks/],
  [{ redirect_uris: [URI], jwks: [] }, "invalid_client_metadata", /jwks/],
  [{ redirect_uris: [URI], jwks_uri: "file:///etc/passwd" }, "invalid_client_metadata", /jwks_uri/],
  [{ redirect_uris: [URI], subject_type: "pairwise" }, "invalid_client_metadata", /subject_type/],
  [{ redirect_uris: [URI], sector_identifier_uri: "https://rp.example/s" }, "invalid_client_metadata", /sector_identifier_uri/],
  [{ redirect_uris: [URI], id_token_signed_response_alg: "none" }, "invalid_client_metadata", /id_token_signed_response_alg/],
  [{ redirect_uris: [URI], id_token_signed_response_alg: "HS256" }, "invalid_client_metadata", /id_token_signed_response_alg/],
  [{ redirect_uris: [URI], id_token_encrypted_response_enc: "A128GCM" }, "invalid_client_metadata", /id_token_encrypted_response_enc/],
  [{ redirect_uris: [URI], id_token_encrypted_response_alg: "RSA1_5", jwks: { keys: [jwk] } }, "invalid_client_metadata", /id_token_encrypted_response_alg/],
  [{ redirect_uris: [URI], userinfo_encrypted_response_alg: "ECDH-ES", jwks: { keys: [jwk] } }, "invalid_client_metadata", /userinfo_encrypted_response_alg/],
  [{ redirect_uris: [URI], default_max_age: -1 }, "invalid_client_metadata", /default_max_age/],
  [{ redirect_uris: [URI], default_max_age: "60" }, "invalid_client_metadata", /default_max_age/],
  [{ redirect_uris: [URI], require_auth_time: "yes" }, "invalid_client_metadata", /require_auth_time/],
  [{ redirect_uris: [URI], default_acr_values: ["a b"] }, "invalid_client_metadata", /default_acr_values/],
  [{ redirect_uris: [URI], initiate_login_uri: "http://rp.example/login" }, "invalid_client_metadata", /initiate_login_uri/],
  [{ redirect_uris: [URI], request_uris: ["file:///etc/passwd"] }, "invalid_client_metadata", /request_uris/],
  [{ redirect_uris: [URI], post_logout_redirect_uris: ["https://evil.example/"] }, "invalid_client_metadata", /post_logout_redirect_uris/],
  [{ redirect_uris: [URI], backchannel_logout_uri: "https://rp.example/#f" }, "invalid_client_metadata", /backchannel_logout_uri/],
  [{ redirect_uris: [URI], allowed_cors_origins: ["*"] }, "invalid_client_metadata", /allowed_cors_origins/],
  [{ redirect_uris: Array.from({ length: 201 }, (_, i) => `https://rp.example/${i}`) }, "invalid_client_metadata", /redirect_uris/],
];

describeWrit("metadata of dynamic clients", { config: ENABLED }, (writ) => {
  test("RFC 7591 §3.2.2: every bad document gets 400 with the code and the member, and makes no client", async () => {
    const count = async () => (await sendJson(writ(), "GET", "/admin/clients?page_size=500")).body.length;
    const before = await count();
    for (const [document, error, says] of BAD) {
      const text = typeof document === "string" ? document : JSON.stringify(document);
      const answer = await send(`${writ().publicUrl}/oauth2/register`, { method: "POST", headers: { "content-type": "application/json" }, body: text });
      assert.deepEqual([answer.status, answer.body?.error], [400, error], `${text.slice(0, 200)}: ${answer.text}`);
      assert.match(answer.body.error_description, says, text.slice(0, 200));
    }
    assert.ok(BAD.length >= 60);
    assert.equal(await count(), before);
  });
});
