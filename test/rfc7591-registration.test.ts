import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { Configuration, OidcApi } from "@ory/hydra-client";
import * as openid from "openid-client";
import { MINUTE, makeTestClock } from "./harness/clock.ts";
import { type Answer, createClient, introspect, issueToken, send, sendJson } from "./harness/http.ts";
import { callRegistration, ENABLED, registerClient, URI } from "./harness/registration.ts";
import { getTokens, openUserAgent, type Rp } from "./harness/user-agent.ts";
import { describeWrit, startAtIssuer, startWrit, type Writ } from "./harness/writ.ts";

const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...publicKey.export({ format: "jwk" }), use: "sig" };

const register = (writ: Writ, metadata: object = { redirect_uris: [URI] }, token?: string) =>
  callRegistration(writ, "POST", "", { body: metadata, ...(token === undefined ? {} : { token }) });

/** Everything that a client may say of itself. */
const EVERYTHING = {
  redirect_uris: [URI, "https://rp.example/other?a=b"],
  response_types: ["code"],
  grant_types: ["authorization_code", "refresh_token"],
  application_type: "web",
  contacts: ["a@rp.example"],
  client_name: "App",
  client_uri: "https://rp.example/",
  logo_uri: "https://rp.example/logo.png",
  policy_uri: "https://rp.example/policy",
  tos_uri: "https://rp.example/tos",
  scope: "openid offline_access read",
  jwks: { keys: [jwk] },
  subject_type: "public",
  id_token_signed_response_alg: "ES256",
  userinfo_signed_response_alg: "RS256",
  request_object_signing_alg: "RS256",
  token_endpoint_auth_method: "client_secret_post",
  token_endpoint_auth_signing_alg: "RS256",
  default_max_age: 0,
  require_auth_time: true,
  default_acr_values: ["urn:a", "urn:b"],
  initiate_login_uri: "https://rp.example/login",
  request_uris: ["https://rp.example/request#hash"],
  post_logout_redirect_uris: ["https://rp.example/bye"],
  backchannel_logout_uri: "https://rp.example/back",
  backchannel_logout_session_required: true,
  frontchannel_logout_uri: "https://rp.example/front",
  frontchannel_logout_session_required: true,
  software_id: "4NRB1-0XZABZI9E6-5SM3R",
  software_version: "2.1",
  allowed_cors_origins: ["https://rp.example"],
};

