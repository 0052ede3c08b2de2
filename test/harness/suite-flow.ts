import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createLocalJWKSet, decodeJwt, type JWTPayload, jwtVerify } from "jose";
import type { Answer } from "./http.ts";
import { callToken, type Person, type Suite, type SuiteClient, type Visit } from "./suite.ts";

/** What may stand in an ID token without having been asked for. */
const OF_THE_PROTOCOL = new Set("iss sub aud exp iat auth_time nonce acr amr azp at_hash c_hash s_hash nbf jti sid".split(" "));
/** What may stand in an error response. */
const OF_ERRORS = new Set("error error_description error_uri state iss session_state".split(" "));

/** The common path of a module, and what came of it. */
export interface Run {
  readonly visit: Visit;
  readonly code: string;
  /** That of the authorization response; of the token endpoint where only code is asked for. */
  readonly idToken: string;
  readonly claims: JWTPayload;
  /** The last that came: the token endpoint's where there is one. Empty: none is issued. */
  readonly accessToken: string;
  readonly tokens: Answer["body"];
  readonly userinfo: Answer["body"];
}

/** How a module's request differs. `undefined` takes a parameter out. */
export type Changes = Readonly<Record<string, string | undefined>>;

/** A nonce or state of so many characters. */
export const chars = (length: number): string => "aZ09-._~".repeat(Math.ceil(length / 8)).slice(0, length);

/** The URL of an authorization request as every module makes it. */
export function requestUrl({ suite, record, redirectUri, type }: SuiteClient, changes: Changes = {}): string {
  const all = { client_id: record.client_id, redirect_uri: redirectUri, scope: "openid", state: chars(43), nonce: chars(64), response_type: type, ...changes };
  return `${suite.metadata.authorization_endpoint}?${new URLSearchParams(Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined))}`;
}

/** Looks at where an answer came, and at what is in every one. */
export function checkPlace(client: SuiteClient, visit: Visit, changes: Changes): void {
  const expected = changes.response_mode === "form_post" ? "form_post" : client.type === "code" ? "query" : "fragment";
  assert.equal(visit.page, undefined, visit.page?.text);
  assert.equal(visit.by, expected);
  assert.equal(visit.url.origin + visit.url.pathname, new URL(client.redirectUri).origin + new URL(client.redirectUri).pathname);
  if (expected !== "query") assert.equal(visit.url.search, new URL(client.redirectUri).search);
  assert.equal(visit.parameters.get("state"), "state" in changes ? (changes.state ?? null) : chars(43));
  assert.equal(visit.parameters.get("iss"), client.suite.issuer);
}

/** Runs a request that ends in an error at the client. */
export async function fail(client: SuiteClient, person: Person, changes: Changes): Promise<string> {
  const visit = await person.visit(requestUrl(client, changes));
  checkPlace(client, visit, changes);
  assert.deepEqual(visit.pages, []);
  for (const name of visit.parameters.keys()) assert.ok(OF_ERRORS.has(name) || new URL(client.redirectUri).searchParams.has(name), name);
  assert.match(visit.parameters.get("error_description") ?? "", /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  return visit.parameters.get("error") ?? "";
}

/** Runs a request that is shown as a page at the endpoint itself, and names what is wrong. */
export async function refuse(client: SuiteClient, person: Person, changes: Changes, name: RegExp): Promise<void> {
  const { page, url, pages } = await person.visit(requestUrl(client, changes));
  assert.deepEqual([page?.status, page?.headers.get("content-type"), pages], [400, "text/html;charset=UTF-8", []]);
  assert.equal(url.origin + url.pathname, client.suite.metadata.authorization_endpoint);
  assert.match(page?.text ?? "", /<h1>This request cannot go on<\/h1>/);
  assert.match(page?.text.match(/id="error-description">(.*?)<\/dd>/)?.[1] ?? "", name);
}

/** Verifies an ID token as every module does. `nonce` undefined: there is none; left out: there may be one. */
export async function verify(client: SuiteClient, token: string, more: { readonly nonce?: string | undefined; readonly alg?: string } = {}): Promise<JWTPayload> {
  const { suite, record } = client;
  const { body: jwks } = await suite.fetch(suite.metadata.jwks_uri);
  const now = suite.time.clock();
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), { issuer: suite.issuer, audience: record.client_id, currentDate: new Date(now) });
  assert.deepEqual([protectedHeader.alg, typeof protectedHeader.kid], [more.alg ?? "RS256", "string"]);
  assert.ok(Math.abs((payload.iat ?? 0) - now / 1000) < 300);
  assert.match(payload.sub ?? "", /^[\x21-\x7e]{1,255}$/);
  if ("nonce" in more) assert.equal(payload.nonce, more.nonce);
  return payload;
}

