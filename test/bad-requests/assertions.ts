import { createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { type BadRequest, basic, formPost, NASTY } from "./case.ts";
import { type Features, JWT_BEARER } from "./features.ts";
import { brokenJwts, makeJwt, now } from "./jwt.ts";

const ISSUER = "http://127.0.0.1:4444";
const TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** What the claims of an assertion may not say, whoever made it (RFC 7519 §4.1, RFC 7523 §3). */
const FAULTS: Readonly<Record<string, object>> = {
  "no iss": { iss: undefined },
  "iss that is a number": { iss: 1 },
  "iss that is empty": { iss: "" },
  "no sub": { sub: undefined },
  "sub that is a list": { sub: ["a"] },
  "sub that is empty": { sub: "" },
  "no aud": { aud: undefined },
  "aud that is empty": { aud: [] },
  "aud that is a number": { aud: 1 },
  "aud with a number": { aud: [ISSUER, 1] },
  "aud of another server": { aud: "https://evil.example" },
  "aud that only begins right": { aud: `${ISSUER}.evil.example` },
  "no exp": { exp: undefined },
  "exp in the past": { exp: 1 },
  "exp that is a text": { exp: "soon" },
  "exp that is below nothing": { exp: -1 },
  "exp that is far": { exp: 1e15 },
  "exp that is endless": { exp: 1e308 },
  "iat in the future": { iat: 1e12 },
  "iat that is a text": { iat: "x" },
  "nbf in the future": { nbf: 1e12 },
  "nbf that is null": { nbf: null },
  "no jti": { jti: undefined },
  "jti that is a number": { jti: 5 },
  "jti that is empty": { jti: "" },
};

/** Headers that make an assertion something else (RFC 7515 §4.1, RFC 8725 §3). */
const HEADERS: Readonly<Record<string, object>> = {
  "alg none": { alg: "none" },
  "alg in other case": { alg: "es256" },
  "alg of another curve": { alg: "ES512" },
  "alg that is a number": { alg: 1 },
  "alg of every object": { alg: "constructor" },
  "no alg": { alg: undefined },
  "typ of a request object": { typ: "oauth-authz-req+jwt" },
  "typ of a logout token": { typ: "logout+jwt" },
  "typ of a DPoP proof": { typ: "dpop+jwt" },
  "typ that is a number": { typ: 1 },
  crit: { crit: ["exp"], exp: 1 },
  b64: { b64: false, crit: ["b64"] },
  "kid that is a number": { kid: 1 },
  "kid that is unknown": { kid: "another" },
  "kid of 1,000 characters": { kid: "x".repeat(1000) },
};

/** RFC 7521 §4.2.1, RFC 7523 §2.2, §3; OIDC Core §9. */
export function clientAssertions({ writ, key, strangeKey, keyClient, secretClient, machine }: Features): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/token`;
  const claimsOf = (id: string) => ({ iss: id, sub: id, aud: ISSUER, jti: randomUUID(), iat: now(), exp: now() + 60 });
  const of = (what: string, assertion: string | undefined, more: Readonly<Record<string, string | undefined>> = {}, headers = {}): BadRequest => ({
    what: `client assertion: ${what}`,
    url,
    init: formPost({ grant_type: "client_credentials", client_assertion_type: TYPE, client_assertion: assertion, ...more }, headers),
    status: 401,
    error: "invalid_client",
  });
  const byKey = (more: object = {}, signer: KeyObject | string = key.privateKey, header: object = {}) => makeJwt({ ...claimsOf(keyClient.client_id), ...more }, signer, header);
  const bySecret = (more: object = {}, header: object = {}, secret: KeyObject | string = secretClient.client_secret) =>
    makeJwt({ ...claimsOf(secretClient.client_id), ...more }, secret, header);
  const pem = createPublicKey(key.privateKey).export({ type: "spki", format: "pem" }).toString();
  return [
    of("none, with its type", undefined),
    of("without its type", byKey(), { client_assertion_type: undefined }),
    of("of another type", byKey(), { client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer" }),
    ...Object.entries(NASTY).map(([what, value]) => of(`with ${what}`, value)),
    ...Object.entries(brokenJwts(byKey())).map(([what, value]) => of(`of ${what}`, value)),
    ...Object.entries(FAULTS).map(([what, more]) => of(`by a key: ${what}`, byKey(more))),
    ...Object.entries(FAULTS).map(([what, more]) => of(`by a secret: ${what}`, bySecret(more))),
    ...Object.entries(HEADERS).map(([what, header]) => of(`by a key: ${what}`, byKey({}, key.privateKey, header))),
    ...Object.entries(HEADERS)
      .filter(([what]) => !what.startsWith("kid that is unknown"))
      .map(([what, header]) => of(`by a secret: ${what}`, bySecret({}, header))),
    of("by a key: unsigned", makeJwt(claimsOf(keyClient.client_id), undefined)),
    of("by a key: another key", byKey({}, strangeKey.privateKey)),
    of("by a key: the public key as a secret", byKey({}, pem)),
    of("by a key: the public JWK as a secret", byKey({}, JSON.stringify(key.publicJwk))),
    of("by a key: its own key in the header", byKey({}, strangeKey.privateKey, { jwk: strangeKey.publicJwk })),
    of("by a key: a URL of keys in the header", byKey({}, strangeKey.privateKey, { jku: "https://evil.example/jwks" })),
    of("by a key: iss that is not sub", byKey({ iss: machine.client_id })),
    of("by a key: aud that names others too", byKey({ aud: [ISSUER, "https://other.example"] })),
    of("by a secret: another secret", bySecret({}, {}, "another secret of enough characters")),
    of("by a secret: a key", bySecret({}, {}, key.privateKey)),
    of("by a secret: by HS512, signed by HS256", bySecret({}, { alg: "HS512" })),
    of("a client of another method", makeJwt(claimsOf(machine.client_id), machine.client_secret)),
    of("an unknown client", makeJwt(claimsOf("nobody"), key.privateKey)),
    of("a client that is half a character", makeJwt(claimsOf("\ud800"), key.privateKey)),
    { ...of("beside Basic", byKey(), {}, basic(machine)), status: 400, error: "invalid_request" },
    { ...of("beside a secret", byKey(), { client_id: keyClient.client_id, client_secret: "x" }), status: 400, error: "invalid_request" },
    { ...of("beside another client_id", byKey(), { client_id: machine.client_id }), status: 400, error: "invalid_request" },
    { ...of("in the query", byKey()), url: `${url}?client_assertion=x`, status: 400, error: "invalid_request" },
    ...["introspect", "revoke", "device/auth"].map((endpoint) => ({
      ...of(`at ${endpoint}: another key`, byKey({}, strangeKey.privateKey)),
      url: `${writ.publicUrl}/oauth2/${endpoint}`,
    })),
  ];
}

/** RFC 7521 §4.1, RFC 7523 §2.1, §3.1. */
export function grantAssertions({ writ, key, strangeKey, bearer, machine, issuer, narrowIssuer }: Features): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/token`;
  const of = (what: string, assertion: string | undefined, error = "invalid_grant", more: Readonly<Record<string, string>> = {}, client = bearer): BadRequest => ({
    what: `grant assertion: ${what}`,
    url,
    init: formPost({ grant_type: JWT_BEARER, assertion, scope: "read", ...more }, basic(client)),
    status: 400,
    error,
  });
  const made = (more: object = {}, signer: KeyObject | string = key.privateKey, header: object = {}) =>
    makeJwt({ iss: issuer, sub: "alice", aud: ISSUER, jti: randomUUID(), iat: now(), exp: now() + 60, ...more }, signer, { kid: "k", ...header });
  return [
    of("none", undefined, "invalid_request"),
    of("an empty one", "", "invalid_request"),
    ...Object.entries(NASTY).map(([what, value]) => of(`with ${what}`, value)),
    ...Object.entries(brokenJwts(made())).map(([what, value]) => of(`of ${what}`, value)),
    ...Object.entries(FAULTS).map(([what, more]) => of(what, made(more))),
    ...Object.entries(HEADERS).map(([what, header]) => of(what, made({}, key.privateKey, header))),
    of("no iat", made({ iat: undefined })),
    of("unsigned", makeJwt({ iss: issuer, sub: "alice", aud: ISSUER, jti: randomUUID(), iat: now(), exp: now() + 60 }, undefined)),
    of("another key", made({}, strangeKey.privateKey)),
    of("its own key in the header", made({}, strangeKey.privateKey, { jwk: strangeKey.publicJwk })),
    of("the public key as a secret", made({}, JSON.stringify(key.publicJwk))),
    of("an issuer that is not trusted", made({ iss: "https://evil.example" })),
    of("an issuer with a slash more", made({ iss: `${issuer}/` })),
    of("an issuer in other case", made({ iss: issuer.toUpperCase() })),
    of("an issuer that is half a character", made({ iss: "\ud800" })),
    of("an issuer of 10,000 characters", made({ iss: "x".repeat(10_000) })),
    of("a subject that the issuer may not speak of", made({ iss: narrowIssuer, sub: "bob" })),
    of("a subject of 300 bytes", made({ sub: "x".repeat(300) })),
    of("a subject that is half a character", made({ sub: "\ud800" })),
    of("a jti that is half a character", made({ jti: "\udfff" })),
    of("a scope that the issuer may not give", made(), "invalid_scope", { scope: "write" }),
    of("a scope that the client may not have", made(), "invalid_scope", { scope: "admin" }),
    of("an audience that is not registered", made(), "invalid_request", { audience: "https://api.example" }),
    of("of a client without the grant type", made(), "unauthorized_client", {}, machine),
    { ...of("of nobody", made(), "invalid_client"), init: formPost({ grant_type: JWT_BEARER, assertion: made() }), status: 401 },
    { ...of("twice", undefined, "invalid_request"), init: formPost(`grant_type=${encodeURIComponent(JWT_BEARER)}&assertion=a&assertion=b`, basic(bearer)) },
    { ...of("in the query", made(), "invalid_request"), url: `${url}?assertion=x` },
  ];
}

