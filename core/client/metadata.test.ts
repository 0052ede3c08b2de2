import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { ClientSettings } from "../settings.ts";
import { normalizeMetadata } from "./metadata.ts";

type Sent = MessageInitShape<typeof ClientSchema>;
const now = 1_700_000_000_999 as EpochMillis;
const settings: ClientSettings = {
  subjectTypes: ["public"],
  pairwiseSalt: undefined,
  defaultScope: "offline_access offline openid",
  allowHttp: false,
  registration: { enabled: false, grantTypes: undefined },
};
const normalize = (sent: Sent) => normalizeMetadata(settings, create(ClientSchema, { clientId: "it", ...sent }), now, now);
const nested = (depth: number): JsonObject => (depth === 0 ? {} : { a: nested(depth - 1) });
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const publicJwk = publicKey.export({ format: "jwk" }) as JsonObject;
const shortRsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }) as JsonObject;

test("RFC 7591 §2: what is not sent is filled in as Hydra fills it, times in whole seconds; what only the server sets is not taken", () => {
  const sent = create(ClientSchema, { clientId: "it", clientSecret: "secret", clientSecretExpiresAt: 5 });
  const client = normalizeMetadata(settings, sent, now, now);
  assert.deepEqual(
    [
      client.scope,
      client.subjectType,
      client.tokenEndpointAuthMethod,
      client.userinfoSignedResponseAlg,
      client.clientSecret,
      client.clientSecretExpiresAt,
      client.createdAt?.seconds,
      client.createdAt?.nanos,
    ],
    ["offline_access offline openid", "public", "client_secret_basic", "none", "", 0, 1_700_000_000n, 0],
  );
  assert.equal(sent.clientSecret, "secret", "the request is left as it came");
});

test("protobuf unknown fields of a caller are not stored: nobody has checked them", () => {
  const sent = create(ClientSchema, { clientId: "it" });
  sent.$unknown = [{ no: 900, wireType: 2, data: new Uint8Array([1, 120]) }];
  assert.equal(normalizeMetadata(settings, sent, now, now).$unknown, undefined);
});

test("hydra.md §4.2: lifespans come back as Go writes them, empty ones as not set", () => {
  const { lifespans } = normalize({ lifespans: { clientCredentialsGrantAccessTokenLifespan: "90m", implicitGrantIdTokenLifespan: "" } });
  assert.deepEqual([lifespans?.clientCredentialsGrantAccessTokenLifespan, lifespans?.implicitGrantIdTokenLifespan], ["1h30m0s", undefined]);
});

const GOOD: readonly (readonly [string, Sent])[] = [
  [
    "loopback, private-use and https redirect URIs",
    { redirectUris: ["http://127.0.0.1:1/cb", "com.example.app:/cb", "myapp://cb", "https://app.example/cb?a=b", "urn:ietf:wg:oauth:2.0:oob"] },
  ],
  ["CORS origins", { allowedCorsOrigins: ["https://app.example", "http://localhost:3000", "https://*.app.example"] }],
  ["public keys", { jwks: { keys: [publicJwk] }, tokenEndpointAuthMethod: "private_key_jwt" }],
  ["an empty jwks beside jwks_uri", { jwks: {}, jwksUri: "https://app.example/jwks" }],
  ["a method that is not known", { tokenEndpointAuthMethod: "tls_client_auth", tokenEndpointAuthSigningAlg: "HS256" }],
  ["a logout target beside a redirect URI", { redirectUris: ["https://app.example/cb"], postLogoutRedirectUris: ["https://app.example/bye"] }],
  ["encryption to a key that fits", { jwks: { keys: [publicJwk] }, encryption: { idTokenEncryptedResponseAlg: "ECDH-ES+A128KW" } }],
  ["what OpenID Connect adds", { applicationType: "native", initiateLoginUri: "https://app.example/login", defaultMaxAge: 0, requireAuthTime: true, defaultAcrValues: ["urn:a"] }],
  ["metadata of 23 levels", { metadata: nested(22) }],
];
for (const [name, sent] of GOOD) test(`RFC 7591 §2: ${name}: taken`, () => void normalize(sent));

