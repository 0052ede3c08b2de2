import { DEVICE_GRANT } from "../harness/device.ts";
import { type BadRequest, basic, encode, type Form, formPost, NASTY } from "./case.ts";
import type { Features } from "./features.ts";

/** RFC 8628 §3.1, §3.3, §3.4, §3.5; hydra.md §3.7. */
export function deviceRequests(features: Features): readonly BadRequest[] {
  return [...authorizationRequests(features), ...pollRequests(features), ...verificationRequests(features), ...handshakeRequests(features)];
}

function authorizationRequests({ writ, machine, device, desk }: Features): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/device/auth`;
  const raw = (what: string, init: RequestInit, status: number, error: string): BadRequest => ({ what: `device authorization: ${what}`, url, init, status, error });
  const of = (what: string, form: Form, error: string, status = error === "invalid_client" ? 401 : 400, headers: Readonly<Record<string, string>> = {}) =>
    raw(what, formPost(form, headers), status, error);
  const own = { client_id: device.client_id };
  return [
    of("no parameters", "", "invalid_client"),
    of("an unknown client", { client_id: "nobody" }, "invalid_client"),
    ...Object.entries(NASTY).map(([what, value]) => of(`client_id with ${what}`, { client_id: value }, "invalid_client")),
    of("a secret for a public client", { ...own, client_secret: "anything" }, "invalid_client"),
    of("a client with a secret, without it", { client_id: desk.client_id }, "invalid_client"),
    of("a wrong secret", {}, "invalid_client", 401, basic({ ...desk, client_secret: "wrong" })),
    of("the secret in the form for a client of Basic", { client_id: desk.client_id, client_secret: desk.client_secret }, "invalid_client"),
    of("another client_id beside Basic", own, "invalid_request", 400, basic(desk)),
    of("two methods", { client_id: desk.client_id, client_secret: desk.client_secret }, "invalid_request", 400, basic(desk)),
    of("a client without the grant type", {}, "unauthorized_client", 400, basic(machine)),
    ...["client_id", "scope", "client_secret"].map((name) => of(`${name} twice`, `client_id=${device.client_id}&${name}=a&${name}=b`, "invalid_request")),
    ...["admin", "read admin", "READ", 'read"', "réad", "read\\", "*"].map((scope) => of(`scope '${scope}'`, { ...own, scope }, "invalid_scope")),
    ...Object.entries(NASTY).map(([what, value]) => of(`scope with ${what}`, { ...own, scope: value }, "invalid_scope")),
    ...["https://api.example", "x", "https://api.example/#x"].map((audience) => of(`audience '${audience}'`, { ...own, audience }, "invalid_request")),
    ...["GET", "PUT", "DELETE", "PATCH"].map((method) => raw(`by ${method}`, { method }, 405, "invalid_request")),
    ...["application/json", "text/plain", "multipart/form-data; boundary=x", ""].map((type) =>
      raw(`content type '${type}'`, { method: "POST", headers: { "content-type": type }, body: encode(own) }, 400, "invalid_request"),
    ),
    { ...of("credentials in the query", own, "invalid_request"), url: `${url}?client_secret=x` },
    of("a broken percent sign", "client_id=%zz", "invalid_request"),
    raw("a form that is no UTF-8", { ...formPost(""), body: new Uint8Array([0x67, 0x3d, 0xff]) }, 400, "invalid_request"),
    raw("a form of 2 MB", formPost(`client_id=${device.client_id}&x=${"x".repeat(2_000_000)}`), 413, "invalid_request"),
  ];
}

function pollRequests({ writ, machine, device, desk, codes, member }: Features): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/token`;
  const of = (what: string, form: Readonly<Record<string, string | undefined>>, error: string, headers: Readonly<Record<string, string>> = {}): BadRequest => ({
    what: `device poll: ${what}`,
    url,
    init: formPost({ grant_type: DEVICE_GRANT, ...form }, headers),
    status: error === "invalid_client" ? 401 : 400,
    error,
  });
  const own = { client_id: device.client_id };
  const code: string = codes.device_code;
  return [
    of("no code", own, "invalid_request"),
    of("an empty code", { ...own, device_code: "" }, "invalid_request"),
    of("no client", { device_code: code }, "invalid_client"),
    of("another client", { device_code: code }, "invalid_grant", basic(desk)),
    of("a client without the grant type", { device_code: code }, "unauthorized_client", basic(machine)),
    of("the user code", { ...own, device_code: codes.user_code }, "invalid_grant"),
    of("a code that was cut", { ...own, device_code: code.slice(0, -1) }, "invalid_grant"),
    of("a code with a digit more", { ...own, device_code: `${code}A` }, "invalid_grant"),
    of("a code of another kind's prefix", { ...own, device_code: code.replace("_dc_", "_ac_") }, "invalid_grant"),
    of("an access token", { ...own, device_code: member.tokens.access_token }, "invalid_grant"),
    ...Object.entries(NASTY).map(([what, value]) => of(`a code with ${what}`, { ...own, device_code: value }, "invalid_grant")),
    { ...of("a code twice", {}, "invalid_request"), init: formPost(`grant_type=${encodeURIComponent(DEVICE_GRANT)}&client_id=${device.client_id}&device_code=a&device_code=b`) },
    { ...of("a code in the query", own, "invalid_request"), url: `${url}?device_code=${code}` },
  ];
}

