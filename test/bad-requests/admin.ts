import { type BadRequest, formPost, NASTY, type Site } from "./case.ts";

const NOT_FOUND = /^(Not Found|Unable to locate the resource|not_found)$/;

/** The admin API: hydra.md §3, §4.3, §5.1. */
export function adminRequests({ writ, machine, accessToken }: Site): readonly BadRequest[] {
  const of = (what: string, method: string, path: string, body: unknown, status: number, error: string | RegExp): BadRequest => ({
    what: `admin: ${what}`,
    url: writ.adminUrl + path,
    init: { method, ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) }) },
    status,
    error,
  });
  const client = (what: string, metadata: unknown, error: string | RegExp, status = 400) => of(`client with ${what}`, "POST", "/admin/clients", metadata, status, error);
  const at = `/admin/clients/${machine.client_id}`;
  const broken = [
    "",
    "{",
    "[]",
    "null",
    "1",
    '"x"',
    '{"client_id":1}',
    '{"redirect_uris":"https://a"}',
    '{"redirect_uris":[1]}',
    '{"scope":["a"]}',
    '{"metadata":{"__proto__":{}}}',
    `{"metadata":${'{"a":'.repeat(200)}1${"}".repeat(201)}`,
  ];
  const challenge = (kind: string, verb: string) => `/admin/oauth2/auth/requests/${kind}${verb === "" ? "" : `/${verb}`}`;
  return [
    ...broken.map((body, n) => of(`client: broken body ${n}`, "POST", "/admin/clients", body, 400, /./)),
    ...broken.map((body, n) => of(`PUT of a client: broken body ${n}`, "PUT", at, body, 400, /./)),
    ...["javascript:alert(1)", "https://a/#x", "/cb", "x", "", "https://u:p@a/", "https://a/\u0000", "https://ä.example/", 'https://a/"', "https://a/ b", "data:text/html,x"].map(
      (uri) => client(`the redirect URI '${uri}'`, { redirect_uris: [uri] }, /^invalid_(redirect_uri|client_metadata)$/),
    ),
    ...["policy_uri", "tos_uri", "client_uri", "logo_uri", "jwks_uri"].flatMap((name) =>
      ["javascript:alert(1)", "x", "ftp://a/", "/a"].map((uri) => client(`${name} '${uri}'`, { [name]: uri }, "invalid_client_metadata")),
    ),
    ...["https://a/path", "https://a?x", "ftp://a", "*", "https://u@a", "null", "https://a#x"].map((origin) =>
      client(`the CORS origin '${origin}'`, { allowed_cors_origins: [origin] }, "invalid_client_metadata"),
    ),
    client("a secret of 5 characters", { client_secret: "short" }, "invalid_client_metadata"),
    client("an unknown strategy", { access_token_strategy: "x" }, "invalid_client_metadata"),
    client("an unknown subject type", { subject_type: "x" }, "invalid_client_metadata"),
    client("an unknown algorithm", { userinfo_signed_response_alg: "XX" }, "invalid_client_metadata"),
    client("jwks and jwks_uri", { jwks: { keys: [] }, jwks_uri: "https://a/jwks" }, "invalid_client_metadata"),
    client("jwks that are none", { jwks: { keys: [{ kty: "RSA" }] } }, "invalid_client_metadata"),
    client("a private key in jwks", { jwks: { keys: [{ kty: "oct", k: "AAAA" }] } }, "invalid_client_metadata"),
    client("private_key_jwt without keys", { token_endpoint_auth_method: "private_key_jwt" }, "invalid_client_metadata"),
    client("a post_logout_redirect_uri elsewhere", { redirect_uris: ["https://a/cb"], post_logout_redirect_uris: ["https://b/"] }, "invalid_client_metadata"),
    client("an id that is taken", { client_id: machine.client_id }, /exists/, 409),
    client("an id of 300 characters", { client_id: "x".repeat(300) }, /^invalid_/),
    client("a name of 2,000 characters", { client_name: "x".repeat(2000) }, /^invalid_/),
    client("a lifespan that is none", { client_credentials_grant_access_token_lifespan: "soon" }, /./),
    client("a lifespan below nothing", { client_credentials_grant_access_token_lifespan: "-1h" }, /./),
    client("a lifespan of centuries", { client_credentials_grant_access_token_lifespan: "9000000h" }, /./),
    client("a megabyte", { client_name: "x".repeat(3_000_000) }, /./, 413),
    of("client: no content type", "POST", "/admin/clients", undefined, 400, /./),
    { ...of("client: text/plain", "POST", "/admin/clients", "{}", 400, /./), init: { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" } },
    of("an unknown client", "GET", "/admin/clients/nobody", undefined, 404, NOT_FOUND),
    of("PUT of an unknown client", "PUT", "/admin/clients/nobody", {}, 404, NOT_FOUND),
    of("DELETE of an unknown client", "DELETE", "/admin/clients/nobody", undefined, 404, NOT_FOUND),
    of("PATCH of an unknown client", "PATCH", "/admin/clients/nobody", [{ op: "replace", path: "/client_name", value: "x" }], 404, NOT_FOUND),
    of("lifespans of an unknown client", "PUT", "/admin/clients/nobody/lifespans", {}, 404, NOT_FOUND),
    of("lifespans that are none", "PUT", `${at}/lifespans`, { client_credentials_grant_access_token_lifespan: "x" }, 400, /./),
    ...[
      {},
      "[",
      [{}],
      [{ op: "x", path: "/scope" }],
      [{ op: "replace" }],
      [{ op: "replace", path: "scope", value: "x" }],
      [{ op: "remove", path: "/nothing" }],
      [{ op: "replace", path: "/client_id", value: "x" }],
      [{ op: "replace", path: "/redirect_uris", value: "x" }],
      [{ op: "add", path: "/redirect_uris/99", value: "https://a" }],
      [{ op: "replace", path: "/__proto__/x", value: 1 }],
      [{ op: "replace", path: "/scope", value: 5 }],
      [{ op: "test", path: "/scope", value: "not this" }],
    ].map((patch, n) => of(`JSON Patch ${n}`, "PATCH", at, patch, 400, /./)),
    ...["x", "1.5", "1e2", " 1"].map((size) => of(`page_size '${size}'`, "GET", `/admin/clients?page_size=${encodeURIComponent(size)}`, undefined, 400, /./)),
    ...["x", "AAAA", "writ_pt_x"].map((token) => of(`page_token '${token}'`, "GET", `/admin/clients?page_token=${token}`, undefined, 400, /./)),
    ...Object.entries(NASTY)
      .filter(([what]) => what !== "a lone surrogate")
      .map(([what, value]) =>
        of(`a client id with ${what}`, "GET", `/admin/clients/${encodeURIComponent(value)}`, undefined, 404, /^(Not Found|Unable to locate the resource|page)$/),
      ),
    of("a broken percent sign in a path", "GET", "/admin/clients/%zz", undefined, 404, "page"),

    of("an unknown key set", "GET", "/admin/keys/nothing", undefined, 404, NOT_FOUND),
    of("an unknown key", "GET", "/admin/keys/hydra.openid.id-token/nothing", undefined, 404, NOT_FOUND),
    ...["XX", "none", "HS256", "rs256", ""].map((alg) => of(`a key of algorithm '${alg}'`, "POST", "/admin/keys/mine", { alg, use: "sig" }, 400, /./)),
    of("a key of an unknown use", "POST", "/admin/keys/mine", { alg: "ES256", use: "x" }, 400, /./),
    ...[
      '{"keys":1}',
      '{"keys":[1]}',
      '{"keys":[{}]}',
      '{"keys":[{"kty":"RSA","kid":"a","alg":"RS256","use":"sig"}]}',
      '{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"a","alg":"ES256","use":"sig"}]}',
    ].map((body, n) => of(`a key set ${n}`, "PUT", "/admin/keys/mine", body, 400, /./)),

    ...["login", "consent"].flatMap((kind) => {
      const name = `${kind}_challenge`;
      return [
        of(`${kind}: no challenge`, "GET", challenge(kind, ""), undefined, 400, "invalid_request"),
        of(`${kind}: an empty challenge`, "GET", `${challenge(kind, "")}?${name}=`, undefined, 400, "invalid_request"),
        of(`${kind}: an unknown challenge`, "GET", `${challenge(kind, "")}?${name}=x`, undefined, 404, NOT_FOUND),
        of(`${kind}: an access token for a challenge`, "GET", `${challenge(kind, "")}?${name}=${accessToken}`, undefined, 404, NOT_FOUND),
        ...["accept", "reject"].flatMap((verb) => [
          of(`${kind} ${verb}: no challenge`, "PUT", challenge(kind, verb), {}, 400, "invalid_request"),
          of(`${kind} ${verb}: an unknown challenge`, "PUT", `${challenge(kind, verb)}?${name}=x`, verb === "accept" && kind === "login" ? { subject: "a" } : {}, 404, NOT_FOUND),
          of(`${kind} ${verb}: a broken body`, "PUT", `${challenge(kind, verb)}?${name}=x`, "{", 400, /./),
          of(`${kind} ${verb}: an unknown type`, "PUT", `${challenge(kind, verb)}?${name}=x`, { remember: "yes", error: 5 }, 400, /./),
          of(`${kind} ${verb} by GET`, "GET", `${challenge(kind, verb)}?${name}=x`, undefined, 405, /./),
          of(`${kind} ${verb} by POST`, "POST", `${challenge(kind, verb)}?${name}=x`, {}, 405, /./),
        ]),
      ];
    }),
    of("login sessions of nobody", "DELETE", "/admin/oauth2/auth/sessions/login", undefined, 400, "invalid_request"),
    of("consent sessions of nobody", "GET", "/admin/oauth2/auth/sessions/consent", undefined, 400, "invalid_request"),
    of("to revoke the consent of nobody", "DELETE", "/admin/oauth2/auth/sessions/consent", undefined, 400, "invalid_request"),
    of("to revoke consent without saying which", "DELETE", "/admin/oauth2/auth/sessions/consent?subject=a", undefined, 400, "invalid_request"),
    of("to end the tokens of nobody", "DELETE", "/admin/oauth2/tokens", undefined, 400, "invalid_request"),
    { ...of("introspection without a token", "POST", "/admin/oauth2/introspect", undefined, 400, "invalid_request"), init: formPost("") },
    { ...of("introspection of two tokens", "POST", "/admin/oauth2/introspect", undefined, 400, "invalid_request"), init: formPost("token=a&token=b") },
    of("introspection by JSON", "POST", "/admin/oauth2/introspect", { token: "a" }, 400, "invalid_request"),
    of("introspection by GET", "GET", "/admin/oauth2/introspect", undefined, 405, /./),
    of("an unknown path", "GET", "/admin/nothing", undefined, 404, "page"),
    { ...of("a foreign origin", "GET", "/admin/clients", undefined, 403, /./), init: { headers: { origin: "https://evil.example" } } },
    of("page_size twice", "GET", "/admin/clients?page_size=1&page_size=2", undefined, 400, /./),
  ];
}
