import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, type JsonWebKey as NodeJwk } from "node:crypto";
import { test } from "node:test";
import { OAuthError } from "#lib/errors.ts";
import { importKey } from "./import-key.ts";
import { fromJwk } from "./jwk.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const otherRsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const otherEc = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const ed25519 = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
const x25519 = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
const key = (jwk: NodeJwk, alg = "", use = "sig") => fromJwk(jwk, { kid: "it", alg, use });
const publicOf = ({ kty, crv, x, y, n, e }: NodeJwk): NodeJwk => Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined));

for (const [name, jwk, alg, use] of [
  ["RSA", rsa, "PS512", "sig"],
  ["RSA that names no alg", rsa, "", "sig"],
  ["EC", ec, "ES256", "sig"],
  ["Ed25519", ed25519, "EdDSA", "sig"],
  ["X25519 for encryption", x25519, "ECDH-ES", "enc"],
] as const)
  test(`RFC 7517 §4: a private ${name} key is taken, and its public part alone`, () => {
    assert.equal(importKey(key(jwk, alg, use)).privateKey?.type, "private");
    const { privateKey, publicKey } = importKey(key(publicOf(jwk), alg, use));
    assert.deepEqual([privateKey, publicKey?.type], [undefined, "public"]);
  });

for (const [name, jwk, alg, use, expected] of [
  ["an alg of another kty", ec, "RS256", "sig", /'alg' is 'RS256'/],
  ["an alg of another curve", ec, "ES384", "sig", /'alg' is 'ES384'/],
  ["alg none", rsa, "none", "sig", /'alg' is 'none'/],
  ["alg HS256 on an RSA key", rsa, "HS256", "sig", /'alg' is 'HS256'/],
  ["an alg that is a member of every object", rsa, "constructor", "sig", /'alg'/],
  ["X25519 for signatures", x25519, "", "sig", /X25519/],
  ["the private part of another EC key", { ...ec, d: otherEc.d ?? "" }, "ES256", "sig", /belong together|do not make a key/],
  ["the private exponent of another RSA key", { ...rsa, d: otherRsa.d ?? "" }, "RS256", "sig", /belong together/],
  ["the prime factors of another RSA key", { ...otherRsa, n: rsa.n ?? "" }, "RS256", "sig", /belong together/],
  ["p and no d", { ...publicOf(rsa), p: rsa.p ?? "" }, "RS256", "sig", /'d' is missing/],
  ["d and nothing else private", { ...publicOf(rsa), d: rsa.d ?? "" }, "RS256", "sig", /belong together/],
  ["e = 1", { ...publicOf(rsa), e: "AQ" }, "RS256", "sig", /'e'/],
  ["no members", { kty: "EC" }, "ES256", "sig", /.+/],
  ["a member that is no base64url", { ...ec, x: "***" }, "ES256", "sig", /'x'/],
  ["a modulus of 100,000 characters", { ...publicOf(rsa), n: "A".repeat(100_000) }, "RS256", "sig", /'n'/],
  ["a modulus of 12288 bits", { ...publicOf(rsa), n: "x".repeat(2048) }, "RS256", "sig", /8192 bits/],
  ["an unknown kty", { kty: "AKP" }, "", "sig", /'AKP'/],
  ["a kty that is a member of every object", { kty: "constructor" }, "", "sig", /'constructor'/],
  ["a symmetric key without k", { kty: "oct" }, "HS256", "sig", /'k' is missing/],
  ["a certificate that is too long for the row", { ...rsa, x5c: ["A".repeat(20_000)] }, "RS256", "sig", /'x5c'/],
] as const)
  test(`RFC 7518 §6: a key with ${name} is refused and named`, () => {
    assert.throws(
      () => importKey(key(jwk as NodeJwk, alg, use)),
      (error) => error instanceof OAuthError && error.code === "invalid_request" && /^key 'it'/.test(error.message) && expected.test(error.message),
    );
  });

test("RFC 7518 §6.4: a symmetric key is kept and is no key pair", () => {
  const k = createHmac("sha256", "x").digest("base64url");
  assert.deepEqual(importKey(key({ kty: "oct", k }, "HS256")), { privateKey: undefined, publicKey: undefined });
});
