import assert from "node:assert/strict";
import { createHmac, createPublicKey, type KeyObject } from "node:crypto";
import { after, before, test } from "node:test";
import { SignJWT, UnsecuredJWT } from "jose";
import { MINUTE, makeTestClock, SECOND } from "./harness/clock.ts";
import { type Answer, createClient, introspect, postForm, sendJson, type TestClient } from "./harness/http.ts";
import { makeTestKey, type TestKey } from "./harness/keys.ts";
import { type Peer, startPeer } from "./harness/peer.ts";
import { describeWrit } from "./harness/writ.ts";

const ISSUER = "http://127.0.0.1:4444";
const TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const time = makeTestClock();
const seconds = () => Math.floor(time.clock() / 1000);

interface Overrides {
  readonly header?: object;
  readonly claims?: object;
}

let count = 0;
const claimsOf = (clientId: string, more: object = {}) => ({
  iss: clientId,
  sub: clientId,
  aud: ISSUER,
  jti: `jti-${count++}`,
  iat: seconds(),
  exp: seconds() + 60,
  ...more,
});
const sign = (clientId: string, alg: string, key: KeyObject | Uint8Array, { header = {}, claims = {} }: Overrides = {}): Promise<string> =>
  new SignJWT(claimsOf(clientId, claims)).setProtectedHeader({ alg, ...header }).sign(key);

