import assert from "node:assert/strict";
import { createHmac, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { before, test } from "node:test";
import { Configuration, OAuth2Api } from "@ory/hydra-client";
import { SignJWT, UnsecuredJWT } from "jose";
import { DAY, HOUR, makeTestClock } from "./harness/clock.ts";
import { type Answer, createClient, introspect, postForm, sendJson, type TestClient } from "./harness/http.ts";
import { makeTestKey, type TestKey } from "./harness/keys.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ISSUER = "http://127.0.0.1:4444";
const TRUST = "/admin/trust/grants/jwt-bearer/issuers";
const time = makeTestClock();
const seconds = () => Math.floor(time.clock() / 1000);
const inDays = (days: number) => new Date(time.clock() + days * DAY).toISOString();

let count = 0;
const newIss = () => `https://idp-${count++}.example`;
const claimsOf = (iss: string, more: object = {}) => ({ iss, sub: "alice", aud: ISSUER, jti: randomUUID(), iat: seconds(), exp: seconds() + 60, ...more });
const sign = (claims: object, key: KeyObject, header: object = {}): Promise<string> =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: "ES256", kid: "k", ...header }).sign(key);
const newClient = (writ: Writ, more: object = {}): Promise<TestClient> =>
  createClient(writ, { grant_types: [GRANT], scope: "read write admin", audience: ["https://api.example"], ...more });
