import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { createClient, introspect, issueToken, postForm, send } from "./harness/http.ts";
import { describeWrit, type Writ } from "./harness/writ.ts";

const ISSUER = "http://127.0.0.1:4444";
const jwks = async (writ: Writ): Promise<JSONWebKeySet> => (await send(`${writ.publicUrl}/.well-known/jwks.json`)).body;

describeWrit("JWT access tokens", {}, (writ) => {
  test("RFC 9068 §2: header and claims are those of the profile, and the JWK set verifies the signature", async () => {
    const client = await createClient(writ(), { access_token_strategy: "jwt", audience: ["https://api.example"] });
    const token = await issueToken(writ(), client, { scope: "read write", audience: "https://api.example" });
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(await jwks(writ())), {
      issuer: ISSUER,
      audience: "https://api.example",
      typ: "at+jwt",
      algorithms: ["ES256"],
    });
    const { iat = 0, exp = 0, jti, ...claims } = payload;
    assert.deepEqual(Object.keys(protectedHeader).toSorted(), ["alg", "kid", "typ"]);
    assert.deepEqual(claims, { iss: ISSUER, sub: client.client_id, client_id: client.client_id, aud: ["https://api.example"], scope: "read write" });
    assert.equal(exp - iat, 3600);
    assert.match(jti ?? "", /^[\w-]+$/);
  });

  test("RFC 9068 §3: the audience is the issuer where none was asked for, and no scope claim stands for the empty scope", async () => {
    const client = await createClient(writ(), { access_token_strategy: "jwt" });
    const claims = decodeJwt(await issueToken(writ(), client));
    assert.deepEqual([claims.aud, "scope" in claims], [[ISSUER], false]);
  });

  test("RFC 7662 §2.2, RFC 7009 §2: a JWT is introspected and revoked like an opaque token, and ends with its client's epoch", async () => {
    const client = await createClient(writ(), { access_token_strategy: "jwt" });
    const [token, sibling] = [await issueToken(writ(), client, { scope: "read" }), await issueToken(writ(), client)];
    const answer = await introspect(writ(), token);
    assert.deepEqual([answer.active, answer.sub, answer.scope, answer.jti], [true, client.client_id, "read", decodeJwt(token).jti]);
    await postForm(`${writ().publicUrl}/oauth2/revoke`, { token }, { basic: [client.client_id, client.client_secret] });
    assert.deepEqual(await introspect(writ(), token), { active: false });
    assert.equal((await introspect(writ(), sibling)).active, true);
    await send(`${writ().adminUrl}/admin/oauth2/tokens?client_id=${client.client_id}`, { method: "DELETE" });
    assert.deepEqual(await introspect(writ(), sibling), { active: false });
  });

  test("RFC 8725 §3.1: alg none, another alg, an unknown kid, a changed payload or signature: inactive", async () => {
    const client = await createClient(writ(), { access_token_strategy: "jwt" });
    const token = await issueToken(writ(), client);
    const [header = "", payload = "", signature = ""] = token.split(".");
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const { kid } = decodeProtectedHeader(token);
    const longer = encode({ ...decodeJwt(token), exp: 4_000_000_000 });
    for (const bad of [
      `${encode({ alg: "none", kid, typ: "at+jwt" })}.${payload}.`,
      `${encode({ alg: "none", kid, typ: "at+jwt" })}.${payload}.${signature}`,
      `${encode({ alg: "HS256", kid, typ: "at+jwt" })}.${payload}.${signature}`,
      `${encode({ alg: "ES256", kid: "unknown", typ: "at+jwt" })}.${payload}.${signature}`,
      `${encode({ alg: "ES256", typ: "at+jwt" })}.${payload}.${signature}`,
      `${encode({ alg: "ES256", kid, typ: "at+jwt", crit: ["x"], x: 1 })}.${payload}.${signature}`,
      `${header}.${longer}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -3)}AAA`,
      `e30.e30.e30`,
    ])
      assert.deepEqual(await introspect(writ(), bad), { active: false }, bad.slice(0, 80));
  });

  test("RFC 7517 §5: the JWK set holds RS256 and ES256 keys with distinct kids and no private member", async () => {
    const { keys } = await jwks(writ());
    assert.deepEqual(new Set(keys.map(({ alg }) => alg)), new Set(["RS256", "ES256"]));
    assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length);
    for (const key of keys) {
      assert.equal(key.use, "sig");
      for (const member of ["d", "p", "q", "dp", "dq", "qi", "k", "oth"]) assert.ok(!(member in key), member);
    }
  });
});

describeWrit(
  "JWT access tokens under compat: hydra",
  { config: { compat: "hydra", strategies: { access_token: "jwt" } } },
  (writ) => {
    test("hydra.md §6.4: typ JWT, RS256, scp as a list, ext, nbf, an empty audience", async () => {
      const client = await createClient(writ());
      const token = await issueToken(writ(), client, { scope: "read" });
      const { typ, alg } = decodeProtectedHeader(token);
      const { iat, exp, jti, nbf, ...claims } = decodeJwt(token);
      assert.deepEqual([typ, alg, nbf], ["JWT", "RS256", iat]);
      assert.ok(typeof exp === "number" && typeof jti === "string");
      assert.deepEqual(claims, { iss: ISSUER, sub: client.client_id, client_id: client.client_id, aud: [], scp: ["read"], ext: {} });
      assert.deepEqual((await introspect(writ(), token)).scope, "read");
    });
  },
  ["direct"],
);

describeWrit("JWT access tokens by EdDSA", { config: { strategies: { access_token: "jwt", jwt: { alg: "EdDSA" } } } }, (writ) => {
  test("RFC 8037 §3.1: the key is there and published from the start, and the token can be introspected", async () => {
    const client = await createClient(writ());
    const token = await issueToken(writ(), client);
    const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(await jwks(writ())), { issuer: ISSUER, algorithms: ["EdDSA"] });
    assert.equal(protectedHeader.alg, "EdDSA");
    assert.equal((await introspect(writ(), token)).active, true);
  });
});