function verificationRequests({ writ, codes }: Features): readonly BadRequest[] {
  const url = `${writ.publicUrl}/oauth2/device/verify`;
  const of = (what: string, form: Form, status: number, error: string | RegExp, init: RequestInit = {}): BadRequest => ({
    what: `device verification: ${what}`,
    url: `${url}?${encode(form)}`,
    init,
    status,
    error,
  });
  return [
    ...["device_verifier", "login_verifier", "consent_verifier"].flatMap((name) => [
      of(`${name} that is none`, { [name]: "x" }, 400, "page access_denied"),
      of(`a device code for ${name}`, { [name]: codes.device_code }, 400, "page access_denied"),
      of(`${name} twice`, `${name}=a&${name}=b`, 400, "page access_denied"),
      ...Object.entries(NASTY).map(([what, value]) => of(`${name} with ${what}`, { [name]: value }, 400, "page access_denied")),
    ]),
    of("a broken percent sign", "user_code=%zz", 400, "page invalid_request"),
    of("500 parameters", Array.from({ length: 600 }, (_, n) => `p${n}=1`).join("&"), 400, "page invalid_request"),
    ...["POST", "PUT", "DELETE", "PATCH"].map((method) => of(`by ${method}`, {}, 405, "invalid_request", { method })),
  ];
}

function handshakeRequests({ writ, takeDeviceChallenge, member, logoutChallenge }: Features): readonly BadRequest[] {
  const path = "/admin/oauth2/auth/requests/device";
  const of = (what: string, method: string, query: Readonly<Record<string, string | undefined>>, body: unknown, status: number, error: string | RegExp): BadRequest => ({
    what: `device handshake: ${what}`,
    url: `${writ.adminUrl}${path}${what.startsWith("accept") ? "/accept" : what.startsWith("reject") ? "/reject" : ""}?${encode(query)}`,
    init: { method, ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) }) },
    status,
    error,
  });
  const typed = { user_code: "BCDF-GHJK" };
  const malformed = "The request was malformed or contained invalid parameters";
  return [
    of("get: no challenge", "GET", typed, undefined, 400, "invalid_request"),
    of("get: an unknown challenge", "GET", { ...typed, device_challenge: "x" }, undefined, 404, "Not Found"),
    of("get: a logout challenge", "GET", { ...typed, device_challenge: logoutChallenge }, undefined, 404, "Not Found"),
    of("get: no user code", "GET", { device_challenge: takeDeviceChallenge() }, undefined, 400, "invalid_request"),
    of("get: an unknown user code", "GET", { ...typed, device_challenge: takeDeviceChallenge() }, undefined, 400, "invalid_request"),
    { ...of("get: a challenge twice", "GET", {}, undefined, 400, malformed), url: `${writ.adminUrl}${path}?device_challenge=a&device_challenge=b` },
    ...["accept", "reject"].flatMap((verb) => [
      of(`${verb}: no challenge`, "PUT", {}, typed, 400, "invalid_request"),
      of(`${verb}: an unknown challenge`, "PUT", { device_challenge: "x" }, typed, 404, "Not Found"),
      of(`${verb}: an access token for a challenge`, "PUT", { device_challenge: member.tokens.access_token }, typed, 404, "Not Found"),
      of(`${verb}: no user code`, "PUT", { device_challenge: takeDeviceChallenge() }, {}, 400, "invalid_request"),
      of(`${verb}: an empty user code`, "PUT", { device_challenge: takeDeviceChallenge() }, { user_code: "" }, 400, "invalid_request"),
      ...["BCDFGHJK", "bcdf-ghjk", "--------", "1", "BCDF-GHJK-BCDF", "<b>", "\u0000", "ünïcödé", "x".repeat(10_000)].map((code) =>
        of(`${verb}: the user code '${code.slice(0, 20)}'`, "PUT", { device_challenge: takeDeviceChallenge() }, { user_code: code }, 400, "invalid_request"),
      ),
      ...["{", "[]", "null", '"x"', '{"user_code":1}', '{"user_code":["a"]}', '{"user_code":"\\ud800"}'].map((body) =>
        of(`${verb}: the body ${body}`, "PUT", { device_challenge: "x" }, body, 400, malformed),
      ),
      ...["GET", "POST", "DELETE", "PATCH"].map((method) =>
        of(`${verb}: by ${method}`, method, { device_challenge: "x" }, method === "GET" ? undefined : typed, 405, "invalid_request"),
      ),
    ]),
  ];
}