const exchange = (writ: Writ, client: TestClient, assertion: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  postForm(`${writ.publicUrl}/oauth2/token`, { grant_type: GRANT, assertion, ...more }, { basic: [client.client_id, client.client_secret] });

describeWrit("RFC 7523 authorization grants", { clock: time.clock }, (writ) => {
  let key: TestKey;
  let client: TestClient;
  before(async () => {
    [key, client] = await Promise.all([makeTestKey("ES256"), newClient(writ())]);
  });

  const trust = async (iss: string, more: object = {}): Promise<Answer["body"]> => {
    const jwk = { ...key.publicJwk, kid: "k", use: "sig", alg: "ES256" };
    const answer = await sendJson(writ(), "POST", TRUST, { issuer: iss, subject: "alice", scope: ["read", "write"], jwk, expires_at: inDays(1), ...more });
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const refused = async (assertion: string, about: RegExp, more: Readonly<Record<string, string>> = {}, error = "invalid_grant"): Promise<void> => {
    const answer = await exchange(writ(), client, assertion, more);
    assert.deepEqual([answer.status, answer.body.error], [400, error], answer.text);
    assert.match(answer.body.error_description, about);
  };

  test("RFC 7523 §2.1: an assertion of a trusted issuer is exchanged for an access token about its subject, and for no other token", async () => {
    const iss = newIss();
    await trust(iss);
    const answer = await exchange(writ(), client, await sign(claimsOf(iss), key.privateKey), { scope: "read", audience: "https://api.example" });
    assert.equal(answer.status, 200, answer.text);
    const { access_token: token, ...rest } = answer.body;
    assert.deepEqual(rest, { token_type: "Bearer", expires_in: 3600, scope: "read" });
    const told = await introspect(writ(), token);
    assert.deepEqual([told.active, told.sub, told.client_id, told.scope, told.aud], [true, "alice", client.client_id, "read", ["https://api.example"]]);
    await postForm(`${writ().publicUrl}/oauth2/revoke`, { token }, { basic: [client.client_id, client.client_secret] });
    assert.equal((await introspect(writ(), token)).active, false);
  });

  test("RFC 7523 §2.1: an assertion that is missing, sent in the query, or of a client without the grant type", async () => {
    const iss = newIss();
    await trust(iss);
    await refused("", /'assertion'/, {}, "invalid_request");
    const query = await postForm(
      `${writ().publicUrl}/oauth2/token?assertion=${await sign(claimsOf(iss), key.privateKey)}`,
      { grant_type: GRANT },
      { basic: [client.client_id, client.client_secret] },
    );
    assert.deepEqual([query.status, query.body.error], [400, "invalid_request"]);
    const other = await newClient(writ(), { grant_types: ["client_credentials"] });
    assert.equal((await exchange(writ(), other, await sign(claimsOf(iss), key.privateKey))).body.error, "unauthorized_client");
    const nobody = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: GRANT, assertion: await sign(claimsOf(iss), key.privateKey) });
    assert.deepEqual([nobody.status, nobody.body.error], [401, "invalid_client"]);
  });

  test("RFC 7523 §3: each claim that is missing, wrong, early, late or of the wrong type", async () => {
    const iss = newIss();
    await trust(iss);
    for (const [claims, about] of [
      [{ iss: undefined }, /'iss'/],
      [{ iss: [iss] }, /'iss'/],
      [{ iss: "https://nobody.example" }, /nobody who is trusted/],
      [{ sub: undefined }, /'sub'/],
      [{ sub: "" }, /'sub'/],
      [{ sub: 5 }, /'sub'/],
      [{ sub: "x".repeat(300) }, /'sub'/],
      [{ sub: "a\ud800" }, /'sub'/],
      [{ sub: "a\u0000b" }, /'sub'/],
      [{ sub: "bob" }, /nobody who is trusted/],
      [{ sub: "Alice" }, /nobody who is trusted/],
      [{ sub: "alice " }, /nobody who is trusted/],
      [{ sub: "*" }, /nobody who is trusted/],
      [{ aud: undefined }, /'aud'/],
      [{ aud: "https://other.example" }, /'aud'/],
      [{ aud: [7, ISSUER] }, /'aud'/],
      [{ exp: undefined }, /'exp' is missing/],
      [{ exp: seconds() - 1 }, /'exp' is past/],
      [{ exp: "soon" }, /'exp'/],
      [{ exp: seconds() + 721 * 3600 }, /'exp' is more than 2592000 seconds/],
      [{ iat: undefined }, /'iat' is missing/],
      [{ iat: seconds() + 100 }, /'iat' is in the future/],
      [{ iat: seconds() - 720 * 3600 }, /'exp' is more than/],
      [{ nbf: seconds() + 100 }, /'nbf' is in the future/],
      [{ jti: undefined }, /'jti'/],
      [{ jti: "" }, /'jti'/],
      [{ jti: {} }, /'jti'/],
    ] as const)
      await refused(await sign(claimsOf(iss, claims), key.privateKey), about);
    for (const aud of [`${ISSUER}/oauth2/token`, [ISSUER, "https://other.example"]])
      assert.equal((await exchange(writ(), client, await sign(claimsOf(iss, { aud, exp: seconds() + 3600 * 719 }), key.privateKey))).status, 200, String(aud));
  });

  test("RFC 8725 §3: unsigned, another's key, another algorithm, the public key as a secret, keys in the header, another type", async () => {
    const iss = newIss();
    await trust(iss);
    const [thief, rsa] = await Promise.all([makeTestKey("ES256"), makeTestKey("RS256")]);
    const claims = () => claimsOf(iss);
    await refused(new UnsecuredJWT(claims()).encode(), /nobody who is trusted/);
    await refused(await sign(claims(), thief.privateKey), /nobody who is trusted/);
    await refused(await sign(claims(), thief.privateKey, { jwk: thief.publicJwk }), /nobody who is trusted/);
    await refused(await sign(claims(), key.privateKey, { kid: "other" }), /nobody who is trusted/);
    await refused(await sign(claims(), rsa.privateKey, { alg: "RS256" }), /nobody who is trusted/);
    const pem = createPublicKey({ key: key.publicJwk, format: "jwk" }).export({ type: "spki", format: "pem" });
    const input = `${Buffer.from('{"alg":"HS256","kid":"k"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims())).toString("base64url")}`;
    await refused(`${input}.${createHmac("sha256", pem).update(input).digest("base64url")}`, /nobody who is trusted/);
    for (const typ of ["client-authentication+jwt", "oauth-authz-req+jwt", "at+jwt", "oauth-id-jag+jwt"])
      await refused(await sign(claims(), key.privateKey, { typ }), /no signed JWT/);
    for (const text of ["x", "a.b.c", `${"e".repeat(20_000)}.e30.x`, await sign({ ...claims(), filler: "x".repeat(20_000) }, key.privateKey)]) await refused(text, /no signed JWT/);
    assert.equal((await exchange(writ(), client, await sign(claims(), key.privateKey, { kid: undefined, typ: "JWT" }))).status, 200, "without kid each key of the issuer is tried");
    const another = newIss();
    await refused(await sign(claimsOf(another), key.privateKey), /nobody who is trusted/);
  });

  test("RFC 7523 §3: an assertion is used once, also by a hundred at the same time; a request that fails does not use it up", async () => {
    const iss = newIss();
    await trust(iss);
    const assertion = await sign(claimsOf(iss), key.privateKey);
    await refused(assertion, /'admin'/, { scope: "admin" }, "invalid_scope");
    const answers = await Promise.all(Array.from({ length: 100 }, () => exchange(writ(), client, assertion)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ body }) => body.error === "invalid_grant" && /used before/.test(body.error_description)).length, 99);
    const [second, jti] = [newIss(), randomUUID()];
    await trust(second);
    for (const each of [iss, second]) assert.equal((await exchange(writ(), client, await sign(claimsOf(each, { jti }), key.privateKey))).status, 200, "a jti is its issuer's own");
  });

  test("RFC 7521 §4.1: no scope beyond the client's or the issuer's; the row for the very subject counts before that for any", async () => {
    const iss = newIss();
    await trust(iss, { scope: ["read", "beyond.*"] });
    const ask = async (scope: string, sub = "alice") => (await exchange(writ(), client, await sign(claimsOf(iss, { sub }), key.privateKey), { scope })).body;
    assert.equal((await ask("read")).scope, "read");
    assert.equal((await ask("")).scope, "");
    for (const scope of ["write", "read write", "beyond.x", "r\u00e9ad"]) assert.equal((await ask(scope)).error, "invalid_scope", scope);
    await trust(iss, { subject: undefined, allow_any_subject: true, scope: ["read", "write"] });
    assert.deepEqual([(await ask("write", "bob")).scope, (await ask("write")).error], ["write", "invalid_scope"]);
    const audience = await exchange(writ(), client, await sign(claimsOf(iss), key.privateKey), { audience: "https://other.example" });
    assert.deepEqual([audience.status, audience.body.error], [400, "invalid_request"]);
  });

  test("trust ends when it expires or is deleted, with and without a kid; the client's lifespan is the token's", async () => {
    const iss = newIss();
    const short = await newClient(writ(), { jwt_bearer_grant_access_token_lifespan: "90s" });
    const { id } = await trust(iss, { expires_at: inDays(1) });
    assert.equal((await exchange(writ(), short, await sign(claimsOf(iss), key.privateKey))).body.expires_in, 90);
    time.advance(25 * HOUR);
    for (const header of [{}, { kid: undefined }]) await refused(await sign(claimsOf(iss), key.privateKey, header), /nobody who is trusted/);
    assert.equal((await sendJson(writ(), "DELETE", `${TRUST}/${id}`)).status, 204);
    const again = await trust(iss);
    assert.equal((await exchange(writ(), client, await sign(claimsOf(iss), key.privateKey))).status, 200);
    await sendJson(writ(), "DELETE", `${TRUST}/${again.id}`);
    await refused(await sign(claimsOf(iss), key.privateKey), /nobody who is trusted/);
  });

  test("DESIGN epochs: revoking all consents of a subject ends the tokens about it, and none that come later; a JWT token too", async () => {
    const iss = newIss();
    const sub = `subject-${count++}`;
    await trust(iss, { subject: sub });
    const jwt = await newClient(writ(), { access_token_strategy: "jwt" });
    const issue = async (by: TestClient) => (await exchange(writ(), by, await sign(claimsOf(iss, { sub }), key.privateKey))).body.access_token;
    const tokens = [await issue(client), await issue(jwt)];
    for (const token of tokens) assert.deepEqual([(await introspect(writ(), token)).active, (await introspect(writ(), token)).sub], [true, sub]);
    assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/consent?subject=${sub}&all=true`)).status, 204);
    for (const token of tokens) assert.equal((await introspect(writ(), token)).active, false);
    assert.equal((await introspect(writ(), await issue(client))).active, true);
  });

  test("hydra.md §3.10: create, get, list, delete in Hydra's shape; @ory/hydra-client", async () => {
    const api = new OAuth2Api(new Configuration({ basePath: writ().adminUrl }));
    const iss = newIss();
    const jwk = { ...key.publicJwk, kid: "k", use: "sig", alg: "ES256", kty: "EC" };
    const created = await api.trustOAuth2JwtGrantIssuer({ trustOAuth2JwtGrantIssuer: { issuer: iss, subject: "alice", scope: ["read"], jwk, expires_at: inDays(1) } });
    assert.equal(created.status, 201);
    const { id = "", created_at, expires_at, ...rest } = created.data;
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(rest, { issuer: iss, subject: "alice", allow_any_subject: false, scope: ["read"], public_key: { set: iss, kid: "k" } });
    assert.ok(Date.parse(created_at ?? "") <= time.clock() && Date.parse(expires_at ?? "") > time.clock());
    assert.equal(created.headers.location, `/trust/grants/jwt-bearer/issuers/${id}`);
    assert.deepEqual((await api.getTrustedOAuth2JwtGrantIssuer({ id })).data, created.data);
    const second = await api.trustOAuth2JwtGrantIssuer({ trustOAuth2JwtGrantIssuer: { issuer: iss, allow_any_subject: true, scope: [], jwk, expires_at: inDays(1) } });
    assert.deepEqual([second.data.subject, second.data.allow_any_subject, second.data.scope], ["", true, []]);
    const { data: all } = await api.listTrustedOAuth2JwtGrantIssuers({ issuer: iss });
    assert.deepEqual(new Set(all.map((each) => each.id)), new Set([id, second.data.id]));
    const page = await sendJson(writ(), "GET", `${TRUST}?issuer=${encodeURIComponent(iss)}&page_size=1`);
    const token = /page_token=([^&>]+)[^>]*>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? assert.fail("no next page");
    const next = await sendJson(writ(), "GET", `${TRUST}?issuer=${encodeURIComponent(iss)}&page_size=1&page_token=${token}`);
    assert.deepEqual([page.body[0].id, next.body[0].id].toSorted(), [id, second.data.id].toSorted());
    assert.equal((await sendJson(writ(), "GET", `${TRUST}?issuer=other&page_token=${token}`)).status, 400);
    assert.ok((await api.listTrustedOAuth2JwtGrantIssuers({ pageSize: 500 })).data.length >= 2);
    await api.deleteTrustedOAuth2JwtGrantIssuer({ id });
    await assert.rejects(api.getTrustedOAuth2JwtGrantIssuer({ id }), { status: 404 });
    await assert.rejects(api.deleteTrustedOAuth2JwtGrantIssuer({ id }), { status: 404 });
    await assert.rejects(api.getTrustedOAuth2JwtGrantIssuer({ id: "no-uuid" }), { status: 400 });
    assert.equal((await api.listTrustedOAuth2JwtGrantIssuers({ issuer: iss })).data.length, 1);
  });

  test("hydra.md §3.10: what lacks something is a 400 that names it; the same again is a 409, also of ten at the same time", async () => {
    const iss = newIss();
    const jwk = { ...key.publicJwk, kid: "k" };
    const good = { issuer: iss, subject: "alice", scope: ["read"], jwk, expires_at: inDays(1) };
    for (const [more, error, about] of [
      [{ issuer: "" }, "missing_required_parameter", /'issuer'/],
      [{ issuer: `https://${"x".repeat(3000)}` }, "invalid_request", /'issuer'/],
      [{ subject: undefined }, "missing_required_parameter", /'subject'/],
      [{ allow_any_subject: true }, "missing_required_parameter", /'allow_any_subject'/],
      [{ subject: "x".repeat(300) }, "invalid_request", /'subject'/],
      [{ expires_at: undefined }, "missing_required_parameter", /'expires_at'/],
      [{ jwk: undefined }, "missing_required_parameter", /'jwk'/],
      [{ jwk: key.publicJwk }, "missing_required_parameter", /'kid'/],
      [{ jwk: { ...key.privateKey.export({ format: "jwk" }), kid: "k" } }, "invalid_request", /public/],
      [{ jwk: { kty: "oct", k: "AAAA", kid: "k" } }, "invalid_request", /public/],
      [{ jwk: { ...jwk, use: "enc" } }, "invalid_request", /'use'/],
      [{ jwk: { ...jwk, alg: "RS256" } }, "invalid_request", /'alg'/],
      [{ jwk: { ...jwk, x: "AAAA" } }, "invalid_request", /members/],
      [{ jwk: { ...jwk, kid: "x".repeat(300) } }, "invalid_request", /'kid'/],
      [{ scope: ["read write"] }, "invalid_request", /'scope'/],
      [{ scope: [""] }, "invalid_request", /'scope'/],
    ] as const) {
      const answer = await sendJson(writ(), "POST", TRUST, { ...good, ...more });
      assert.deepEqual([answer.status, answer.body.error], [400, error], `${JSON.stringify(more)} ${answer.text}`);
      assert.match(answer.body.error_description, about);
    }
    for (const more of [{ expires_at: "tomorrow" }, { scope: "read" }, { jwk: "x" }]) assert.equal((await sendJson(writ(), "POST", TRUST, { ...good, ...more })).status, 400);
    const answers = await Promise.all(Array.from({ length: 10 }, () => sendJson(writ(), "POST", TRUST, good)));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, ...Array.from({ length: 9 }, () => 409)]);
  });

  test("RFC 8414 §2: discovery names the grant type", async () => {
    const { body } = await sendJson({ ...writ(), adminUrl: writ().publicUrl }, "GET", "/.well-known/openid-configuration");
    assert.ok(body.grant_types_supported.includes(GRANT));
  });
});