describeWrit("dynamic registration", { config: ENABLED }, (writ) => {
  const read = (client: Answer["body"], token = client.registration_access_token) => callRegistration(writ(), "GET", `/${client.client_id}`, { token });
  const update = (client: Answer["body"], body: object, token = client.registration_access_token) => callRegistration(writ(), "PUT", `/${client.client_id}`, { token, body });
  const remove = (client: Answer["body"], token = client.registration_access_token) => callRegistration(writ(), "DELETE", `/${client.client_id}`, { token });
  const assertRefused = (answer: Answer) => {
    assert.deepEqual([answer.status, answer.body.error], [401, "invalid_token"]);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer error="invalid_token"/);
  };

  test("RFC 7591 §3.2.1, RFC 7592 §3: 201 with id, secret, token and where to use it; defaults are said; nothing is empty; no-store", async () => {
    const { status, body, headers } = await register(writ(), { redirect_uris: [URI], client_id: "my-own", "client_name#ja": "x", unknown: { a: 1 }, client_secret: "" });
    assert.equal(status, 201);
    assert.match(body.client_id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    assert.ok(body.client_secret.length >= 43 && body.registration_access_token.length >= 43);
    assert.deepEqual(
      [body.client_secret_expires_at, body.registration_client_uri, body.grant_types, body.response_types, body.token_endpoint_auth_method, body.scope, body.subject_type],
      [0, `http://127.0.0.1:4444/oauth2/register/${body.client_id}`, ["authorization_code"], ["code"], "client_secret_basic", "offline_access offline openid", "public"],
    );
    assert.ok(Math.abs(body.client_id_issued_at - Date.now() / 1000) < 60);
    for (const [name, value] of Object.entries(body)) assert.ok(value !== null && value !== "" && JSON.stringify(value) !== "[]" && JSON.stringify(value) !== "{}", name);
    for (const name of ["unknown", "client_name#ja", "metadata"]) assert.ok(!(name in body), name);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("location"), body.registration_client_uri);
  });

  test("OIDC Registration §3.2: every member is kept and echoed, at once and when it is read", async () => {
    const client = await registerClient(writ(), EVERYTHING);
    const { body: again } = await read(client);
    const { body: asAdmin } = await sendJson(writ(), "GET", `/admin/clients/${client.client_id}`);
    for (const [name, value] of Object.entries(EVERYTHING))
      for (const [where, shown] of Object.entries({ client, again, asAdmin }))
        if (!(name === "default_max_age" && shown[name] === 0)) assert.deepEqual(shown[name], value, `${where}: ${name}`);
    assert.equal(again.default_max_age, 0, "0 is something to say");
    for (const hidden of ["registration_access_token", "registration_client_uri", "client_secret"]) assert.ok(!(hidden in asAdmin), hidden);
  });

  test("RFC 7591 §3.1: another content type 400, a body of more than 64 KiB 413, another method 405", async () => {
    const url = `${writ().publicUrl}/oauth2/register`;
    const post = (type: string, body: string) => send(url, { method: "POST", headers: { "content-type": type }, body });
    assert.deepEqual((await post("application/x-www-form-urlencoded", "redirect_uris=x")).body.error, "invalid_request");
    assert.equal((await post("text/plain", JSON.stringify({ redirect_uris: [URI] }))).status, 400, "a form of another site cannot send it");
    assert.equal((await post("application/json", JSON.stringify({ client_name: "x".repeat(70_000) }))).status, 413);
    assert.equal((await send(url)).status, 405);
    assert.equal((await send(`${url}/some-id`, { method: "POST" })).status, 405);
    assert.equal((await send(`${url}/a/b`)).status, 404);
  });

  test("RFC 7591 §2, RFC 8252: native clients may use loopback and their own schemes, public ones get no secret", async () => {
    for (const uri of ["http://127.0.0.1:1234/cb", "http://[::1]/cb", "http://localhost:3000/cb", "com.example.app:/cb"]) {
      const client = await registerClient(writ(), { redirect_uris: [uri], token_endpoint_auth_method: "none", application_type: "native" });
      assert.ok(!("client_secret" in client));
      assert.deepEqual(client.redirect_uris, [uri]);
    }
  });

  test("RFC 7592 §2.1: the token reads its client, which shows it again and no secret; none, a wrong one, another client's and another scheme do not", async () => {
    const [a, b] = [await registerClient(writ()), await registerClient(writ())];
    const { status, body, headers } = await read(a);
    assert.deepEqual(
      [status, body.client_id, body.registration_access_token, body.registration_client_uri],
      [200, a.client_id, a.registration_access_token, a.registration_client_uri],
    );
    assert.ok(!("client_secret" in body) && !("metadata" in body));
    assert.equal(headers.get("cache-control"), "no-store");
    const refusals = [
      await read(a, b.registration_access_token),
      await read(a, "x"),
      await read(a, a.client_secret),
      await read({ client_id: "nobody" }, a.registration_access_token),
      await read({ client_id: "%ff" }, a.registration_access_token),
      await update(a, { redirect_uris: [URI] }, b.registration_access_token),
      await remove(a, b.registration_access_token),
      await remove({ client_id: "nobody" }, a.registration_access_token),
    ];
    refusals.forEach(assertRefused);
    assert.equal(new Set(refusals.map(({ text, headers: each }) => text + each.get("www-authenticate"))).size, 1, "nothing tells whether the client is there");
    const none = await send(`${writ().publicUrl}/oauth2/register/${a.client_id}`);
    assert.deepEqual([none.status, none.headers.get("www-authenticate")], [401, 'Bearer realm="oauth2"']);
    const basic = await send(`${writ().publicUrl}/oauth2/register/${a.client_id}`, { headers: { authorization: "Basic YTpi" } });
    assertRefused(basic);
    assertRefused(await send(`${writ().publicUrl}/oauth2/register/${a.client_id}?access_token=${a.registration_access_token}`, { headers: { authorization: "Bearer x" } }));
  });

  test("RFC 7592 §2.2: an update replaces all, keeps id and secret, makes a new token and ends the old; what was read can be sent back", async () => {
    const client = await registerClient(writ(), { ...EVERYTHING, token_endpoint_auth_method: "client_secret_basic" });
    const { body: shown } = await read(client);
    const back = await update(client, { ...shown, client_name: "renamed", tos_uri: null });
    assert.equal(back.status, 200, back.text);
    assert.deepEqual([back.body.client_name, back.body.tos_uri, back.body.policy_uri, back.body.client_id], ["renamed", undefined, EVERYTHING.policy_uri, client.client_id]);
    assert.ok(!("client_secret" in back.body));
    assert.notEqual(back.body.registration_access_token, client.registration_access_token);
    assertRefused(await read(client));
    assertRefused(await update(client, { redirect_uris: [URI] }));
    const bare = await update(back.body, { redirect_uris: [URI], client_id: client.client_id, client_secret: client.client_secret });
    assert.deepEqual([bare.status, bare.body.client_name, bare.body.contacts, bare.body.client_id_issued_at], [200, undefined, undefined, client.client_id_issued_at]);
    const authenticated = await issueCode(writ(), { ...bare.body, client_secret: client.client_secret });
    assert.ok(authenticated.access_token, "the secret is the same");
  });

  test("RFC 7592 §2.2: a bad update changes nothing and leaves the token good; another id or secret is refused", async () => {
    const client = await registerClient(writ(), { client_name: "before" });
    for (const [body, error] of [
      [{ redirect_uris: [URI], client_id: "other" }, "invalid_client_metadata"],
      [{ redirect_uris: [URI], client_secret: "one of my own choice" }, "invalid_client_metadata"],
      [{ redirect_uris: ["javascript:x"] }, "invalid_redirect_uri"],
      [{ redirect_uris: [URI], skip_consent: true }, "invalid_client_metadata"],
      [{ redirect_uris: [URI], grant_types: ["client_credentials"] }, "invalid_client_metadata"],
      [{ redirect_uris: [URI], software_statement: "x" }, "unapproved_software_statement"],
    ] as const) {
      const answer = await update(client, body);
      assert.deepEqual([answer.status, answer.body.error], [400, error], answer.text);
    }
    assert.equal((await read(client)).body.client_name, "before");
  });

  test("RFC 7592 §2.2: of two updates at once with one token one counts; of an update and a delete too", async () => {
    for (let i = 0; i < 5; i++) {
      const client = await registerClient(writ());
      const answers = await Promise.all(["a", "b", "c", "d"].map((name) => update(client, { redirect_uris: [URI], client_name: name })));
      const winners = answers.filter(({ status }) => status === 200);
      assert.deepEqual([winners.length, answers.filter(({ status }) => status === 401).length], [1, 3], answers.map(({ text }) => text).join("\n"));
      const [winner] = winners;
      assert.equal((await read(winner?.body)).body.client_name, winner?.body.client_name);
      const [put, gone] = await Promise.all([update(winner?.body, { redirect_uris: [URI] }), remove(winner?.body)]);
      assert.ok((put.status === 200 && gone.status === 401) || (put.status === 401 && gone.status === 204), `${put.status} ${gone.status}`);
      assert.equal((await sendJson(writ(), "GET", `/admin/clients/${client.client_id}`)).status, gone.status === 204 ? 404 : 200);
    }
  });

  test("RFC 7592 §2.3: a deleted client is gone, with its tokens, and so is its registration access token", async () => {
    const client = await registerClient(writ(), { grant_types: ["authorization_code", "refresh_token"], scope: "openid offline_access read" });
    const tokens = await issueCode(writ(), client);
    assert.equal((await introspect(writ(), tokens.access_token)).active, true);
    const gone = await remove(client);
    assert.deepEqual([gone.status, gone.text], [204, ""]);
    assertRefused(await read(client));
    assertRefused(await remove(client));
    assert.deepEqual(await introspect(writ(), tokens.access_token), { active: false });
    await createClient(writ(), { client_id: client.client_id });
    assertRefused(await read(client));
  });

  test("hydra.md §2.11: a client of the admin API manages itself by its token, within what the operator gave it", async () => {
    const metadata = {
      audience: ["https://api.example"],
      owner: "ops",
      metadata: { team: "a" },
      skip_consent: true,
      access_token_strategy: "jwt",
      client_credentials_grant_access_token_lifespan: "5m",
    };
    const made = (await sendJson(writ(), "POST", "/admin/clients", { grant_types: ["client_credentials"], scope: "read", ...metadata })).body;
    assert.ok(made.registration_access_token && made.registration_client_uri);
    const { body: shown } = await read(made);
    assert.deepEqual([shown.audience, shown.skip_consent, shown.metadata], [["https://api.example"], true, undefined]);
    for (const wider of [
      { scope: "read admin" },
      { audience: ["https://other.example"] },
      { owner: "me" },
      { metadata: { team: "b" } },
      { client_credentials_grant_access_token_lifespan: "500h" },
    ]) {
      const answer = await update(made, { ...shown, ...wider });
      assert.deepEqual([answer.status, answer.body.error], [400, "invalid_client_metadata"], answer.text);
    }
    const done = await update(made, { ...shown, client_name: "renamed" });
    assert.equal(done.status, 200, done.text);
    const { body: kept } = await sendJson(writ(), "GET", `/admin/clients/${made.client_id}`);
    for (const [name, value] of Object.entries({ ...metadata, client_credentials_grant_access_token_lifespan: "5m0s", client_name: "renamed", scope: "read" }))
      assert.deepEqual(kept[name], value, name);
    const patched = await sendJson(writ(), "PATCH", `/admin/clients/${made.client_id}`, [{ op: "replace", path: "/client_name", value: "by the operator" }]);
    assert.ok(patched.status === 200 && !("registration_access_token" in patched.body));
    assert.equal((await read(done.body)).body.client_name, "by the operator", "the operator's changes leave the token as it is");
    assert.equal((await sendJson(writ(), "PATCH", `/admin/clients/${made.client_id}`, [{ op: "add", path: "/registration_access_token", value: "x" }])).status, 400);
    await issueToken(writ(), made);
  });

  test("RFC 7592 §2: a client that writ apply declares is its own to change no more: its registration access token ends", async () => {
    const made = await registerClient(writ(), { client_name: "before" });
    const { body: known } = await sendJson(writ(), "GET", `/admin/clients/${made.client_id}`);
    const apply = (more: object) => sendJson(writ(), "POST", `/admin/clients/${made.client_id}/apply`, { client: { ...known, client_secret: "" }, ...more });
    assert.equal((await apply({ dry_run: true })).status, 200);
    assert.equal((await read(made)).status, 200, "a dry run ends nothing");
    const applied = await apply({});
    assert.equal(applied.status, 200, applied.text);
    assert.deepEqual([(await read(made)).status, (await update(made, { redirect_uris: [URI] })).status], [401, 401]);
    assert.equal((await sendJson(writ(), "GET", `/admin/clients/${made.client_id}`)).body.client_name, "before");
  });

  test("RFC 7592 §2.2: a client whose consent nobody is asked for gives itself no scope that the operator did not", async () => {
    const body = { redirect_uris: [URI], grant_types: ["authorization_code"], response_types: ["code"], scope: "openid read", skip_consent: true };
    const { body: made } = await sendJson(writ(), "POST", "/admin/clients", body);
    const { body: shown } = await read(made);
    const wider = await update(made, { ...shown, scope: "openid read admin" });
    assert.deepEqual([wider.status, wider.body.error], [400, "invalid_client_metadata"], wider.text);
    assert.match(wider.body.error_description, /'scope'.*'admin'/);
    assert.equal((await update(made, { ...shown, scope: "openid" })).status, 200, "fewer it may");
  });

  test("@ory/hydra-client: OidcApi creates, reads, changes and deletes a client", async () => {
    const api = (token?: string) => new OidcApi(new Configuration({ basePath: writ().publicUrl, ...(token === undefined ? {} : { accessToken: token }) }));
    const { data: made } = await api().createOidcDynamicClient({ oAuth2Client: { client_name: "hydra", redirect_uris: [URI] } });
    const id = made.client_id ?? "";
    const { data: shown } = await api(made.registration_access_token).getOidcDynamicClient({ id });
    assert.equal(shown.client_name, "hydra");
    const { data: changed } = await api(made.registration_access_token).setOidcDynamicClient({ id, oAuth2Client: { ...shown, client_name: "changed" } });
    assert.equal(changed.client_name, "changed");
    await api(changed.registration_access_token).deleteOidcDynamicClient({ id });
    await assert.rejects(api(changed.registration_access_token).getOidcDynamicClient({ id }), (error: { response?: { status: number } }) => error.response?.status === 401);
  });

  test("RFC 8414 §2: the registration endpoint is in the metadata", async () => {
    const { body } = await send(`${writ().publicUrl}/.well-known/openid-configuration`);
    assert.equal(body.registration_endpoint, "http://127.0.0.1:4444/oauth2/register");
  });
});

