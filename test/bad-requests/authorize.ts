import { type BadRequest, basic, encode, type Form, formPost, NASTY, type Site } from "./case.ts";

/** RFC 6749 §3.1, §4.1.2.1; RFC 7636 §4.4.1; OIDC Core §3.1.2.6, §6. */
export function authorizationRequests({ writ, rp, spa }: Site): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/auth`;
  const right = { client_id: rp.client.client_id, response_type: "code", redirect_uri: rp.redirectUri, scope: "openid read", state: "a state that comes back" };
  const of = (what: string, form: Form, error: string | RegExp, status: number): BadRequest => ({
    what: `authorize: ${what}`,
    url: `${url}?${encode(form)}`,
    init: {},
    status,
    error,
  });
  /** For the person: nobody knows where the client is. */
  const page = (what: string, form: Form) => of(what, form, "page", 400);
  /** For the client, by a redirect. */
  const told = (what: string, more: Readonly<Record<string, string | undefined>>, error: string | RegExp) => of(what, { ...right, ...more }, error, 303);
  const again = (name: string, value: string) => `${encode(right)}&${name}=${encodeURIComponent(value)}`;
  const hint = (header: object, payload: object) =>
    [header, payload, "x"].map((part) => Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url")).join(".");
  const publicClient = { client_id: spa.client_id, redirect_uri: "https://spa.example/cb" };
  return [
    page("nothing", ""),
    page("no client_id", { ...right, client_id: undefined }),
    page("an unknown client", { ...right, client_id: "nobody" }),
    page("client_id twice", again("client_id", rp.client.client_id)),
    page("redirect_uri twice", again("redirect_uri", rp.redirectUri)),
    page("no redirect_uri with openid", { ...right, redirect_uri: undefined }),
    ...Object.entries(NASTY).map(([what, value]) => page(`client_id with ${what}`, { ...right, client_id: value })),
    ...Object.entries(NASTY).map(([what, value]) => page(`redirect_uri with ${what}`, { ...right, redirect_uri: value })),
    ...[
      "https://rp.example/cb/",
      "https://rp.example/CB",
      "https://RP.example/cb",
      "https://rp.example/cb?x=1",
      "https://rp.example/cb?",
      "https://rp.example/cb#",
      "https://rp.example/cb#x",
      "https://rp.example:443/cb",
      "https://rp.example:8443/cb",
      "http://rp.example/cb",
      "https://user@rp.example/cb",
      "https://rp.example@evil.example/cb",
      "https://rp.example.evil.example/cb",
      "https://evil.example/cb",
      "https://rp.example%2fcb",
      "https://rp.example/%63b",
      "https://rp.example/x/../cb",
      "https://rp.example\\cb",
      "//rp.example/cb",
      "/cb",
      "rp.example/cb",
      "javascript:alert(1)",
      "data:text/html,x",
      "https://rp.example/cb ",
      " https://rp.example/cb",
      "https://rp.example/cb\n",
      "http://127.0.0.1.evil.example/cb",
      "http://127.0.0.1/cb",
      "http://localhost/cb",
      "http://[::1]/cb",
    ].map((redirect_uri) => page(`redirect_uri '${redirect_uri}'`, { ...right, redirect_uri })),

    told("no response_type", { response_type: undefined }, "invalid_request"),
    told("an empty response_type", { response_type: "" }, "invalid_request"),
    ...["Code", "code code2", "none code", "foo", "constructor", "code%20token", "device"].map((response_type) =>
      told(`response_type '${response_type}'`, { response_type }, "unsupported_response_type"),
    ),
    ...["token", "id_token", "code token", "code id_token", "id_token token", "code id_token token"].map((response_type) =>
      told(`response_type '${response_type}' of a client that is not registered for it`, { response_type, nonce: "a nonce" }, /^(unauthorized_client|unsupported_response_type)$/),
    ),
    ...["Query", "web_message", "jwt", "query.jwt", "constructor", "x"].map((response_mode) =>
      told(`response_mode '${response_mode}'`, { response_mode }, "unsupported_response_mode"),
    ),
    ...[
      "response_type",
      "response_mode",
      "scope",
      "state",
      "nonce",
      "prompt",
      "max_age",
      "code_challenge",
      "code_challenge_method",
      "id_token_hint",
      "display",
      "login_hint",
      "acr_values",
      "ui_locales",
    ].map((name) => ({
      ...of(`${name} twice`, `${encode({ ...right, [name]: undefined })}&${name}=a&${name}=b`, /^(invalid_request|unsupported_response_type)$/, 303),
    })),
    ...["admin", "openid admin", "OPENID", 'openid "', "openid\\", "öpenid"].map((scope) => told(`scope '${scope}'`, { scope }, "invalid_scope")),
    ...Object.entries(NASTY).map(([what, value]) => told(`scope with ${what}`, { scope: value }, "invalid_scope")),
    told("an audience that is not registered", { audience: "https://api.example" }, "invalid_request"),
    ...["", "plain", "s256", "S512", "none"].map((code_challenge_method) =>
      told(`code_challenge_method '${code_challenge_method}'`, { code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method }, "invalid_request"),
    ),
    ...["x", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"].map((code_challenge) =>
      told(`code_challenge '${code_challenge}'`, { code_challenge, code_challenge_method: "S256" }, "invalid_request"),
    ),
    told("a method of PKCE without its challenge", { code_challenge_method: "S256" }, "invalid_request"),
    told("a public client without PKCE", publicClient, "invalid_request"),
    ...["none login", "none consent", "none select_account", "foo", "login foo", "None", "create"].map((prompt) => told(`prompt '${prompt}'`, { prompt }, "invalid_request")),
    told("prompt=none, and nobody is logged in", { prompt: "none" }, "login_required"),
    ...["-1", "abc", "1.5", "1e3", " 1", "99999999999", "0x10", "١"].map((max_age) => told(`max_age '${max_age}'`, { max_age }, "invalid_request")),
    ...[
      ["no JWT", "x"],
      ["alg none", hint({ alg: "none" }, { sub: "alice" })],
      ["a bad signature", hint({ alg: "RS256" }, { iss: "http://127.0.0.1:4444", sub: "alice" })],
      ["another issuer", hint({ alg: "ES256" }, { iss: "https://evil.example", sub: "alice" })],
      ["no JSON", `${Buffer.from("{").toString("base64url")}.x.x`],
    ].map(([what, id_token_hint = ""]) => told(`id_token_hint: ${what}`, { id_token_hint }, "invalid_request")),
    told("registration", { registration: "{}" }, "registration_not_supported"),
    { ...of("a form of 2 MB", "", "invalid_request", 413), url, init: formPost({ ...right, x: "x".repeat(2_000_000) }) },
    { ...of("JSON", "", "page", 400), url, init: { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(right) } },
    ...["PUT", "DELETE", "PATCH"].map((method) => ({ ...of(`by ${method}`, right, "invalid_request", 405), init: { method, headers: basic(rp.client) } })),
    ...["login_verifier", "consent_verifier"].flatMap((name) => [
      page(`${name} that is none`, { [name]: "x" }),
      page(`${name} twice`, `${name}=a&${name}=b`),
      page(`${name} beside the other`, { login_verifier: "x", consent_verifier: "y" }),
      ...Object.entries(NASTY).map(([what, value]) => page(`${name} with ${what}`, { [name]: value })),
    ]),
  ];
}
