import assert from "node:assert/strict";
import { createPublicKey, hash, verify } from "node:crypto";
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

for (const alg of ["ES256", "ES384", "ES512"] as const)
  test(`RFC 7518 §3.4: numbers of a signature by ${alg} that begin with zeros keep their place`, async () => {
    const privateKey = await KEY_ALGORITHMS[alg].make();
    const publicKey = createPublicKey(privateKey);
    for (let i = 0, short = 0; short < 3; i++) {
      const data = Buffer.from(`data ${i}`);
      const signature = KEY_ALGORITHMS[alg].sign(data, privateKey);
      const isShort = signature[0] === 0 || signature[signature.length / 2] === 0;
      if (isShort) short++;
      if (isShort || i < 20) assert.ok(verify(KEY_ALGORITHMS[alg].hash, data, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature), `${i}`);
    }
  });

test("OIDC Core §3.1.3.6: at_hash is the left half of the algorithm's own hash; SHA-512 for Ed25519", () => {
  const half = (name: string, bytes: number): string => hash(name, "token", "buffer").subarray(0, bytes).toString("base64url");
  assert.equal(leftHalfHash("RS256", "token"), half("sha256", 16));
  assert.equal(leftHalfHash("PS384", "token"), half("sha384", 24));
  assert.equal(leftHalfHash("ES512", "token"), half("sha512", 32));
  assert.equal(leftHalfHash("EdDSA", "token"), half("sha512", 32));
  // The example of OIDC Core A.3.
  assert.equal(leftHalfHash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
  assert.equal(leftHalfHash("RS256", "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"), "LDktKdoQak3Pk0cnXxCltA"); // and of A.4
});