describeWrit("RFC 7523 client authentication", { clock: time.clock }, (writ) => {
  let ec: TestKey;
  let peer: Peer;
  before(async () => {
    [ec, peer] = await Promise.all([makeTestKey("ES256"), startPeer()]);
  });
  after(() => peer.close());

  const ask = (assertion: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials", client_assertion_type: TYPE, client_assertion: assertion, ...more });
  const register = (keys: readonly object[], more: object = {}): Promise<TestClient> =>
    createClient(writ(), { token_endpoint_auth_method: "private_key_jwt", jwks: { keys }, ...more });
  const refused = async (assertion: string, about: RegExp, more: Readonly<Record<string, string>> = {}): Promise<void> => {
    const answer = await ask(assertion, more);
    assert.deepEqual([answer.status, answer.body?.error], [401, "invalid_client"], answer.text);
    assert.match(answer.body.error_description, about);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Basic /);
  };
  const UNIFORM = /unknown client, wrong credentials/;

  for (const alg of ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"])
    test(`OIDC Core §9: private_key_jwt by ${alg} at the token endpoint`, async () => {
      const { privateKey, publicJwk } = await makeTestKey(alg);
      const client = await register([{ ...publicJwk, kid: "k", use: "sig", alg }], { token_endpoint_auth_signing_alg: alg });
      const answer = await ask(await sign(client.client_id, alg, privateKey, { header: { kid: "k" } }));
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await introspect(writ(), answer.body.access_token)).client_id, client.client_id);
    });

  test("RFC 7523 §2.2: the same assertion method serves introspection and revocation; client_id beside it must be equal", async () => {
    const client = await register([ec.publicJwk]);
    const form = async (more: Readonly<Record<string, string>>) => ({
      client_assertion_type: TYPE,
      client_assertion: await sign(client.client_id, "ES256", ec.privateKey),
      ...more,
    });
    const { body } = await postForm(`${writ().publicUrl}/oauth2/token`, await form({ grant_type: "client_credentials", client_id: client.client_id }));
    const seen = await postForm(`${writ().publicUrl}/oauth2/introspect`, await form({ token: body.access_token }));
    assert.deepEqual([seen.status, seen.body.active], [200, true], seen.text);
    assert.equal((await postForm(`${writ().publicUrl}/oauth2/revoke`, await form({ token: body.access_token }))).status, 200);
    assert.equal((await introspect(writ(), body.access_token)).active, false);
    const other = await postForm(`${writ().publicUrl}/oauth2/token`, await form({ grant_type: "client_credentials", client_id: "another" }));
    assert.deepEqual([other.status, other.body.error], [400, "invalid_request"]);
  });

  test("RFC 7523 §3: aud may be the issuer or the token endpoint, as a string or a list; a list that names somebody else is refused", async () => {
    const client = await register([ec.publicJwk]);
    const tokenEndpoint = `${ISSUER}/oauth2/token`;
    for (const aud of [ISSUER, tokenEndpoint, [ISSUER], [ISSUER, tokenEndpoint]])
      assert.equal((await ask(await sign(client.client_id, "ES256", ec.privateKey, { claims: { aud } }))).status, 200, JSON.stringify(aud));
    for (const aud of ["https://other.example", [], [ISSUER, "https://other.example"], `${ISSUER}/`, 7, null, { 0: ISSUER }, undefined])
      await refused(await sign(client.client_id, "ES256", ec.privateKey, { claims: { aud } }), /'aud'/);
  });

  test("RFC 7523 §3: exp is required, near and not past; nbf and iat are not ahead; numbers are numbers", async () => {
    const client = await register([ec.publicJwk]);
    const bad = async (claims: object, about: RegExp) => refused(await sign(client.client_id, "ES256", ec.privateKey, { claims }), about);
    await bad({ exp: undefined }, /'exp' is missing/);
    await bad({ exp: seconds() - 1 }, /'exp' is past/);
    await bad({ exp: seconds() + 7200 }, /'exp' is more than/);
    await bad({ exp: 1e300 }, /'exp' is more than/);
    await bad({ exp: `${seconds() + 60}` }, /'exp' is no number/);
    await bad({ exp: -1 }, /'exp' is no number/);
    await bad({ nbf: seconds() + 120 }, /'nbf' is in the future/);
    await bad({ iat: seconds() + 120 }, /'iat' is in the future/);
    await bad({ iat: [] }, /'iat' is no number/);
    for (const jti of [undefined, "", 5]) await bad({ jti }, /'jti'/);
    assert.equal((await ask(await sign(client.client_id, "ES256", ec.privateKey, { claims: { iat: undefined, nbf: seconds() + 5, exp: seconds() + 3000.5 } }))).status, 200);
  });

  test("RFC 7523 §3: iss and sub are both the client; whom they name is believed only with its own key", async () => {
    const [client, victim] = [await register([ec.publicJwk]), await register([(await makeTestKey("ES256")).publicJwk])];
    for (const claims of [
      { iss: victim.client_id },
      { sub: victim.client_id },
      { iss: undefined },
      { sub: undefined },
      { sub: "", iss: "" },
      { sub: [client.client_id], iss: [client.client_id] },
    ])
      await refused(await sign(client.client_id, "ES256", ec.privateKey, { claims }), /'iss' and 'sub'/);
    await refused(await sign(victim.client_id, "ES256", ec.privateKey), UNIFORM);
    await refused(await sign("nobody", "ES256", ec.privateKey), UNIFORM);
    await refused(await sign("x".repeat(3000), "ES256", ec.privateKey), UNIFORM);
  });

  test("RFC 8725 §2.1, §3.1: none, a public key as HMAC secret, another algorithm than registered, keys in the header: all refused", async () => {
    const rsa = await makeTestKey("RS256");
    const client = await register([rsa.publicJwk, ec.publicJwk], { token_endpoint_auth_signing_alg: "RS256" });
    const id = client.client_id;
    await refused(new UnsecuredJWT(claimsOf(id)).encode(), /not signed by an algorithm/);
    await refused(`${new UnsecuredJWT(claimsOf(id)).encode()}AAAA`, /no signed JWT/);
    const pem = createPublicKey({ key: rsa.publicJwk, format: "jwk" }).export({ type: "spki", format: "pem" });
    const input = `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${Buffer.from(JSON.stringify(claimsOf(id))).toString("base64url")}`;
    await refused(`${input}.${createHmac("sha256", pem).update(input).digest("base64url")}`, UNIFORM);
    await refused(await sign(id, "ES256", ec.privateKey), UNIFORM);
    await refused(await sign(id, "PS256", rsa.privateKey), UNIFORM);
    const thief = await makeTestKey("RS256");
    await refused(await sign(id, "RS256", thief.privateKey, { header: { jwk: thief.publicJwk, jku: `${peer.url}/thief`, x5u: `${peer.url}/thief` } }), UNIFORM);
    assert.equal(peer.asked.includes("/thief"), false);
    const [header = "", payload = ""] = (await sign(id, "RS256", rsa.privateKey)).split(".");
    await refused(`${header}.${payload}.`, /no signed JWT/);
    await refused(await sign(id, "RS256", rsa.privateKey, { header: { typ: "oauth-authz-req+jwt" } }), /'typ'/);
    await refused(await sign(id, "RS256", rsa.privateKey, { header: { typ: "logout+jwt" } }), /'typ'/);
    for (const typ of ["JWT", "client-authentication+jwt", "application/Client-Authentication+JWT"])
      assert.equal((await ask(await sign(id, "RS256", rsa.privateKey, { header: { typ } }))).status, 200, typ);
  });

  test("RFC 7517 §4: kid names the key; without one each that fits is tried; keys for something else are not", async () => {
    const other = await makeTestKey("ES256");
    const both = await register([
      { ...other.publicJwk, kid: "other" },
      { ...ec.publicJwk, kid: "mine" },
    ]);
    const asked = async (client: TestClient, header: object) => (await ask(await sign(client.client_id, "ES256", ec.privateKey, { header }))).status;
    assert.deepEqual([await asked(both, { kid: "mine" }), await asked(both, {}), await asked(both, { kid: "other" }), await asked(both, { kid: "unknown" })], [200, 200, 401, 401]);
    assert.equal(await asked(await register([ec.publicJwk, { ...other.publicJwk, use: "enc" }]), {}), 200);
    assert.equal(await asked(await register([{ ...ec.publicJwk, key_ops: ["verify"] }]), {}), 200);
    for (const key of [
      { ...ec.publicJwk, use: "enc" },
      { ...ec.publicJwk, key_ops: ["encrypt"] },
      { ...ec.publicJwk, alg: "ES384" },
    ])
      assert.equal(await asked(await register([key, other.publicJwk]), {}), 401, JSON.stringify(key));
  });

  test("RFC 7523 §3: an assertion is used once, also by a hundred at the same time; a jti is each client's own", async () => {
    const [client, second] = [await register([ec.publicJwk]), await register([ec.publicJwk])];
    const jti = `same-${count++}`;
    const assertion = await sign(client.client_id, "ES256", ec.privateKey, { claims: { jti } });
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(assertion)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ status, body }) => status === 401 && /used before/.test(body.error_description)).length, 99);
    await refused(assertion, /used before/);
    await refused(await sign(client.client_id, "ES256", ec.privateKey, { claims: { jti, exp: seconds() + 90 } }), /used before/);
    assert.equal((await ask(await sign(second.client_id, "ES256", ec.privateKey, { claims: { jti } }))).status, 200);
  });

  test("RFC 7521 §4.2: what is no assertion, or too large for one, or beside other credentials, is refused", async () => {
    const client = await register([ec.publicJwk]);
    for (const assertion of ["x", "a.b", "a.b.c", "..", "eyJhbGciOiJFUzI1NiJ9.e30.x", "eyJhbGciOiJFUzI1NiJ9.W10.x", `${"e".repeat(20_000)}.e30.x`])
      await refused(assertion, /'client_assertion'|'iss' and 'sub'/);
    await refused(await sign(client.client_id, "ES256", ec.privateKey, { claims: { filler: "x".repeat(20_000) } }), /no signed JWT/);
    await refused(await sign(client.client_id, "ES256", ec.privateKey, { header: { kid: "x".repeat(300) } }), /no signed JWT/);
    const good = () => sign(client.client_id, "ES256", ec.privateKey);
    await refused(await good(), /'client_assertion_type'/, { client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer" });
    await refused("", /'client_assertion'/);
    const both = await ask(await good(), { client_id: client.client_id, client_secret: "secret" });
    assert.deepEqual([both.status, both.body.error], [400, "invalid_request"]);
    const query = await postForm(`${writ().publicUrl}/oauth2/token?client_assertion=${await good()}`, { grant_type: "client_credentials" });
    assert.deepEqual([query.status, query.body.error], [400, "invalid_request"]);
    const basic = await createClient(writ(), { jwks: { keys: [ec.publicJwk] } });
    await refused(await sign(basic.client_id, "ES256", ec.privateKey), UNIFORM);
    const secret = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials" }, { basic: [client.client_id, client.client_secret] });
    assert.deepEqual([secret.status, secret.body.error], [401, "invalid_client"]);
  });

  test("OIDC Core §10.1.1: keys at jwks_uri are fetched once for many, anew for an unknown kid, and seldom", async () => {
    const [first, second] = [await makeTestKey("ES256"), await makeTestKey("ES256")];
    const path = `/rotating-${count++}`;
    peer.serve(path, { keys: [{ ...first.publicJwk, kid: "1" }, { kty: "oct", k: "AAAA", kid: "2" }, "nothing"] });
    const client = await createClient(writ(), { token_endpoint_auth_method: "private_key_jwt", jwks_uri: peer.url + path });
    const nodes = writ().cores.length;
    const asked = () => peer.asked.filter((each) => each === path).length;
    const use = async (key: TestKey, kid: string) => (await ask(await sign(client.client_id, "ES256", key.privateKey, { header: { kid } }))).status;
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 10 }, () => use(first, "1")))), new Set([200]));
    assert.equal(asked(), nodes);
    peer.serve(path, { keys: [{ ...second.publicJwk, kid: "2" }] });
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 10 }, () => use(second, "2")))), new Set([401]), "a moment ago it was asked for");
    assert.equal(asked(), nodes);
    time.advance(31 * SECOND);
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 10 }, () => use(second, "2")))), new Set([200]));
    assert.equal(asked(), 2 * nodes);
    assert.equal(await use(first, "1"), 401);
    time.advance(11 * MINUTE);
    peer.serve(path, "no JSON");
    assert.equal(await use(second, "2"), 200, "known keys serve while new ones cannot be had");
    time.advance(61 * MINUTE);
    assert.equal(await use(second, "2"), 401, "but not for ever");
  });

  test("a key without kid that was replaced at jwks_uri is found after the cool-down", async () => {
    const [first, second] = [await makeTestKey("ES256"), await makeTestKey("ES256")];
    const path = `/anonymous-${count++}`;
    peer.serve(path, { keys: [first.publicJwk] });
    const client = await createClient(writ(), { token_endpoint_auth_method: "private_key_jwt", jwks_uri: peer.url + path });
    assert.equal((await ask(await sign(client.client_id, "ES256", first.privateKey))).status, 200);
    peer.serve(path, { keys: [second.publicJwk] });
    time.advance(31 * SECOND);
    assert.equal((await ask(await sign(client.client_id, "ES256", second.privateKey))).status, 200);
  });

  test("a jwks_uri that redirects, is missing, is huge or leads to an inner address makes a client that cannot authenticate, and no 500", async () => {
    const key = { ...ec.publicJwk };
    peer.serve("/good", { keys: [key] });
    peer.serve("/moved", (_: unknown, response: { writeHead(status: number, headers: object): { end(): void } }) => response.writeHead(302, { location: "/good" }).end());
    peer.serve("/huge", { keys: [key], filler: "x".repeat(100_000) });
    peer.serve("/empty", { keys: {} });
    for (const uri of [
      `${peer.url}/moved`,
      `${peer.url}/nothing`,
      `${peer.url}/huge`,
      `${peer.url}/empty`,
      "http://169.254.169.254/keys",
      "http://10.1.2.3/keys",
      "http://[::ffff:127.0.0.1]/keys",
    ]) {
      const client = await createClient(writ(), { token_endpoint_auth_method: "private_key_jwt", jwks_uri: uri });
      await refused(await sign(client.client_id, "ES256", ec.privateKey), UNIFORM);
    }
    assert.equal(peer.asked.includes("/good"), false);
  });

  for (const alg of ["HS256", "HS384", "HS512"])
    test(`OIDC Core §9: client_secret_jwt by ${alg} with the secret that the server made`, async () => {
      const client = await createClient(writ(), { token_endpoint_auth_method: "client_secret_jwt", token_endpoint_auth_signing_alg: alg });
      const secret = Buffer.from(client.client_secret);
      const assertion = await sign(client.client_id, alg, secret);
      assert.equal((await ask(assertion)).status, 200);
      await refused(assertion, /used before/);
      await refused(await sign(client.client_id, alg === "HS256" ? "HS512" : "HS256", secret), UNIFORM);
      await refused(await sign(client.client_id, alg, Buffer.from(client.client_secret.replace(/.$/, "-"))), UNIFORM);
      await refused(await sign(client.client_id, "ES256", ec.privateKey), UNIFORM);
      for (const basic of [[client.client_id, client.client_secret] as const])
        assert.equal((await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials" }, { basic })).status, 401);
    });

  test("RFC 7518 §3.2: a secret for client_secret_jwt is long enough for its algorithm, and must be sent where only its hash is known", async () => {
    const put = (client: TestClient, more: object) => sendJson(writ(), "PUT", `/admin/clients/${client.client_id}`, { grant_types: ["client_credentials"], ...more });
    const make = (more: object) => sendJson(writ(), "POST", "/admin/clients", { token_endpoint_auth_method: "client_secret_jwt", ...more });
    for (const [alg, length] of [
      ["HS256", 31],
      ["HS384", 47],
      ["HS512", 63],
      [undefined, 31],
    ] as const) {
      const short = await make({ client_secret: "s".repeat(length), token_endpoint_auth_signing_alg: alg });
      assert.deepEqual([short.status, short.body.error], [400, "invalid_client_metadata"]);
      assert.match(short.body.error_description, /client_secret/);
    }
    const chosen = "s".repeat(40);
    const made = (await make({ client_secret: chosen, grant_types: ["client_credentials"] })).body;
    assert.equal((await ask(await sign(made.client_id, "HS256", Buffer.from(chosen)))).status, 200);
    await refused(await sign(made.client_id, "HS512", Buffer.from(chosen)), UNIFORM);
    assert.equal((await put(made, { token_endpoint_auth_method: "client_secret_jwt", token_endpoint_auth_signing_alg: "HS512" })).status, 400, "it is too short for that");
    assert.equal((await put(made, { token_endpoint_auth_method: "client_secret_jwt", client_name: "renamed" })).status, 200);
    assert.equal((await ask(await sign(made.client_id, "HS256", Buffer.from(chosen)))).status, 200, "the secret stayed");

    const hashed = await createClient(writ());
    const refusedPut = await put(hashed, { token_endpoint_auth_method: "client_secret_jwt" });
    assert.deepEqual([refusedPut.status, /client_secret/.test(refusedPut.body.error_description)], [400, true]);
    assert.equal((await put(hashed, { token_endpoint_auth_method: "client_secret_jwt", client_secret: chosen })).status, 200);
    assert.equal((await ask(await sign(hashed.client_id, "HS256", Buffer.from(chosen)))).status, 200);

    assert.equal((await put(made, { token_endpoint_auth_method: "client_secret_basic" })).status, 200);
    const basic = await postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials" }, { basic: [made.client_id, chosen] });
    assert.equal(basic.status, 200, "the same secret, from now on as a hash");
    await refused(await sign(made.client_id, "HS256", Buffer.from(chosen)), UNIFORM);
  });

  test("RFC 7591 §2: registration refuses a method without keys that serve it, and algorithms that are none", async () => {
    const fails = async (about: RegExp, more: object) => {
      const answer = await sendJson(writ(), "POST", "/admin/clients", more);
      assert.deepEqual([answer.status, answer.body.error], [400, "invalid_client_metadata"], answer.text);
      assert.match(answer.body.error_description, about);
    };
    const method = { token_endpoint_auth_method: "private_key_jwt" };
    await fails(/private_key_jwt needs/, method);
    await fails(/'jwks' has no key/, { ...method, jwks: { keys: [{ ...ec.publicJwk, use: "enc" }] } });
    await fails(/by RS256/, { ...method, jwks: { keys: [ec.publicJwk] }, token_endpoint_auth_signing_alg: "RS256" });
    for (const alg of ["none", "HS256", "x"]) await fails(/token_endpoint_auth_signing_alg/, { ...method, jwks: { keys: [ec.publicJwk] }, token_endpoint_auth_signing_alg: alg });
    for (const alg of ["none", "RS256", "__proto__"])
      await fails(/token_endpoint_auth_signing_alg/, { token_endpoint_auth_method: "client_secret_jwt", token_endpoint_auth_signing_alg: alg });
    await fails(/jwks/, { ...method, jwks: { keys: [ec.privateKey.export({ format: "jwk" })] } });
  });

  test("RFC 8414 §2: discovery names the methods and their algorithms", async () => {
    const { body } = await sendJson({ ...writ(), adminUrl: writ().publicUrl }, "GET", "/.well-known/openid-configuration");
    for (const endpoint of ["token", "introspection", "revocation"]) {
      for (const method of ["private_key_jwt", "client_secret_jwt"]) assert.ok(body[`${endpoint}_endpoint_auth_methods_supported`].includes(method), endpoint);
      const algs = body[`${endpoint}_endpoint_auth_signing_alg_values_supported`];
      assert.deepEqual([algs.includes("ES256"), algs.includes("HS256"), algs.includes("none")], [true, true, false]);
    }
  });
});

describeWrit("compat: hydra", { clock: time.clock, config: { compat: "hydra" } }, (writ) => {
  test("hydra.md §4.1: without a registered algorithm private_key_jwt is by RS256", async () => {
    const [rsa, ec] = await Promise.all([makeTestKey("RS256"), makeTestKey("ES256")]);
    const client = await createClient(writ(), { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [rsa.publicJwk, ec.publicJwk] } });
    const ask = (assertion: string) => postForm(`${writ().publicUrl}/oauth2/token`, { grant_type: "client_credentials", client_assertion_type: TYPE, client_assertion: assertion });
    assert.equal((await ask(await sign(client.client_id, "RS256", rsa.privateKey))).status, 200);
    assert.equal((await ask(await sign(client.client_id, "ES256", ec.privateKey))).status, 401);
  });
});
