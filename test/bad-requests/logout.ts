import { BYE } from "../harness/logout.ts";
import { type BadRequest, encode, type Form, formPost, NASTY } from "./case.ts";
import type { Features } from "./features.ts";
import { brokenJwts, makeJwt, now } from "./jwt.ts";

/** OIDC RP-Initiated Logout §2, §3, §4; hydra.md §3.6. */
export function logoutRequests({ writ, member, logoutChallenge, key, machine }: Features): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/sessions/logout`;
  const page = (what: string, form: Form, error = "page invalid_request"): BadRequest => ({ what: `logout: ${what}`, url: `${url}?${encode(form)}`, init: {}, status: 400, error });
  /** By a browser that is known: one without cookies is asked to come again by GET. */
  const cookie = [...member.agent.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const post = (what: string, form: Form, error = "page invalid_request", headers: Readonly<Record<string, string>> = { cookie }): BadRequest => ({
    ...page(what, "", error),
    url,
    init: formPost(form, headers),
  });
  const hint: string = member.tokens.id_token;
  const claims = { iss: "http://127.0.0.1:4444", aud: [member.rp.client.client_id], sub: member.subject, sid: member.sid, iat: now(), exp: now() + 60 };
  const path = "/admin/oauth2/auth/requests/logout";
  const shake = (what: string, method: string, query: Form, status: number, error: string): BadRequest => ({
    what: `logout handshake: ${what}`,
    url: `${writ.adminUrl}${path}${what.startsWith("accept") ? "/accept" : what.startsWith("reject") ? "/reject" : ""}?${encode(query)}`,
    init: { method },
    status,
    error,
  });
  return [
    ...Object.entries(brokenJwts(hint)).map(([what, value]) => page(`a hint of ${what}`, { id_token_hint: value })),
    ...Object.entries(NASTY).map(([what, value]) => page(`a hint with ${what}`, { id_token_hint: value })),
    page("a hint that a client signed", { id_token_hint: makeJwt(claims, key.privateKey) }),
    page("a hint that is not signed", { id_token_hint: makeJwt(claims, undefined) }),
    page("an access token for a hint", { id_token_hint: member.tokens.access_token }),
    page("a hint of another client", { id_token_hint: hint, client_id: machine.client_id }),
    page("an unknown client", { client_id: "nobody" }),
    ...Object.entries(NASTY).map(([what, value]) => page(`client_id with ${what}`, { client_id: value })),
    page("a redirect URI, and nobody says whose", { post_logout_redirect_uri: BYE }),
    ...[`${BYE}/`, `${BYE}?x`, `${BYE}#`, BYE.toUpperCase(), "https://evil.example/", "//rp.example/bye", "javascript:alert(1)", "/", `${BYE} `, "https://rp.example/cb"].map(
      (uri) => page(`the redirect URI '${uri}'`, { id_token_hint: hint, post_logout_redirect_uri: uri }),
    ),
    ...Object.entries(NASTY).map(([what, value]) => page(`a redirect URI with ${what}`, { id_token_hint: hint, post_logout_redirect_uri: value })),
    ...["id_token_hint", "post_logout_redirect_uri", "state", "client_id", "ui_locales", "logout_hint"].map((name) => page(`${name} twice`, `${name}=a&${name}=b`)),
    page("a broken percent sign", "state=%zz"),
    page("600 parameters", Array.from({ length: 600 }, (_, n) => `p${n}=1`).join("&")),
    page("a verifier that is none", { logout_verifier: "x" }),
    page("a challenge for a verifier", { logout_verifier: logoutChallenge }),
    ...Object.entries(NASTY).map(([what, value]) => page(`a verifier with ${what}`, { logout_verifier: value })),
    post("a challenge that is none, posted", { logout_challenge: "x", answer: "yes" }),
    post("a challenge of another browser, posted", { logout_challenge: logoutChallenge, answer: "yes" }, "page access_denied", {}),
    post("a hint that is none, posted", { id_token_hint: "x" }),
    ...["application/json", "text/plain"].map((type) => ({
      ...post(`content type '${type}'`, ""),
      init: { method: "POST", headers: { "content-type": type }, body: "{}" },
    })),
    { ...post("a form of 2 MB", "", "invalid_request"), init: formPost(`state=${"x".repeat(2_000_000)}`), status: 413 },
    ...["PUT", "DELETE", "PATCH"].map((method) => ({ ...page(`by ${method}`, "", "invalid_request"), init: { method }, status: 405 })),

    ...(["get", "accept", "reject"] as const).flatMap((verb) => {
      const method = verb === "get" ? "GET" : "PUT";
      return [
        shake(`${verb}: no challenge`, method, {}, 400, "invalid_request"),
        shake(`${verb}: an empty challenge`, method, { logout_challenge: "" }, 400, "invalid_request"),
        shake(`${verb}: an access token`, method, { logout_challenge: member.tokens.access_token }, 404, "Not Found"),
        shake(`${verb}: a challenge that was cut`, method, { logout_challenge: logoutChallenge.slice(0, -1) }, 404, "Not Found"),
        ...Object.entries(NASTY).map(([what, value]) => shake(`${verb}: a challenge with ${what}`, method, { logout_challenge: value }, 404, "Not Found")),
        shake(`${verb}: a challenge twice`, method, "logout_challenge=a&logout_challenge=b", 400, "The request was malformed or contained invalid parameters"),
        shake(`${verb}: by ${verb === "get" ? "POST" : "GET"}`, verb === "get" ? "POST" : "GET", { logout_challenge: logoutChallenge }, 405, "invalid_request"),
      ];
    }),
  ];
}