/** hydra.md §3.10. */
export function trustRequests({ writ, key, issuer, trusted }: Features): readonly BadRequest[] {
  const path = "/admin/trust/grants/jwt-bearer/issuers";
  const of = (what: string, method: string, more: string, body: unknown, status: number, error: string | RegExp): BadRequest => ({
    what: `trusted issuer: ${what}`,
    url: writ.adminUrl + path + more,
    init: { method, ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) }) },
    status,
    error,
  });
  const jwk = { ...key.publicJwk, kid: "k", use: "sig", alg: "ES256" };
  const right = { issuer: `${issuer}/new`, subject: "alice", scope: ["read"], jwk, expires_at: "2099-01-02T03:04:05Z" };
  const refused = (what: string, more: object, error: string | RegExp) => of(what, "POST", "", { ...right, ...more }, 400, error);
  const malformed = "The request was malformed or contained invalid parameters";
  const missing = "missing_required_parameter";
  return [
    ...["", "{", "[]", "null", "1", '"x"'].map((body) => of(`the body '${body}'`, "POST", "", body, 400, malformed)),
    refused("no issuer", { issuer: undefined }, missing),
    refused("neither subject nor any", { subject: undefined }, missing),
    refused("subject and any", { allow_any_subject: true }, missing),
    refused("no expiry", { expires_at: undefined }, missing),
    refused("an expiry of nothing", { expires_at: "1970-01-01T00:00:00Z" }, missing),
    refused("an expiry that is no time", { expires_at: "tomorrow" }, malformed),
    refused("an expiry that is a number", { expires_at: 1 }, malformed),
    refused("no key", { jwk: undefined }, missing),
    refused("a key without kid", { jwk: { ...jwk, kid: undefined } }, missing),
    refused("a key that is a text", { jwk: "x" }, malformed),
    refused("a key that is none", { jwk: { kid: "k", kty: "EC" } }, "invalid_request"),
    refused("a private key", { jwk: { ...jwk, d: "AAAA" } }, "invalid_request"),
    refused("a secret for a key", { jwk: { kty: "oct", k: "AAAA", kid: "k" } }, "invalid_request"),
    refused("a key for encryption", { jwk: { ...jwk, use: "enc" } }, "invalid_request"),
    refused("a key by another algorithm", { jwk: { ...jwk, alg: "RS256" } }, "invalid_request"),
    refused("a kid with a line break", { jwk: { ...jwk, kid: "a\nb" } }, "invalid_request"),
    refused("an issuer of 3,000 characters", { issuer: "x".repeat(3000) }, "invalid_request"),
    refused("a subject of 300 characters", { subject: "x".repeat(300) }, "invalid_request"),
    refused("a scope that is none", { scope: ["a b"] }, "invalid_request"),
    refused("300 scopes", { scope: Array.from({ length: 300 }, (_, n) => `s${n}`) }, "invalid_request"),
    refused("a scope that is a text", { scope: "read" }, malformed),
    refused("allow_any_subject that is a text", { allow_any_subject: "yes" }, malformed),
    refused("an issuer that is half a character", { issuer: "\ud800" }, malformed),
    of("one that is there", "POST", "", { ...right, issuer, subject: "", allow_any_subject: true }, 409, /exists/),
    ...["GET", "DELETE"].flatMap((method) => [
      of(`${method} of what is no UUID`, method, "/x", undefined, 400, "invalid_request"),
      of(`${method} of an unknown UUID`, method, "/00000000-0000-4000-8000-000000000000", undefined, 404, /./),
      of(`${method} of a UUID with a digit more`, method, `/${trusted.id}0`, undefined, 400, "invalid_request"),
    ]),
    ...["PUT", "PATCH"].map((method) => of(`by ${method}`, method, `/${trusted.id}`, {}, 405, "invalid_request")),
    of("page_size", "GET", "?page_size=x", undefined, 400, malformed),
    of("page_token", "GET", "?page_token=x", undefined, 400, "invalid_request"),
    of("issuer twice", "GET", "?issuer=a&issuer=b", undefined, 400, malformed),
  ];
}
