import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { after, before, test } from "node:test";
import { compactDecrypt, decodeProtectedHeader, exportJWK, generateKeyPair } from "jose";
import * as openid from "openid-client";
import { CONTENT_ENCRYPTION_ALGS } from "#core/client/encryption.ts";
import { KEY_MANAGEMENT_ALGS } from "#core/client/encryption-keys.ts";
import { MINUTE, makeTestClock } from "./harness/clock.ts";
import { introspect, send, sendJson } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import { type Peer, startPeer } from "./harness/peer.ts";
import { createRp, finishFlow, getTokens, openUserAgent, redeem, refresh } from "./harness/user-agent.ts";
import { describeWrit, startAtIssuer, type Writ } from "./harness/writ.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const okp = generateKeyPairSync("x25519");
const jwk = ({ publicKey }: { publicKey: KeyObject }, more: object) => ({ ...publicKey.export({ format: "jwk" }), ...more });
const JWKS = {
  keys: [
    jwk(ec, { kid: "sig", use: "sig" }),
    jwk(rsa, { kid: "rsa-other", alg: "RSA-OAEP-384" }),
    jwk(ec, { kid: "ec-any" }),
    jwk(rsa, { kid: "rsa", use: "enc" }),
    jwk(ec, { kid: "ec", use: "enc" }),
  ],
};

let peer: Peer;
before(async () => {
  peer = await startPeer();
});
after(() => peer.close());

const time = makeTestClock();
const open = async (jwe: string, key: KeyObject) => {
  const { plaintext, protectedHeader } = await compactDecrypt(jwe, key);
  return { text: Buffer.from(plaintext).toString(), header: protectedHeader };
};
const userinfo = (writ: Writ, token: string) => send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } });

describeWrit("encryption to clients", { clock: time.clock }, (writ) => {
  test("OIDC Core §2, §10.2, RFC 7519 §5.2: ID tokens are signed, then encrypted by each algorithm to the key that says it is for encryption; refreshed ones too", async () => {
    for (const [i, alg] of KEY_MANAGEMENT_ALGS.entries()) {
      const enc = CONTENT_ENCRYPTION_ALGS[i] ?? "A128GCM";
      const rp = await createRp(writ(), { jwks: JWKS, id_token_encrypted_response_alg: alg, id_token_encrypted_response_enc: enc, id_token_signed_response_alg: "ES256" });
      const first = await getTokens(writ(), rp, { request: { nonce: "n-0S6_WzA2Mj" } });
      const { body: second } = await refresh(writ(), rp, first.refresh_token);
      for (const jwe of [first.id_token, second.id_token]) {
        assert.equal(jwe.split(".").length, 5);
        const { header, text } = await open(jwe, alg.startsWith("RSA") ? rsa.privateKey : ec.privateKey);
        const { epk: _, ...rest } = header;
        assert.deepEqual(rest, { alg, enc, typ: "JWT", cty: "JWT", kid: alg.startsWith("RSA") ? "rsa" : "ec" });
        const inner = decodeProtectedHeader(text);
        assert.deepEqual([inner.alg, claimsOf(text).sub, claimsOf(text).aud], ["ES256", "alice", [rp.client.client_id]]);
      }
      assert.equal((await introspect(writ(), first.access_token)).active, true);
    }
  });

  test("OIDC Core §3.2.2.10, §10.2: an ID token that comes by the front is encrypted too, and inside it is bound to code and access token", async () => {
    const rp = await createRp(writ(), {
      jwks: JWKS,
      id_token_encrypted_response_alg: "RSA-OAEP-256",
      grant_types: ["authorization_code", "implicit"],
      response_types: ["id_token", "code id_token token"],
    });
    for (const response_type of ["id_token", "code id_token token"]) {
      const answer = await finishFlow(writ(), openUserAgent(writ()), rp.request({ response_type, nonce: "n-0S6_WzA2Mj", scope: "openid" }));
      const claims = claimsOf((await open(answer.id_token ?? "", rsa.privateKey)).text);
      assert.deepEqual([claims.sub, typeof claims.c_hash, typeof claims.at_hash], ["alice", ...(response_type === "id_token" ? ["undefined", "undefined"] : ["string", "string"])]);
    }
  });

  test("OIDC Registration §2: enc is A128CBC-HS256 unless registered; X25519 does too; a key without kid brings none", async () => {
    const rp = await createRp(writ(), { jwks: { keys: [jwk(okp, {})] }, id_token_encrypted_response_alg: "ECDH-ES" });
    const { body } = await sendJson(writ(), "GET", `/admin/clients/${rp.client.client_id}`);
    assert.deepEqual([body.id_token_encrypted_response_alg, body.id_token_encrypted_response_enc], ["ECDH-ES", "A128CBC-HS256"]);
    assert.ok(!("userinfo_encrypted_response_enc" in body));
    const { header } = await open((await getTokens(writ(), rp)).id_token, okp.privateKey);
    assert.deepEqual([header.enc, header.kid], ["A128CBC-HS256", undefined]);
    const off = [
      { op: "remove", path: "/id_token_encrypted_response_alg" },
      { op: "remove", path: "/id_token_encrypted_response_enc" },
    ];
    assert.equal((await sendJson(writ(), "PATCH", `/admin/clients/${rp.client.client_id}`, off)).status, 200);
    assert.equal((await getTokens(writ(), rp)).id_token.split(".").length, 3);
  });

  test("OIDC Core §5.3.2: userinfo is encrypted by itself, or signed and then encrypted; both are application/jwt with iss and aud", async () => {
    for (const userinfo_signed_response_alg of ["none", "RS256"]) {
      const rp = await createRp(writ(), { jwks: JWKS, userinfo_encrypted_response_alg: "RSA-OAEP-256", userinfo_encrypted_response_enc: "A256GCM", userinfo_signed_response_alg });
      const tokens = await getTokens(writ(), rp);
      assert.equal(tokens.id_token.split(".").length, 3, "the ID token is not");
      const answer = await userinfo(writ(), tokens.access_token);
      assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "application/jwt"]);
      const { header, text } = await open(answer.text, rsa.privateKey);
      assert.equal(header.cty, userinfo_signed_response_alg === "none" ? undefined : "JWT");
      const claims = userinfo_signed_response_alg === "none" ? JSON.parse(text) : claimsOf(text);
      assert.deepEqual([claims.sub, claims.iss, claims.aud], ["alice", "http://127.0.0.1:4444", [rp.client.client_id]]);
    }
  });

  test("OIDC Core §10.2.1: keys at jwks_uri are fetched, kept, and fetched again when they are old; without a usable one nothing is sent in the clear and no code is spent", async () => {
    const path = `/jwks-${Math.random()}`;
    peer.serve(path, { keys: [jwk(ec, { use: "sig" })] });
    const rp = await createRp(writ(), { jwks_uri: peer.url + path, id_token_encrypted_response_alg: "RSA-OAEP", userinfo_encrypted_response_alg: "ECDH-ES" });
    const { code = "" } = await finishFlow(writ(), openUserAgent(writ()), rp.request());
    const refused = await redeem(writ(), rp, code);
    assert.deepEqual([refused.status, refused.body.error], [400, "invalid_request"]);
    assert.match(refused.body.error_description, /RSA-OAEP/);
    assert.ok(!("access_token" in refused.body));
    peer.serve(path, { keys: [null, 1, { kty: "RSA" }, jwk(rsa, { kid: 1 }), jwk(ec, { kid: "e", use: "enc" }), { ...rsa.privateKey.export({ format: "jwk" }) }] });
    time.advance(11 * MINUTE);
    const again = await finishFlow(writ(), openUserAgent(writ()), rp.request());
    const answer = await redeem(writ(), rp, again.code ?? "");
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await open(answer.body.id_token, rsa.privateKey)).header.kid, undefined);
    assert.equal((await open((await userinfo(writ(), answer.body.access_token)).text, ec.privateKey)).header.kid, "e");
    const asked = peer.asked.filter((each) => each === path).length;
    await getTokens(writ(), rp);
    assert.ok(peer.asked.filter((each) => each === path).length <= asked + 1, "kept by each core");
  });

  test("OIDC Discovery §3: what can be registered is in the metadata, and nothing that is unsafe", async () => {
    const { body } = await send(`${writ().publicUrl}/.well-known/openid-configuration`);
    for (const what of ["id_token", "userinfo"]) {
      assert.deepEqual(body[`${what}_encryption_alg_values_supported`], KEY_MANAGEMENT_ALGS);
      assert.deepEqual(body[`${what}_encryption_enc_values_supported`], CONTENT_ENCRYPTION_ALGS);
    }
    assert.ok(!KEY_MANAGEMENT_ALGS.some((alg) => /RSA1_5|dir|PBES2/.test(alg)));
  });
});

test("openid-client: a client that has its ID tokens encrypted decrypts and verifies them", async () => {
  const { writ, issuer } = await startAtIssuer("direct");
  try {
    const keys = await generateKeyPair("ECDH-ES", { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: "enc", use: "enc" }] };
    const rp = await createRp(writ, { jwks, id_token_encrypted_response_alg: "ECDH-ES", id_token_encrypted_response_enc: "A256GCM" });
    const config = await openid.discovery(issuer, rp.client.client_id, rp.client.client_secret, openid.ClientSecretBasic(rp.client.client_secret), {
      execute: [openid.allowInsecureRequests],
    });
    openid.enableDecryptingResponses(config, ["A256GCM"], { key: keys.privateKey, alg: "ECDH-ES", kid: "enc" });
    const url = openid.buildAuthorizationUrl(config, { redirect_uri: rp.redirectUri, scope: "openid" });
    const answer = await finishFlow(writ, openUserAgent(writ), url.pathname + url.search, { login: { subject: "alice" } });
    const callback = new URL(`${rp.redirectUri}?${new URLSearchParams(answer)}`);
    const tokens = await openid.authorizationCodeGrant(config, callback, { idTokenExpected: true });
    assert.equal(tokens.claims()?.sub, "alice");
  } finally {
    await writ.close();
  }
});