/** Runs the code flow as a client that registered itself. */
function issueCode(writ: Writ, client: Answer["body"]): Promise<Answer["body"]> {
  const scope = client.scope.includes("read") ? "openid offline_access read" : "openid";
  const rp: Rp = {
    client,
    redirectUri: URI,
    request: () => `/oauth2/auth?${new URLSearchParams({ client_id: client.client_id, response_type: "code", redirect_uri: URI, scope, state: "a state that comes back" })}`,
  };
  return getTokens(writ, rp, { agent: openUserAgent(writ) });
}

test("RFC 7591 §3: where it is not enabled both endpoints are 404, and clients of the admin API get no token", async () => {
  const writ = await startWrit("direct");
  try {
    assert.equal((await register(writ)).status, 404);
    for (const method of ["GET", "DELETE"]) assert.equal((await callRegistration(writ, method, "/some-id", { token: "x" })).status, 404);
    assert.equal((await callRegistration(writ, "PUT", "/some-id", { token: "x", body: {} })).status, 404);
    assert.ok(!("registration_access_token" in (await createClient(writ))));
    assert.ok(!("registration_endpoint" in (await send(`${writ.publicUrl}/.well-known/openid-configuration`)).body));
  } finally {
    await writ.close();
  }
});

test("RFC 7591 §3: with initial access tokens only who brings one may register; a process takes so many a minute", async () => {
  const time = makeTestClock();
  const [token, other] = ["an initial access token of 32 or more".replaceAll(" ", "-"), "x".repeat(40)];
  const sha256 = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(other))).toString("hex");
  const initial_access_tokens = [
    { name: "partners", token },
    { name: "others", sha256 },
  ];
  const config = { oidc: { dynamic_client_registration: { enabled: true, initial_access_tokens, max_per_minute: 4, default_scope: ["openid"] } } };
  const writ = await startWrit("direct", { config, clock: time.clock });
  try {
    for (const wrong of [undefined, "x", token.slice(1), sha256]) {
      const refused = await register(writ, { redirect_uris: [URI] }, wrong);
      assert.deepEqual([refused.status, refused.body.error], [401, "invalid_token"]);
      assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer/);
    }
    for (const good of [token, other, token, other]) assert.deepEqual((await register(writ, { redirect_uris: [URI] }, good)).body.scope, "openid");
    const late = await register(writ, { redirect_uris: [URI] }, token);
    assert.deepEqual([late.status, late.body.error, late.headers.get("retry-after")], [429, "too_many_requests", "1"]);
    time.advance(MINUTE / 4);
    const made = await register(writ, { redirect_uris: [URI] }, token);
    assert.equal(made.status, 201);
    const { client_id, registration_access_token } = made.body;
    assert.equal((await callRegistration(writ, "PUT", `/${client_id}`, { token: registration_access_token, body: { redirect_uris: [URI] } })).status, 429, "updates count too");
    assert.equal((await callRegistration(writ, "GET", `/${client_id}`, { token: registration_access_token })).status, 200);
    assert.equal((await register(writ, { redirect_uris: [URI] }, token)).status, 429);
  } finally {
    await writ.close();
  }
});

