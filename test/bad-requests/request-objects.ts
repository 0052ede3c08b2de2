import { type BadRequest, encode, type Form, NASTY } from "./case.ts";
import type { Features } from "./features.ts";
import { brokenJwts, makeJwt, now } from "./jwt.ts";

const ISSUER = "http://127.0.0.1:4444";

/** OIDC Core §6, RFC 9101 §5, §6. */
export function requestObjects({ writ, signing, key, strangeKey, machine }: Features): readonly BadRequest[] {
  const id = signing.client.client_id;
  const right = { client_id: id, response_type: "code", redirect_uri: signing.redirectUri, scope: "openid read", state: "a state that comes back" };
  const of = (what: string, more: Readonly<Record<string, string | undefined>>, error: string, status = 303): BadRequest => ({
    what: `request object: ${what}`,
    url: `${writ.publicUrl}/oauth2/auth?${encode({ ...right, ...more })}`,
    init: {},
    status,
    error,
  });
  const made = (claims: object, header: object = {}, signer = key.privateKey) => makeJwt({ iss: id, aud: ISSUER, client_id: id, ...claims }, signer, header);
  const refused = (what: string, request: string) => of(what, { request }, "invalid_request_object");
  return [
    ...Object.entries(brokenJwts(made({}))).map(([what, value]) => refused(`of ${what}`, value)),
    ...Object.entries(NASTY)
      .filter(([what]) => !what.startsWith("10,000"))
      .map(([what, value]) => refused(`with ${what}`, value)),
    refused("unsigned", makeJwt({ client_id: id }, undefined)),
    refused("another key", made({}, {}, strangeKey.privateKey)),
    refused("its own key in the header", made({}, { jwk: strangeKey.publicJwk }, strangeKey.privateKey)),
    refused("the secret of the client", makeJwt({ client_id: id }, signing.client.client_secret)),
    refused("the public key as a secret", makeJwt({ client_id: id }, JSON.stringify(key.publicJwk))),
    refused("alg of another curve", made({}, { alg: "ES384" })),
    refused("an unknown kid", made({}, { kid: "another" })),
    refused("crit", made({}, { crit: ["exp"] })),
    refused("typ of a client assertion", made({}, { typ: "client-authentication+jwt" })),
    refused("typ of a logout token", made({}, { typ: "logout+jwt" })),
    refused("encrypted", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhHQ00ifQ.AAAA.AAAA.AAAA.AAAA"),
    refused("of another iss", made({ iss: machine.client_id })),
    refused("iss that is a number", made({ iss: 1 })),
    refused("of another server", made({ aud: "https://other.example" })),
    refused("aud that is a number", made({ aud: 1 })),
    refused("sub that is the client", made({ sub: id })),
    refused("of another client", made({ client_id: machine.client_id })),
    refused("client_id that is a number", made({ client_id: 1 })),
    refused("past", made({ exp: 1 })),
    refused("exp that is a text", made({ exp: "soon" })),
    refused("not yet", made({ nbf: now() + 1000 })),
    refused("iat in the future", made({ iat: now() + 1000 })),
    refused("a request in it", made({ request: "x" })),
    refused("a request_uri in it", made({ request_uri: "https://a.example/" })),
    refused("another response type", made({ response_type: "token" })),
    refused("a response type that is a list", made({ response_type: ["code"] })),
    of("a scope in it that may not be", { request: made({ scope: "openid admin" }) }, "invalid_scope"),
    of("a prompt in it that is none", { request: made({ prompt: "x" }) }, "invalid_request"),
    of("a max_age in it that is none", { request: made({ max_age: -1 }) }, "invalid_request"),
    of("a max_age in it that is an object", { request: made({ max_age: {} }) }, "invalid_request"),
    of("claims in it that are a list", { request: made({ claims: [] }) }, "invalid_request"),
    of("claims in it that are a text", { request: made({ claims: "x" }) }, "invalid_request"),
    of("a redirect URI in it that is not registered", { request: made({ redirect_uri: "https://evil.example/cb" }) }, "page", 400),
    of("a redirect URI in it that is an object", { request: made({ redirect_uri: {} }) }, "page", 400),
    of("by RFC 9101, without client_id", { request: made({ client_id: undefined }, { typ: "oauth-authz-req+jwt" }) }, "invalid_request_object"),
    of("an empty object", { request: made({}, { typ: "oauth-authz-req+jwt" }) }, "invalid_request"),
    of("request and request_uri", { request: made({}), request_uri: "https://127.0.0.1:1/request" }, "invalid_request"),
    ...["https://evil.example/", "http://127.0.0.1:1/request", "https://127.0.0.1:1/request2", "file:///etc/passwd", "x", "urn:x", "https://127.0.0.1:1/request?x"].map((uri) =>
      of(`request_uri '${uri}'`, { request_uri: uri }, "invalid_request_uri"),
    ),
    ...Object.entries(NASTY)
      .filter(([what]) => !what.startsWith("10,000"))
      .map(([what, value]) => of(`request_uri with ${what}`, { request_uri: value }, "invalid_request_uri")),
    of("a request_uri that leads inside", { request_uri: "https://127.0.0.1:1/request" }, "invalid_request_uri"),
    of("a request_uri of 600 characters", { request_uri: `https://127.0.0.1:1/request#${"x".repeat(600)}` }, "invalid_request_uri"),
    ...["request", "request_uri"].map((name) => ({
      ...of(`${name} twice`, {}, "invalid_request"),
      url: `${writ.publicUrl}/oauth2/auth?${encode(right)}&${name}=a&${name}=b`,
    })),
  ];
}

/** OIDC Core §3.2.2, §3.3.2, §5.5; OAuth 2.0 Multiple Response Types §2.1, §5. */
export function responseRequests({ writ, hybrid, signing }: Features): readonly BadRequest[] {
  const of = (what: string, form: Form, error: string | RegExp, status = 303): BadRequest => ({
    what: `response: ${what}`,
    url: `${writ.publicUrl}/oauth2/auth?${encode(form)}`,
    init: {},
    status,
    error,
  });
  const right = {
    client_id: hybrid.client.client_id,
    response_type: "code",
    redirect_uri: hybrid.redirectUri,
    scope: "openid read",
    state: "a state that comes back",
    nonce: "a nonce",
  };
  const claims = (what: string, text: string, more: object = {}) => of(`claims: ${what}`, { ...right, claims: text, ...more }, "invalid_request");
  const front = ["token", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];
  return [
    ...front.map((type) => of(`'${type}' by query`, { ...right, response_type: type, response_mode: "query" }, "unsupported_response_mode")),
    ...front.filter((type) => type.includes("id_token")).map((type) => of(`'${type}' without nonce`, { ...right, response_type: type, nonce: undefined }, "invalid_request")),
    ...front.filter((type) => type.includes("id_token")).map((type) => of(`'${type}' without openid`, { ...right, response_type: type, scope: "read" }, "invalid_request")),
    ...front.map((type) =>
      of(
        `'${type}' of a client for the code flow`,
        { ...right, response_type: type, client_id: signing.client.client_id, redirect_uri: signing.redirectUri },
        "unauthorized_client",
      ),
    ),
    ...["code,token", "code\ttoken", "none", "code none", "TOKEN", "id_token-token"].map((type) =>
      of(`response type '${type}'`, { ...right, response_type: type }, /^(unsupported_response_type|unauthorized_client)$/),
    ),
    ...["token", "code id_token"].flatMap((type) => [
      of(`'${type}' with prompt=none`, { ...right, response_type: type, prompt: "none" }, "login_required"),
      of(`'${type}' with a scope that may not be`, { ...right, response_type: type, scope: "openid admin" }, "invalid_scope"),
      of(`'${type}' to another redirect URI`, { ...right, response_type: type, redirect_uri: "https://evil.example/cb" }, "page", 400),
      of(`'${type}' without redirect URI`, { ...right, response_type: type, redirect_uri: undefined }, "page", 400),
    ]),
    claims("no JSON", "{"),
    claims("a list", "[]"),
    claims("null", "null"),
    claims("a text", '"x"'),
    claims("a number", "1"),
    ...["id_token", "userinfo"].flatMap((place) => [
      claims(`${place} that is a list`, `{"${place}":[]}`),
      claims(`${place} that is a text`, `{"${place}":"email"}`),
      claims(`${place} with a claim that is a number`, `{"${place}":{"email":1}}`),
      claims(`${place} with a claim that is a list`, `{"${place}":{"email":[]}}`),
      claims(`${place} with essential that is a text`, `{"${place}":{"email":{"essential":"yes"}}}`),
      claims(`${place} with values that are none`, `{"${place}":{"acr":{"values":[]}}}`),
      claims(`${place} with values that are a text`, `{"${place}":{"acr":{"values":"x"}}}`),
      claims(`${place} with deep values`, `{"${place}":{"acr":{"value":${"[".repeat(50)}${"]".repeat(50)}}}}`),
      claims(`${place} with 200 claims`, JSON.stringify({ [place]: Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`c${n}`, null])) })),
      claims(`${place} with a name of 300 characters`, JSON.stringify({ [place]: { ["x".repeat(300)]: null } })),
    ]),
    claims("5,000 characters", JSON.stringify({ x: "x".repeat(5000) })),
    claims("userinfo without an access token", '{"userinfo":{"email":null}}', { response_type: "id_token" }),
    of("claims twice", `${encode(right)}&claims={}&claims={}`, "invalid_request"),
    of("claims: another person", { ...right, claims: '{"id_token":{"sub":{"value":"nobody"}}}', prompt: "none" }, "login_required"),
  ];
}