/** Calls userinfo by its header. */
export function userinfoOf({ fetch, metadata }: Suite, token: string, init: RequestInit = {}): Promise<Answer> {
  return fetch(metadata.userinfo_endpoint, { ...init, headers: { authorization: `Bearer ${token}` } });
}

/** Whether a text looks like 128 bits and more than 96 of entropy (Shannon's, of its characters). */
function checkEntropy(text: string): void {
  const counts = [...text].reduce((all, each) => all.set(each, (all.get(each) ?? 0) + 1), new Map<string, number>());
  const bits = [...counts.values()].reduce((sum, count) => sum - count * Math.log2(count / text.length), 0);
  assert.ok(text.length >= 16 && bits > 96, text);
}

const half = (value: string): string => createHash("sha256").update(value).digest().subarray(0, 16).toString("base64url");

/** Runs a request to its good end: everything that every module looks at. `redeem`: in place of the token request by client_secret_basic. */
export async function succeed(
  client: SuiteClient,
  person: Person,
  changes: Changes = {},
  {
    redeem = (form) => callToken(client, form),
    form = {},
    visit: given,
  }: { readonly redeem?: (form: Record<string, string>) => Promise<Answer>; readonly form?: object; readonly visit?: Visit } = {},
): Promise<Run> {
  const visit = given ?? (await person.visit(requestUrl(client, changes)));
  checkPlace(client, visit, changes);
  const [words, nonce] = [client.type.split(" "), "nonce" in changes ? changes.nonce : chars(64)];
  const { parameters } = visit;
  assert.equal(parameters.get("error"), null, String(parameters));
  for (const [word, name] of [
    ["code", "code"],
    ["id_token", "id_token"],
    ["token", "access_token"],
  ] as const)
    assert.equal(parameters.has(name), words.includes(word), name);
  const [code, front, atFront] = [parameters.get("code") ?? "", parameters.get("id_token") ?? "", parameters.get("access_token") ?? ""];
  let claims: JWTPayload = {};
  if (front !== "") {
    claims = await verify(client, front, { nonce });
    assert.deepEqual([claims.at_hash, claims.c_hash], [atFront === "" ? undefined : half(atFront), code === "" ? undefined : half(code)]);
  }
  if (atFront !== "") {
    checkEntropy(atFront);
    assert.deepEqual([parameters.get("token_type"), Number(parameters.get("expires_in")) > 0], ["Bearer", true]);
    assert.equal((await userinfoOf(client.suite, atFront)).status, 200);
  }
  let [tokens, idToken]: [Answer["body"], string] = [undefined, front];
  if (code !== "") {
    checkEntropy(code);
    const answer = await redeem({ grant_type: "authorization_code", code, redirect_uri: client.redirectUri, ...form });
    assert.deepEqual([answer.status, answer.headers.get("cache-control")], [200, "no-store"], answer.text);
    tokens = answer.body;
    checkEntropy(tokens.access_token);
    assert.deepEqual([tokens.token_type, tokens.expires_in > 0 && tokens.expires_in < 366 * 86_400], ["Bearer", true]);
    const second = await verify(client, tokens.id_token, { nonce });
    assert.equal(second.at_hash ?? half(tokens.access_token), half(tokens.access_token));
    if (front === "") [idToken, claims] = [tokens.id_token, second];
    else assert.equal(second.sub, claims.sub);
  }
  const accessToken: string = tokens?.access_token ?? atFront;
  let userinfo: Answer["body"];
  if (accessToken !== "") {
    for (const token of [front, tokens?.id_token ?? ""].filter((each) => each !== "")) {
      const extra = Object.keys(decodeJwt(token)).filter((name) => !OF_THE_PROTOCOL.has(name));
      if (changes.claims === undefined) assert.deepEqual(extra, [], "nothing in an ID token that nobody asked for");
    }
    const answer = await userinfoOf(client.suite, accessToken);
    assert.deepEqual([answer.status, answer.headers.get("content-type")?.startsWith("application/json")], [200, true], answer.text);
    userinfo = answer.body;
    if (idToken !== "") assert.equal(userinfo.sub, claims.sub);
  }
  return { visit, code, idToken, claims, accessToken, tokens, userinfo };
}