const lenient = { jti_optional: true, iat_optional: true, max_ttl: "10m", omit_assertion_audience: false };
describeWrit("RFC 7523 authorization grants, configured", { clock: time.clock, config: { compat: "hydra", oauth2: { grant: { jwt: lenient } } } }, (writ) => {
  test("hydra.md §8.7: optional jti and iat, the longest life, the assertion's audience, jti_known", async () => {
    const [key, client] = await Promise.all([makeTestKey("ES256"), newClient(writ())]);
    const iss = newIss();
    const jwk = { ...key.publicJwk, kid: "k" };
    await sendJson(writ(), "POST", TRUST, { issuer: iss, allow_any_subject: true, scope: ["read"], jwk, expires_at: inDays(1) });
    const ask = async (claims: object) => exchange(writ(), client, await sign(claimsOf(iss, claims), key.privateKey));
    const bare = await sign(claimsOf(iss, { jti: undefined, iat: undefined, aud: [ISSUER, "https://rs.example"] }), key.privateKey);
    for (let i = 0; i < 2; i++) {
      const answer = await exchange(writ(), client, bare);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual((await introspect(writ(), answer.body.access_token)).aud, [ISSUER, "https://rs.example"]);
    }
    assert.equal((await ask({ exp: seconds() + 601 })).body.error, "invalid_grant");
    assert.equal((await ask({ iat: undefined, exp: seconds() + 700 })).body.error, "invalid_grant");
    assert.equal((await ask({ exp: seconds() + 600 })).status, 200);
    assert.equal((await ask({ jti: "once" })).status, 200);
    const again = await ask({ jti: "once" });
    assert.deepEqual([again.status, again.body.error], [400, "jti_known"]);
  });
});