test("specs.md §0.8: pages of allowed origins register, and manage clients that have theirs among allowed_cors_origins", async () => {
  const cors = { enabled: true, allowed_origins: ["https://spa.example"] };
  const writ = await startWrit("direct", { config: { ...ENABLED, serve: { public: { cors } } } });
  const from = (origin: string, path: string, init: RequestInit) =>
    send(`${writ.publicUrl}/oauth2/register${path}`, { ...init, headers: { origin, "content-type": "application/json", ...init.headers } });
  try {
    const body = JSON.stringify({ redirect_uris: [URI], allowed_cors_origins: ["https://rp.example"] });
    const made = await from("https://spa.example", "", { method: "POST", body });
    assert.deepEqual([made.status, made.headers.get("access-control-allow-origin")], [201, "https://spa.example"]);
    const preflight = await from("https://spa.example", "/x", { method: "OPTIONS", headers: { "access-control-request-method": "DELETE" } });
    assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /DELETE/);
    const headers = { authorization: `Bearer ${made.body.registration_access_token}` };
    assert.equal((await from("https://rp.example", `/${made.body.client_id}`, { headers })).headers.get("access-control-allow-origin"), "https://rp.example");
    assert.equal((await from("https://evil.example", `/${made.body.client_id}`, { headers })).headers.get("access-control-allow-origin"), null);
  } finally {
    await writ.close();
  }
});