const NO_REDIRECT_URI = [
  "/relative",
  "//host/x",
  "app.example/cb",
  "https://app.example/cb#f",
  "https:app.example",
  "https:///app.example",
  "https://",
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "java\tscript:alert(1)",
  "data:text/html,x",
  "vbscript:x",
  "blob:https://x/1",
  "file:///etc/passwd",
  "https://good.example@evil.example/",
  "https://app.example\\@evil.example/",
  "https://app.example/ x",
  " https://app.example/",
  "https://app.example/\u0000",
  "https://app.ex\u00e4mple/",
  "",
];
for (const uri of NO_REDIRECT_URI)
  test(`RFC 6749 §3.1.2, RFC 7591 §5: the redirect URI ${JSON.stringify(uri)} is refused`, () => {
    assert.throws(
      () => normalize({ redirectUris: [uri] }),
      (error) => error instanceof OAuthError && /^invalid_(redirect_uri|client_metadata)$/.test(error.code) && /'redirect_uris'/.test(error.message),
    );
  });

const BAD: readonly (readonly [string, Sent])[] = [
  ["client_id", { clientId: ".." }],
  ["client_id", { clientId: "a\u0007" }],
  ["client_id", { clientId: "\u00e9" }],
  ["client_id", { clientId: "x".repeat(256) }],
  ["client_name", { clientName: "\u001b[31mred" }],
  ["client_name", { clientName: "\u00e9".repeat(128) }],
  ["owner", { owner: "a\u0000b" }],
  ["contacts", { contacts: [""] }],
  ["contacts", { contacts: Array.from({ length: 201 }, () => "x") }],
  ["audience", { audience: ["x".repeat(2049)] }],
  ["scope", { scope: 'a"b' }],
  ["logo_uri", { logoUri: "javascript:alert(1)" }],
  ["policy_uri", { policyUri: "https:x" }],
  ["allowed_cors_origins", { allowedCorsOrigins: ["*"] }],
  ["allowed_cors_origins", { allowedCorsOrigins: ["https://app.example/"] }],
  ["allowed_cors_origins", { allowedCorsOrigins: ["https://u@app.example"] }],
  ["allowed_cors_origins", { allowedCorsOrigins: ["https://app.example?x"] }],
  ["allowed_cors_origins", { allowedCorsOrigins: ["null"] }],
  ["allowed_cors_origins", { allowedCorsOrigins: ["https://a*.example"] }],
  ["subject_type", { subjectType: "pairwise" }],
  ["sector_identifier_uri", { sectorIdentifierUri: "https://app.example/s" }],
  ["jwks", { jwks: { keys: [publicJwk] }, jwksUri: "https://app.example/jwks" }],
  ["jwks", { jwks: { keys: [privateKey.export({ format: "jwk" }) as JsonObject] } }],
  ["jwks", { jwks: { keys: [{ kty: "oct", k: "c2VjcmV0" }] } }],
  ["jwks", { jwks: { keys: [{ kty: "nothing" }] } }],
  ["jwks", { jwks: { keys: [{ ...publicJwk, x: "AA" }] } }],
  ["jwks", { jwks: { keys: [shortRsa] } }],
  ["jwks", { jwks: { keys: [{ ...publicJwk, kid: 1 }] } }],
  ["jwks", { jwks: { keys: [null] } }],
  ["jwks", { jwks: { keys: {} } }],
  ["jwks", { jwks: { keys: [] }, tokenEndpointAuthMethod: "private_key_jwt" }],
  ["token_endpoint_auth_method", { tokenEndpointAuthMethod: "private_key_jwt", jwks: {} }],
  ["token_endpoint_auth_signing_alg", { tokenEndpointAuthMethod: "private_key_jwt", jwksUri: "https://a.example/", tokenEndpointAuthSigningAlg: "none" }],
  ["id_token_signed_response_alg", { idTokenSignedResponseAlg: "none" }],
  ["userinfo_signed_response_alg", { userinfoSignedResponseAlg: "HS256" }],
  ["request_uris", { requestUris: ["file:///etc/passwd"] }],
  ["backchannel_logout_uri", { backchannelLogoutUri: "https://app.example/#x" }],
  ["frontchannel_logout_uri", { frontchannelLogoutUri: "ftp://app.example/" }],
  ["post_logout_redirect_uris", { redirectUris: ["https://app.example/cb"], postLogoutRedirectUris: ["https://evil.example/"] }],
  ["post_logout_redirect_uris", { redirectUris: ["https://app.example/cb"], postLogoutRedirectUris: ["https://app.example:8443/"] }],
  ["access_token_strategy", { accessTokenStrategy: "JWT" }],
  ["application_type", { applicationType: "mobile" }],
  ["initiate_login_uri", { initiateLoginUri: "http://app.example/login" }],
  ["initiate_login_uri", { initiateLoginUri: "https://u:p@app.example/login" }],
  ["default_acr_values", { defaultAcrValues: ["a b"] }],
  ["id_token_encrypted_response_enc", { encryption: { idTokenEncryptedResponseEnc: "A128GCM" } }],
  ["id_token_encrypted_response_alg", { encryption: { idTokenEncryptedResponseAlg: "ECDH-ES" } }],
  ["id_token_encrypted_response_alg", { jwks: { keys: [publicJwk] }, encryption: { idTokenEncryptedResponseAlg: "RSA1_5" } }],
  ["id_token_encrypted_response_alg", { jwks: { keys: [publicJwk] }, encryption: { idTokenEncryptedResponseAlg: "dir" } }],
  ["id_token_encrypted_response_alg", { jwks: { keys: [publicJwk] }, encryption: { idTokenEncryptedResponseAlg: "RSA-OAEP" } }],
  ["id_token_encrypted_response_alg", { jwks: { keys: [{ ...publicJwk, use: "sig" }] }, encryption: { idTokenEncryptedResponseAlg: "ECDH-ES" } }],
  ["userinfo_encrypted_response_enc", { jwks: { keys: [publicJwk] }, encryption: { userinfoEncryptedResponseAlg: "ECDH-ES", userinfoEncryptedResponseEnc: "A128CBC" } }],
  ["userinfo_encrypted_response_alg", { jwks: { keys: [publicJwk] }, encryption: { userinfoEncryptedResponseAlg: "constructor" } }],
  ["metadata", { metadata: nested(24) }],
  ["metadata", { metadata: { a: Number.NaN } }],
  ["authorization_code_grant_access_token_lifespan", { lifespans: { authorizationCodeGrantAccessTokenLifespan: "soon" } }],
  ["refresh_token_grant_refresh_token_lifespan", { lifespans: { refreshTokenGrantRefreshTokenLifespan: "999999999h" } }],
  ["implicit_grant_access_token_lifespan", { lifespans: { implicitGrantAccessTokenLifespan: "-1h" } }],
  ["jwt_bearer_grant_access_token_lifespan", { lifespans: { jwtBearerGrantAccessTokenLifespan: "1ns" } }],
];
for (const [i, [member, sent]] of BAD.entries())
  test(`RFC 7591 §3.2.2: a bad ${member} gets invalid_client_metadata that names it (${i})`, () => {
    assert.throws(
      () => normalize(sent),
      (error) => error instanceof OAuthError && error.code === "invalid_client_metadata" && error.message.includes(`'${member}'`),
    );
  });

test("a client of more than 64 KiB is refused", () => {
  assert.throws(() => normalize({ metadata: { text: "x".repeat(70_000) } }), /larger than/);
});
