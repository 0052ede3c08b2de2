import { gzipSync } from "node:zlib";
import type { Features } from "../bad-requests/features.ts";
import { envelope, type Outcome, type openGrpc, sendConnect, sendGrpcWeb, sendStream } from "./wire.ts";

/** A call that must be refused, and by which code. */
export interface BadCall {
  readonly what: string;
  readonly code: string;
  call(): Promise<Outcome>;
}

const INTROSPECT = "writ.token.v1.TokenService/Introspect";
const WATCH = "writ.token.v1.TokenService/WatchRevocations";
const GARBAGE = new Uint8Array([255, 255, 255]);
/** Field 1, a string that is no UTF-8. */
const NO_UTF8 = new Uint8Array([0x0a, 2, 0xc3, 0x28]);
/** Field 1, said to be ten bytes, of which one comes. */
const CUT = new Uint8Array([0x0a, 10, 0x61]);
/** Field 1 as a number, where it is a string. */
const OTHER_WIRE_TYPE = new Uint8Array([0x08, 1]);
/** Groups in groups. */
const NESTED = new Uint8Array(1_000_000).fill(0x0b);
const TOO_LARGE = new Uint8Array(5_000_000);

/** Calls that are no messages, of no method, or of no known kind: what the wire is (Connect protocol; gRPC over HTTP/2; gRPC-Web). */
export function wireCalls(rpcUrl: string, grpc: ReturnType<typeof openGrpc>): readonly BadCall[] {
  const connect = (what: string, code: string, init: RequestInit, path = INTROSPECT): BadCall => ({
    what: `Connect: ${what}`,
    code,
    call: () => sendConnect(`${rpcUrl}/${path}`, { method: "POST", ...init }),
  });
  const typed = (type: string, body: Uint8Array | string, more: Readonly<Record<string, string>> = {}): RequestInit => ({ headers: { "content-type": type, ...more }, body });
  const broken = { garbage: GARBAGE, "a number for a string": OTHER_WIRE_TYPE, "a message that was cut": CUT, "a string that is no UTF-8": NO_UTF8, "groups in groups": NESTED };
  const paths = [
    "writ.token.v1.TokenService/Nothing",
    "writ.token.v1.TokenService/introspect",
    "writ.token.v1.Nothing/Introspect",
    "writ.store.v1.Grant/Get",
    "%zz/x",
    "__proto__/constructor",
  ];
  return [
    ...Object.entries(broken).map(([what, body]) => connect(`binary: ${what}`, "invalid_argument", typed("application/proto", body))),
    connect("binary: too large", "resource_exhausted", typed("application/proto", TOO_LARGE)),
    ...[
      "",
      "{",
      "[]",
      "null",
      "1",
      '"x"',
      "[".repeat(100_000),
      '{"token":1}',
      '{"token":["a"]}',
      '{"token":{}}',
      '{"token":"\\ud800"}',
      '{"scope":"x"}',
      '{"scope":[1]}',
      '{"scope":[null]}',
    ].map((body) => connect(`JSON: ${body.slice(0, 30)}`, "invalid_argument", typed("application/json", body))),
    connect("JSON: no UTF-8", "invalid_argument", typed("application/json", new Uint8Array([0x22, 0xff, 0x22]))),
    connect("JSON with a charset: half a character", "invalid_argument", typed("application/json; charset=utf-8", '{"token":"\\udfff"}')),
    ...["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"].map((type) =>
      connect(`content type ${type}`, "HTTP 415", typed(type, "{}")),
    ),
    ...Object.entries(broken).map(([what, body]) => connect(`with a query: ${what}`, "invalid_argument", typed("application/proto", body), `${INTROSPECT}?x=1`)),
    connect("content encoding gzip", "unimplemented", typed("application/proto", gzipSync(""), { "content-encoding": "gzip" })),
    connect("content encoding br", "unimplemented", typed("application/json", "{}", { "content-encoding": "br" })),
    connect("protocol version 2", "invalid_argument", typed("application/json", "{}", { "connect-protocol-version": "2" })),
    ...["soon", "-1", "1e3", "99999999999"].map((timeout) => connect(`timeout ${timeout}`, "invalid_argument", typed("application/json", "{}", { "connect-timeout-ms": timeout }))),
    ...["PUT", "DELETE", "PATCH"].map((method) => connect(`by ${method}`, "HTTP 405", { method, ...typed("application/json", "{}") })),
    connect("by GET", "HTTP 405", { method: "GET" }, `${INTROSPECT}?connect=v1&encoding=json&message=%7B%7D`),
    ...paths.map((path) => connect(`the path ${path}`, "HTTP 404", typed("application/json", "{}"), path)),
    connect("a stream, called as none", "HTTP 415", typed("application/json", "{}"), WATCH),
    connect("no stream, called as one", "HTTP 415", typed("application/connect+json", envelope(Buffer.from("{}")))),

    ...Object.entries(broken).map(([what, body]) => ({ what: `gRPC: ${what}`, code: "invalid_argument", call: () => grpc.send(`/${INTROSPECT}`, envelope(body)) })),
    { what: "gRPC: too large", code: "resource_exhausted", call: () => grpc.send(`/${INTROSPECT}`, envelope(TOO_LARGE)) },
    { what: "gRPC: said to be 4 GB", code: "resource_exhausted", call: () => grpc.send(`/${INTROSPECT}`, envelope(new Uint8Array(1), 0, 2 ** 32 - 1)) },
    { what: "gRPC: no message", code: "unimplemented", call: () => grpc.send(`/${INTROSPECT}`, new Uint8Array()) },
    { what: "gRPC: two messages", code: "unimplemented", call: () => grpc.send(`/${INTROSPECT}`, Buffer.concat([envelope(new Uint8Array()), envelope(new Uint8Array())])) },
    { what: "gRPC: half an envelope", code: "invalid_argument", call: () => grpc.send(`/${INTROSPECT}`, new Uint8Array([0, 0])) },
    { what: "gRPC: an envelope that was cut", code: "invalid_argument", call: () => grpc.send(`/${INTROSPECT}`, envelope(new Uint8Array(1), 0, 10)) },
    { what: "gRPC: compressed by gzip", code: "unimplemented", call: () => grpc.send(`/${INTROSPECT}`, envelope(gzipSync(""), 1), { "grpc-encoding": "gzip" }) },
    {
      what: "gRPC: JSON with half a character",
      code: "invalid_argument",
      call: () => grpc.send(`/${INTROSPECT}`, envelope(Buffer.from('{"token":"\\ud800"}')), { "content-type": "application/grpc+json" }),
    },
    { what: "gRPC: a timeout that is none", code: "invalid_argument", call: () => grpc.send(`/${INTROSPECT}`, envelope(new Uint8Array()), { "grpc-timeout": "soon" }) },
    { what: "gRPC: another codec", code: "HTTP 415", call: () => grpc.send(`/${INTROSPECT}`, envelope(new Uint8Array()), { "content-type": "application/grpc+xml" }) },
    ...paths.map((path) => ({ what: `gRPC: the path ${path}`, code: "HTTP 404", call: () => grpc.send(`/${path}`, envelope(new Uint8Array())) })),
    { what: "gRPC: garbage to a stream", code: "invalid_argument", call: () => grpc.send(`/${WATCH}`, envelope(GARBAGE)) },

    ...Object.entries(broken).map(([what, body]) => ({ what: `gRPC-Web: ${what}`, code: "invalid_argument", call: () => sendGrpcWeb(`${rpcUrl}/${INTROSPECT}`, envelope(body)) })),
    ...Object.entries(broken).map(([what, body]) => ({
      what: `Connect stream: ${what}`,
      code: "invalid_argument",
      call: () => sendStream(`${rpcUrl}/${WATCH}`, envelope(body)),
    })),
    { what: "gRPC-Web: too large", code: "resource_exhausted", call: () => sendGrpcWeb(`${rpcUrl}/${INTROSPECT}`, envelope(TOO_LARGE)) },
    { what: "gRPC-Web: an envelope that was cut", code: "invalid_argument", call: () => sendGrpcWeb(`${rpcUrl}/${INTROSPECT}`, envelope(new Uint8Array(1), 0, 10)) },
    { what: "gRPC-Web: as text", code: "HTTP 415", call: () => sendGrpcWeb(`${rpcUrl}/${INTROSPECT}`, Buffer.from("AAAAAAA="), "application/grpc-web-text") },
    { what: "gRPC-Web: garbage to a stream", code: "invalid_argument", call: () => sendGrpcWeb(`${rpcUrl}/${WATCH}`, envelope(GARBAGE)) },
  ];
}