test("compat hydra: members stand there empty as in the admin API, client_credentials may be registered, a sent secret is 403 on PUT", async () => {
  const writ = await startWrit("direct", { config: { ...ENABLED, compat: "hydra" } });
  try {
    const made = await register(writ, { grant_types: ["client_credentials"] });
    assert.deepEqual([made.status, made.body.client_uri, made.body.contacts, made.body.client_credentials_grant_access_token_lifespan], [201, "", null, null], made.text);
    assert.ok(!("metadata" in made.body));
    assert.match(made.body.registration_access_token, /^ory_/);
    const body = { grant_types: ["client_credentials"], client_secret: "another secret", client_id: "ignored" };
    const answer = await callRegistration(writ, "PUT", `/${made.body.client_id}`, { token: made.body.registration_access_token, body });
    assert.equal(answer.status, 403);
  } finally {
    await writ.close();
  }
});

test("openid-client: dynamicClientRegistration registers a client that gets tokens at once", async () => {
  const token = "an-initial-access-token-of-32-or-more";
  const config = { oidc: { dynamic_client_registration: { enabled: true, initial_access_tokens: [{ name: "tests", token }], allowed_grant_types: ["client_credentials"] } } };
  const { writ, issuer } = await startAtIssuer("direct", config);
  try {
    const options = { execute: [openid.allowInsecureRequests], initialAccessToken: token };
    const metadata = { grant_types: ["client_credentials"], response_types: [], scope: "read", client_name: "dynamic", token_endpoint_auth_method: "client_secret_post" };
    const client = await openid.dynamicClientRegistration(issuer, metadata, undefined, options);
    const made = client.clientMetadata();
    assert.deepEqual([made.client_name, typeof made.client_secret, made.response_types], ["dynamic", "string", undefined]);
    const tokens = await openid.clientCredentialsGrant(client, { scope: "read" });
    assert.equal((await introspect(writ, tokens.access_token)).client_id, made.client_id);
  } finally {
    await writ.close();
  }
});
