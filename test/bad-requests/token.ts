import { type BadRequest, basic, type Form, formPost, NASTY, type Site } from "./case.ts";

const OK = { grant_type: "client_credentials" };

/** RFC 6749 §3.2, §4, §5.2, §6. */
export function tokenRequests({ writ, machine, post, spa, rp, other, refreshToken, accessToken }: Site): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/token`;
  const of = (
    what: string,
    form: Form,
    error: string,
    status = error === "invalid_client" ? 401 : 400,
    headers: Readonly<Record<string, string>> = basic(machine),
  ): BadRequest => ({
    what: `token: ${what}`,
    url,
    init: formPost(form, headers),
    status,
    error,
  });
  const raw = (what: string, init: RequestInit, status: number, error: string | RegExp): BadRequest => ({ what: `token: ${what}`, url, init, status, error });
  const rpAuth = basic(rp.client);
  const code = { grant_type: "authorization_code", code: "writ_ac_x", redirect_uri: rp.redirectUri };
  const id = machine.client_id;
  return [
    ...["", "password", "implicit", "CLIENT_CREDENTIALS", "client_credentials ", "urn:ietf:params:oauth:grant-type:saml2-bearer", "constructor", "toString"].map((grant) =>
      of(`grant_type '${grant}'`, { grant_type: grant }, grant === "" ? "invalid_request" : "unsupported_grant_type"),
    ),
    ...Object.entries(NASTY).map(([what, value]) => of(`grant_type with ${what}`, { grant_type: value }, "unsupported_grant_type")),
    of("no parameters", "", "invalid_request"),
    ...["grant_type", "scope", "audience", "client_id"].map((name) =>
      of(`${name} twice`, `grant_type=client_credentials&${name}=${name === "grant_type" ? "client_credentials" : "read"}&${name}=read`, "invalid_request"),
    ),
    ...["admin", "read admin", "READ", "read\twrite", 'read"', "read\\", "réad", "read\u0000", "*", "read.*"].map((scope) =>
      of(`scope '${scope}'`, { ...OK, scope }, "invalid_scope"),
    ),
    ...Object.entries(NASTY).map(([what, value]) => of(`scope with ${what}`, { ...OK, scope: value }, "invalid_scope")),
    ...["https://api.example", "api", "https://api.example/#x"].map((audience) => of(`audience '${audience}'`, { ...OK, audience }, "invalid_request")),
    of("client credentials of a client for the code flow", OK, "unauthorized_client", 400, rpAuth),
    of("client credentials of a public client", { ...OK, client_id: spa.client_id }, "unauthorized_client", 400, {}),

    of("no authentication", OK, "invalid_client", 401, {}),
    of("an unknown client", OK, "invalid_client", 401, basic({ client_id: "nobody", client_secret: "secret-of-nobody" })),
    of("a wrong secret", OK, "invalid_client", 401, basic({ ...machine, client_secret: "wrong" })),
    of("an empty secret", OK, "invalid_client", 401, basic({ ...machine, client_secret: "" })),
    of("somebody else's secret", OK, "invalid_client", 401, basic({ ...machine, client_secret: post.client_secret })),
    of("a secret with a space at its end", OK, "invalid_client", 401, basic({ ...machine, client_secret: `${machine.client_secret} ` })),
    of("the id in other case", OK, "invalid_client", 401, basic({ ...machine, client_id: id.toUpperCase() })),
    of("the secret in the form for a client of Basic", { ...OK, client_id: id, client_secret: machine.client_secret }, "invalid_client", 401, {}),
    of("Basic for a client of the form", OK, "invalid_client", 401, basic(post)),
    of("a client id alone for a client with a secret", { ...OK, client_id: id }, "invalid_client", 401, {}),
    of("a secret for a public client", { ...OK, client_id: spa.client_id, client_secret: "anything" }, "invalid_client", 401, {}),
    of("two methods", { ...OK, client_id: id, client_secret: machine.client_secret }, "invalid_request"),
    of("another client_id beside Basic", { ...OK, client_id: post.client_id }, "invalid_request"),
    of("an assertion that is none", { ...OK, client_assertion: "x", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" }, "invalid_client", 401, {}),
    of("an assertion of an unknown type", { ...OK, client_assertion: "x", client_assertion_type: "saml" }, "invalid_client", 401, {}),
    of("an assertion beside Basic", { ...OK, client_assertion: "x", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" }, "invalid_request"),
    ...[
      "Basic",
      "Basic ",
      "Basic ***",
      "Basic YWJj",
      `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString("base64")}`,
      `Basic ${Buffer.from("a%zz:b").toString("base64")}`,
      "Negotiate abc",
      "Bearer abc",
      "basic",
    ].map((authorization) => of(`Authorization '${authorization}'`, OK, "invalid_client", 401, { authorization })),
    ...Object.entries(NASTY).map(([what, value]) => of(`client_id with ${what}`, { ...OK, client_id: value, client_secret: "x" }, "invalid_client", 401, {})),
    ...Object.entries(NASTY).map(([what, value]) => of(`a secret with ${what}`, { ...OK, client_id: post.client_id, client_secret: value }, "invalid_client", 401, {})),

    of("a code that is none", code, "invalid_grant", 400, rpAuth),
    of("no code", { ...code, code: undefined }, "invalid_request", 400, rpAuth),
    of("an empty code", { ...code, code: "" }, "invalid_request", 400, rpAuth),
    of("a code twice", `${new URLSearchParams(code)}&code=y`, "invalid_request", 400, rpAuth),
    of("a refresh token for a code", { ...code, code: refreshToken }, "invalid_grant", 400, rpAuth),
    of("an access token for a code", { ...code, code: accessToken }, "invalid_grant", 400, rpAuth),
    of("a code of a client without the grant type", code, "unauthorized_client"),
    of("a code of a public client, without PKCE", { ...code, client_id: spa.client_id }, "invalid_grant", 400, {}),
    of("a code in the query", { grant_type: "authorization_code", redirect_uri: rp.redirectUri }, "invalid_request", 400, rpAuth),
    ...Object.entries(NASTY).map(([what, value]) => of(`a code with ${what}`, { ...code, code: value }, "invalid_grant", 400, rpAuth)),
    ...Object.entries(NASTY).map(([what, value]) => of(`a code_verifier with ${what}`, { ...code, code_verifier: value }, "invalid_grant", 400, rpAuth)),
    ...Object.entries(NASTY).map(([what, value]) => of(`a refresh token with ${what}`, { grant_type: "refresh_token", refresh_token: value }, "invalid_grant", 400, rpAuth)),
    of("no refresh token", { grant_type: "refresh_token" }, "invalid_request", 400, rpAuth),
    of("a refresh token twice", `grant_type=refresh_token&refresh_token=${refreshToken}&refresh_token=${refreshToken}`, "invalid_request", 400, rpAuth),
    of("an access token to refresh", { grant_type: "refresh_token", refresh_token: accessToken }, "invalid_grant", 400, rpAuth),
    of("a refresh token of another client", { grant_type: "refresh_token", refresh_token: refreshToken }, "invalid_grant", 400, basic(other.client)),
    of("a refresh token of a client without the grant type", { grant_type: "refresh_token", refresh_token: refreshToken }, "unauthorized_client"),
    of("a refresh token that was cut", { grant_type: "refresh_token", refresh_token: refreshToken.slice(0, -1) }, "invalid_grant", 400, rpAuth),
    of("a refresh token with a digit more", { grant_type: "refresh_token", refresh_token: `${refreshToken}A` }, "invalid_grant", 400, rpAuth),
    of("a wider scope at a refresh", { grant_type: "refresh_token", refresh_token: refreshToken, scope: "openid write" }, "invalid_scope", 400, rpAuth),

    ...["GET", "PUT", "DELETE", "PATCH"].map((method) => raw(`by ${method}`, { method, headers: basic(machine) }, 405, "invalid_request")),
    ...["application/json", "text/plain", "multipart/form-data; boundary=x", "application/xml", ""].map((type) =>
      raw(`content type '${type}'`, { method: "POST", headers: { ...basic(machine), "content-type": type }, body: "grant_type=client_credentials" }, 400, "invalid_request"),
    ),
    raw("JSON", { method: "POST", headers: { ...basic(machine), "content-type": "application/json" }, body: JSON.stringify(OK) }, 400, "invalid_request"),
    raw("a body of 2 MB", { ...formPost(`grant_type=client_credentials&x=${"x".repeat(2_000_000)}`, basic(machine)) }, 413, "invalid_request"),
    raw("a body with a broken percent sign", formPost("grant_type=%zz", basic(machine)), 400, "invalid_request"),
    raw("a body that is no UTF-8", { ...formPost("", basic(machine)), body: new Uint8Array([0x67, 0x3d, 0xff, 0xfe]) }, 400, "invalid_request"),
    raw("5,000 parameters", formPost(Array.from({ length: 5_000 }, (_, n) => `p${n}=1`).join("&"), basic(machine)), 400, "invalid_request"),
  ];
}

/** RFC 7009, RFC 7662 §2.1. */
export function tokenQuestions({ writ, machine, spa, post, accessToken }: Site): readonly BadRequest[] {
  return ["revoke", "introspect"].flatMap((endpoint): BadRequest[] => {
    const url = `${writ.publicUrl}/oauth2/${endpoint}`;
    const of = (what: string, init: RequestInit, status: number, error: string): BadRequest => ({ what: `${endpoint}: ${what}`, url, init, status, error });
    const right = basic(machine);
    return [
      of("no authentication", formPost({ token: accessToken }), 401, "invalid_client"),
      of("a wrong secret", formPost({ token: accessToken }, basic({ ...machine, client_secret: "wrong" })), 401, "invalid_client"),
      of("an unknown client", formPost({ token: accessToken }, basic({ client_id: "nobody", client_secret: "secret" })), 401, "invalid_client"),
      of("the wrong method", formPost({ token: accessToken }, basic(post)), 401, "invalid_client"),
      of("no token", formPost({}, right), 400, "invalid_request"),
      of("an empty token", formPost({ token: "" }, right), 400, "invalid_request"),
      of("a token twice", formPost("token=a&token=b", right), 400, "invalid_request"),
      of("a hint twice", formPost("token=a&token_type_hint=access_token&token_type_hint=refresh_token", right), 400, "invalid_request"),
      of("two methods", formPost({ token: "a", client_id: machine.client_id, client_secret: machine.client_secret }, right), 400, "invalid_request"),
      of("JSON", { method: "POST", headers: { ...right, "content-type": "application/json" }, body: JSON.stringify({ token: "a" }) }, 400, "invalid_request"),
      of("a body of 2 MB", formPost(`token=${"x".repeat(2_000_000)}`, right), 413, "invalid_request"),
      of("a broken percent sign", formPost("token=%zz", right), 400, "invalid_request"),
      ...["GET", "PUT", "DELETE"].map((method) => of(`by ${method}`, { method, headers: right }, 405, "invalid_request")),
      ...(endpoint === "introspect" ? [of("a public client", formPost({ token: accessToken, client_id: spa.client_id }), 401, "invalid_client")] : []),
    ];
  });
}

/** RFC 6750 §2, §3; OIDC Core §5.3.3. */
export function userinfoRequests({ writ, accessToken, refreshToken, idToken }: Site): readonly BadRequest[] {
  const url = `${writ.publicUrl}/userinfo`;
  const of = (what: string, init: RequestInit, status: number, error: string): BadRequest => ({ what: `userinfo: ${what}`, url, init, status, error });
  const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
  return [
    of("no token", {}, 401, "invalid_token"),
    ...["", "x", "writ_at_", `${accessToken}A`, accessToken.slice(0, -1), accessToken.toUpperCase(), refreshToken, idToken].map((token, n) =>
      of(`token ${n}`, bearer(token), token === "" ? 400 : 401, token === "" ? "invalid_request" : "invalid_token"),
    ),
    of("two tokens in the header", bearer(`${accessToken}, ${accessToken}`), 400, "invalid_request"),
    of("a token in header and form", formPost({ access_token: accessToken }, { authorization: `Bearer ${accessToken}` }), 400, "invalid_request"),
    of("a token in the form twice", formPost(`access_token=${accessToken}&access_token=${accessToken}`), 400, "invalid_request"),
    of("Basic", { headers: { authorization: "Basic YTpi" } }, 401, "invalid_token"),
    of("DPoP", { headers: { authorization: `DPoP ${accessToken}` } }, 401, "invalid_token"),
    ...["PUT", "DELETE"].map((method) => of(`by ${method}`, { method, ...bearer(accessToken) }, 405, "invalid_request")),
    { ...of("a token in the query", {}, 400, "invalid_request"), url: `${url}?access_token=${accessToken}` },
  ];
}