/** Messages whose fields are out of range, one for each rule of each service. */
export function fieldCalls({ writ, machine, member, codes, takeDeviceChallenge, logoutChallenge, trusted, key }: Features): readonly BadCall[] {
  const of = (method: string, what: string, message: object, code = "invalid_argument"): BadCall => ({
    what: `${method}: ${what}`,
    code,
    call: () => sendConnect(`${writ.rpcUrl}/writ.${method}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message) }),
  });
  const [clients, jwks, issuers, sessions] = ["admin.v1.ClientService", "admin.v1.JwkService", "admin.v1.TrustedIssuerService", "admin.v1.SessionService"];
  const jwk = { ...key.publicJwk, kid: "k", use: "sig", alg: "ES256" };
  const trust = { issuer: "https://new.example", subject: "alice", scope: ["read"], jwk, expiresAt: "2099-01-02T03:04:05Z" };
  const long = "x".repeat(100_000);
  return [
    ...[2 ** 31, -(2 ** 31) - 1, 1.5, "x", true, {}].flatMap((pageSize) => [
      of(`${clients}/ListClients`, `pageSize ${JSON.stringify(pageSize)}`, { pageSize }),
      of(`${sessions}/ListConsentSessions`, `pageSize ${JSON.stringify(pageSize)}`, { subject: "a", pageSize }),
      of(`${issuers}/ListTrustedIssuers`, `pageSize ${JSON.stringify(pageSize)}`, { pageSize }),
    ]),
    ...[`${clients}/ListClients`, `${issuers}/ListTrustedIssuers`].map((method) => of(method, "pageToken that is none", { pageToken: "x" })),
    of(`${sessions}/ListConsentSessions`, "no subject", {}),
    of(`${sessions}/ListConsentSessions`, "pageToken that is none", { subject: "a", pageToken: member.tokens.access_token }),
    of(`${sessions}/RevokeConsentSessions`, "nothing said", {}),
    of(`${sessions}/RevokeConsentSessions`, "too much said", { subject: "a", client: "b", all: true }),
    of(`${sessions}/RevokeLoginSessions`, "nothing said", {}),
    of(`${sessions}/RevokeLoginSessions`, "both said", { subject: "a", sid: "b" }),
    of(`${clients}/CreateClient`, "an id of 300 bytes", { client: { clientId: "x".repeat(300) } }),
    of(`${clients}/CreateClient`, "an id with a null character", { client: { clientId: "a\u0000" } }),
    of(`${clients}/CreateClient`, "a name of 100,000 characters", { client: { clientName: long } }),
    of(`${clients}/CreateClient`, "a max age below nothing", { client: { defaultMaxAge: -1 } }),
    of(`${clients}/CreateClient`, "a max age beyond its type", { client: { defaultMaxAge: 2 ** 32 } }),
    of(`${clients}/CreateClient`, "a time that is none", { client: { createdAt: "yesterday" } }),
    of(`${clients}/CreateClient`, "metadata that are a list", { client: { metadata: [] } }),
    of(`${clients}/CreateClient`, "a lifespan of nothing", { client: { lifespans: { implicitGrantAccessTokenLifespan: "0s" } } }),
    of(`${clients}/CreateClient`, "an id that is taken", { client: { clientId: machine.client_id } }, "already_exists"),
    of(`${clients}/GetClient`, "no id", {}, "not_found"),
    of(`${clients}/GetClient`, "100,000 characters", { clientId: long }, "not_found"),
    of(`${clients}/UpdateClient`, "an unknown client", { clientId: "nobody", client: {} }, "not_found"),
    of(`${clients}/PatchClient`, "no operation", { clientId: machine.client_id, patch: [{}] }),
    of(`${clients}/PatchClient`, "600 operations", { clientId: machine.client_id, patch: Array.from({ length: 600 }, () => ({ op: "replace", path: "/owner", value: "x" })) }),
    of(`${clients}/UpdateClientLifespans`, "a lifespan of centuries", { clientId: machine.client_id, lifespans: { implicitGrantAccessTokenLifespan: "9999999h" } }),
    of(`${clients}/DeleteClient`, "an unknown client", { clientId: "nobody" }, "not_found"),
    of(`${jwks}/CreateJwk`, "no set", { alg: "ES256" }),
    of(`${jwks}/CreateJwk`, "an unknown algorithm", { set: "s", alg: "HS256" }),
    of(`${jwks}/CreateJwk`, "an unknown use", { set: "s", alg: "ES256", use: "x" }),
    of(`${jwks}/CreateJwk`, "a set with a line break", { set: "a\nb", alg: "ES256" }),
    of(`${jwks}/CreateJwk`, "a kid of 300 characters", { set: "s", alg: "ES256", kid: "x".repeat(300) }),
    of(`${jwks}/UpdateJwk`, "no key", { set: "s", kid: "k" }),
    of(`${jwks}/UpdateJwk`, "a key that is none", { set: "s", kid: "k", key: { ...jwk, x: "AAAA" } }),
    of(`${jwks}/UpdateJwkSet`, "a set with a key that is none", { set: "s", keySet: { keys: [{}] } }),
    of(`${jwks}/GetJwkSet`, "an unknown set", { set: "nothing" }, "not_found"),
    of(`${jwks}/GetJwk`, "an unknown key", { set: "nothing", kid: "k" }, "not_found"),
    of(`${issuers}/CreateTrustedIssuer`, "nothing", {}),
    of(`${issuers}/CreateTrustedIssuer`, "an expiry before all", { ...trust, expiresAt: "0001-01-01T00:00:00Z" }),
    of(`${issuers}/CreateTrustedIssuer`, "an expiry that is none", { ...trust, expiresAt: "10000-01-01T00:00:00Z" }),
    of(`${issuers}/CreateTrustedIssuer`, "an issuer of 100,000 characters", { ...trust, issuer: long }),
    of(`${issuers}/CreateTrustedIssuer`, "one that is there", { ...trust, issuer: trusted.issuer, subject: "", allowAnySubject: true }, "already_exists"),
    of(`${issuers}/GetTrustedIssuer`, "no UUID", { id: "x" }),
    of(`${issuers}/DeleteTrustedIssuer`, "an unknown UUID", { id: "00000000-0000-4000-8000-000000000000" }, "not_found"),
    ...["Login", "Consent", "Logout", "Device"].flatMap((kind) =>
      ["Get", "Accept", "Reject"].flatMap((verb) => {
        const name = `${kind.toLowerCase()}Challenge`;
        const more = kind === "Device" ? (verb === "Get" ? { userCode: "x" } : { [verb.toLowerCase()]: { userCode: "x" } }) : {};
        return [
          of(`admin.v1.${kind}Service/${verb}${kind}`, "no challenge", more),
          of(`admin.v1.${kind}Service/${verb}${kind}`, "a token for a challenge", { ...more, [name]: member.tokens.access_token }, "not_found"),
          of(`admin.v1.${kind}Service/${verb}${kind}`, "100,000 characters", { ...more, [name]: long }, "not_found"),
        ];
      }),
    ),
    of("admin.v1.LoginService/GetLogin", "a logout challenge", { loginChallenge: logoutChallenge }, "not_found"),
    of("admin.v1.DeviceService/AcceptDevice", "no user code", { deviceChallenge: takeDeviceChallenge() }),
    of("admin.v1.DeviceService/GetDevice", "a device code for a user code", { deviceChallenge: takeDeviceChallenge(), userCode: codes.device_code }),
    of("admin.v1.TokenService/IntrospectToken", "no token", {}),
    of("admin.v1.TokenService/IntrospectToken", "a scope that is none", { token: "x", scope: 'a"b' }),
    of("admin.v1.TokenService/DeleteAccessTokens", "no client", {}),
    of("token.v1.TokenService/BatchIntrospect", "1,001 tokens", { tokens: Array.from({ length: 1001 }, () => "x") }),
    of("token.v1.TokenService/Revoke", "no token", {}),
    of("oauth.v1.OAuthService/ExchangeToken", "nothing", {}),
    of(
      "oauth.v1.OAuthService/ExchangeToken",
      "a client id of 100,000 characters",
      { grantType: "client_credentials", clientAuthentication: { clientId: long } },
      "unauthenticated",
    ),
    of("oauth.v1.OAuthService/RevokeToken", "nothing", {}, "unauthenticated"),
    of("oauth.v1.OAuthService/IntrospectToken", "nothing", {}, "unauthenticated"),
    of("oauth.v1.OAuthService/AuthorizeDevice", "nothing", {}, "unauthenticated"),
    of("oauth.v1.OAuthService/GetUserinfo", "nothing", {}, "unauthenticated"),
    of("oauth.v1.OAuthService/GetUserinfo", "three tokens", { authorization: "Bearer a", formAccessToken: "b", queryAccessToken: "c" }),
    of("oauth.v1.OAuthService/RegisterClient", "nothing", {}),
    of("oauth.v1.OAuthService/GetRegisteredClient", "nothing", {}, "unauthenticated"),
    of("oauth.v1.OAuthService/UpdateRegisteredClient", "nothing", {}, "unauthenticated"),
    of("oauth.v1.OAuthService/DeleteRegisteredClient", "a wrong token", { authorization: "Bearer x", clientId: "x" }, "unauthenticated"),
  ];
}
