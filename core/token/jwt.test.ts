import assert from "node:assert/strict";
import { createPublicKey, hash } from "node:crypto";
import { test } from "node:test";
import { jwtVerify } from "jose";
import { SIGNATURE_ALGS } from "#lib/signature-algs.ts";
import { KEY_ALGORITHMS, leftHalfHash } from "../keys/algorithms.ts";
import { signJwt } from "./jwt.ts";

for (const alg of SIGNATURE_ALGS)
  test(`RFC 7518 §3.1, RFC 8037: what is signed by ${alg} verifies by that algorithm alone, and not once it was changed`, async () => {
    const privateKey = await KEY_ALGORITHMS[alg].make();
    const publicKey = createPublicKey(privateKey);
    const token = signJwt({ kid: "a", alg, privateKey }, "JWT", { sub: "alice", nonce: undefined });
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, { algorithms: [alg] });
    assert.deepEqual({ payload, protectedHeader }, { payload: { sub: "alice" }, protectedHeader: { alg, kid: "a", typ: "JWT" } });
    const others = SIGNATURE_ALGS.filter((other) => other !== alg);
    await assert.rejects(jwtVerify(token, publicKey, { algorithms: others }));
    const [head = "", , signature = ""] = token.split(".");
    const forged = Buffer.from('{"sub":"mallory"}').toString("base64url");
    await assert.rejects(jwtVerify(`${head}.${forged}.${signature}`, publicKey, { algorithms: [alg] }));
  });

test("OIDC Core §3.1.3.6: at_hash is the left half of the algorithm's own hash; SHA-512 for Ed25519", () => {
  const half = (name: string, bytes: number): string => hash(name, "token", "buffer").subarray(0, bytes).toString("base64url");
  assert.equal(leftHalfHash("RS256", "token"), half("sha256", 16));
  assert.equal(leftHalfHash("PS384", "token"), half("sha384", 24));
  assert.equal(leftHalfHash("ES512", "token"), half("sha512", 32));
  assert.equal(leftHalfHash("EdDSA", "token"), half("sha512", 32));
  // The example of OIDC Core A.3.
  assert.equal(leftHalfHash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
});
