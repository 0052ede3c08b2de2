import { type BadRequest, NASTY } from "./case.ts";
import type { Features } from "./features.ts";

const URI = "https://app.example/cb";

/** RFC 7591 §2, §3.1, §3.2.2; RFC 7592 §2; OIDC Registration §2. */
export function registrationRequests({ writ, registered, member, machine }: Features): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/register`;
  const own = `${url}/${registered.client_id}`;
  const bearer = { authorization: `Bearer ${registered.registration_access_token}` };
  const raw = (what: string, where: string, init: RequestInit, status: number, error: string | RegExp): BadRequest => ({
    what: `registration: ${what}`,
    url: where,
    init,
    status,
    error,
  });
  const json = (method: string, body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
    method,
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  /** What may not be registered, and what a client may not be changed to. */
  const refused = (what: string, metadata: object, error = "invalid_client_metadata") => [
    raw(what, url, json("POST", { redirect_uris: [URI], ...metadata }), 400, error),
    raw(`${what}, as a change`, own, json("PUT", { redirect_uris: [URI], ...metadata }, bearer), 400, error),
  ];
  const uris = [
    "",
    "/cb",
    "x",
    "https://",
    "https://a.example/#x",
    "https://u:p@a.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://a.example/",
    "myapp:/cb",
    'https://a.example/"',
    "https://ä.example/",
    "https://a.example/\u0000",
  ];
  return [
    ...["", "{", "null", "[]", '"x"', "1"].flatMap((body) => [
      raw(`the body '${body}'`, url, json("POST", body), 400, /^invalid_(request|client_metadata)$/),
      raw(`the body '${body}', as a change`, own, json("PUT", body, bearer), 400, /^invalid_(request|client_metadata)$/),
    ]),
    ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""].map((type) =>
      raw(`content type '${type}'`, url, { method: "POST", headers: { "content-type": type }, body: JSON.stringify({ redirect_uris: [URI] }) }, 400, "invalid_request"),
    ),
    raw("a body that is no UTF-8", url, { ...json("POST", ""), body: new Uint8Array([0x7b, 0xff, 0x7d]) }, 400, "invalid_request"),
    raw("a body of 2 MB", url, json("POST", { redirect_uris: [URI], client_name: "x".repeat(2_000_000) }), 413, "invalid_request"),
    raw("no redirect URI", url, json("POST", {}), 400, "invalid_redirect_uri"),
    ...uris.flatMap((uri) => refused(`the redirect URI '${uri}'`, { redirect_uris: [uri] }, "invalid_redirect_uri")),
    ...refused("redirect_uris that are no list", { redirect_uris: URI }, "invalid_redirect_uri"),
    ...refused("a redirect URI that is a number", { redirect_uris: [1] }, "invalid_redirect_uri"),
    ...refused("a redirect URI that is half a character", { redirect_uris: ["https://a.example/\ud800"] }, "invalid_redirect_uri"),
    ...refused("300 redirect URIs", { redirect_uris: Array.from({ length: 300 }, (_, n) => `https://a.example/${n}`) }),
    ...refused("an unknown grant type", { grant_types: ["password"] }),
    ...refused("client_credentials", { grant_types: ["client_credentials"], response_types: [] }),
    ...refused("grant types that do not fit", { grant_types: ["refresh_token"], response_types: ["code"] }),
    ...refused("an unknown response type", { response_types: ["code foo"] }),
    ...refused("grant_types that are no list", { grant_types: "authorization_code" }),
    ...refused("a method that is none", { token_endpoint_auth_method: "x" }),
    ...refused("private_key_jwt without keys", { token_endpoint_auth_method: "private_key_jwt" }),
    ...refused("an unknown subject type", { subject_type: "x" }),
    ...refused("pairwise, which is not supported", { subject_type: "pairwise" }),
    ...refused("an ID token by none", { id_token_signed_response_alg: "none" }),
    ...refused("userinfo by an unknown algorithm", { userinfo_signed_response_alg: "XX" }),
    ...refused("encryption without a key", { id_token_encrypted_response_alg: "RSA-OAEP" }),
    ...refused("jwks and jwks_uri", { jwks: { keys: [] }, jwks_uri: "https://a.example/jwks" }),
    ...refused("a private key", { jwks: { keys: [{ kty: "oct", k: "AAAA" }] } }),
    ...refused("jwks that are a list", { jwks: [] }),
    ...refused("a default_max_age below nothing", { default_max_age: -1 }),
    ...refused("a default_max_age that is a text", { default_max_age: "soon" }),
    ...refused("an application type that is none", { application_type: "x" }),
    ...refused("a login URI by http", { initiate_login_uri: "http://a.example/login" }),
    ...refused("a name of 1,000 characters", { client_name: "x".repeat(1000) }),
    ...refused("a name with a line break", { client_name: "a\r\nb" }),
    ...refused("a scope that is a list", { scope: ["openid"] }),
    ...refused("a scope with a quotation", { scope: 'a"b' }),
    ...refused("a logout URI elsewhere", { post_logout_redirect_uris: ["https://b.example/"] }),
    ...refused("a frame elsewhere", { frontchannel_logout_uri: "https://b.example/" }),
    ...["policy_uri", "tos_uri", "client_uri", "logo_uri", "jwks_uri", "sector_identifier_uri"].flatMap((name) => refused(`${name} that runs`, { [name]: "javascript:alert(1)" })),
    ...[{ audience: ["a"] }, { owner: "me" }, { metadata: { a: 1 } }, { access_token_strategy: "jwt" }, { skip_consent: true }, { skip_logout_consent: true }].flatMap((metadata) =>
      refused(`${Object.keys(metadata)}, which is the operator's`, metadata),
    ),
    ...refused("a lifespan, which is the operator's", { refresh_token_grant_refresh_token_lifespan: "1h" }),
    ...refused("a secret of its own", { client_secret: "a secret of my own" }),
    ...refused("a software statement", { software_statement: "x" }, "unapproved_software_statement"),
    ...refused("a software statement that is no text", { software_statement: { a: 1 } }, "unapproved_software_statement"),
    raw("another client_id, as a change", own, json("PUT", { redirect_uris: [URI], client_id: machine.client_id }, bearer), 400, "invalid_client_metadata"),

    ...["GET", "PUT", "DELETE", "PATCH"].map((method) => raw(`by ${method}`, url, { method }, 405, "invalid_request")),
    ...["POST", "PATCH"].map((method) => raw(`a client by ${method}`, own, json(method, {}, bearer), 405, "invalid_request")),
    ...["GET", "PUT", "DELETE"].flatMap((method) => {
      const of = (what: string, where: string, headers: Readonly<Record<string, string>>) =>
        raw(`${method}: ${what}`, where, method === "PUT" ? json(method, { redirect_uris: [URI] }, headers) : { method, headers }, 401, "invalid_token");
      return [
        of("no token", own, {}),
        of("a wrong token", own, { authorization: "Bearer wrong" }),
        of("an access token", own, { authorization: `Bearer ${member.tokens.access_token}` }),
        of("a token that was cut", own, { authorization: bearer.authorization.slice(0, -1) }),
        of("another scheme", own, { authorization: bearer.authorization.replace("Bearer", "Basic") }),
        of("two tokens", own, { authorization: `${bearer.authorization} x` }),
        of("another client's token", `${url}/${machine.client_id}`, bearer),
        of("an unknown client", `${url}/nobody`, bearer),
        ...Object.entries(NASTY)
          .filter(([what]) => what !== "a lone surrogate")
          .map(([what, value]) => of(`a client whose id has ${what}`, `${url}/${encodeURIComponent(value)}`, bearer)),
        of("a broken percent sign", `${url}/%zz`, bearer),
      ];
    }),
  ];
}
