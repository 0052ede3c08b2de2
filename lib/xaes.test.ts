import assert from "node:assert/strict";
import { test } from "node:test";
import { makeXaes } from "./xaes.ts";

const NONCE = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWX");
const PLAINTEXT = Buffer.from("XAES-256-GCM");

const VECTORS = [
  { name: "top bit of L clear, no associated data", key: 0x01, aad: "", sealed: "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
  { name: "top bit of L set, with associated data", key: 0x03, aad: "c2sp.org/XAES-256-GCM", sealed: "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
];

for (const { name, key, aad, sealed } of VECTORS) {
  test(`C2SP XAES-256-GCM: the published vector is met both ways (${name})`, () => {
    const xaes = makeXaes(Buffer.alloc(32, key));
    assert.equal(Buffer.from(xaes.seal(NONCE, PLAINTEXT, Buffer.from(aad))).toString("hex"), sealed);
    assert.deepEqual(xaes.open(NONCE, Buffer.from(sealed, "hex"), Buffer.from(aad)), PLAINTEXT);
  });
}

test("C2SP XAES-256-GCM: one cipher serves many messages in any order", () => {
  const xaes = makeXaes(Buffer.alloc(32, 7));
  const other = Buffer.alloc(24, 9);
  const first = xaes.seal(NONCE, PLAINTEXT, Buffer.alloc(0));
  xaes.open(other, Buffer.alloc(40), Buffer.alloc(0));
  assert.deepEqual(xaes.seal(NONCE, PLAINTEXT, Buffer.alloc(0)), first);
  assert.deepEqual(xaes.open(NONCE, first, Buffer.alloc(0)), PLAINTEXT);
});

test("C2SP XAES-256-GCM: other data, a cut tag or an empty string do not open", () => {
  const xaes = makeXaes(Buffer.alloc(32, 7));
  const sealed = xaes.seal(NONCE, PLAINTEXT, Buffer.alloc(0));
  assert.equal(xaes.open(NONCE, sealed, Buffer.from("x")), undefined);
  assert.equal(xaes.open(NONCE, sealed.subarray(0, -1), Buffer.alloc(0)), undefined);
  assert.equal(xaes.open(NONCE, new Uint8Array(0), Buffer.alloc(0)), undefined);
});

test("derived keys are kept for nonces that begin alike, of whatever opened; what was forged leaves nothing behind", () => {
  const xaes = makeXaes(Buffer.alloc(32, 7));
  const other = makeXaes(Buffer.alloc(32, 7));
  const ad = Buffer.from("ad");
  // More beginnings than are kept, each used twice with different ends, in one order and then in the other.
  const nonces = Array.from({ length: 600 }, (_, n) => Buffer.concat([Buffer.alloc(10), Buffer.from([n >> 8, n & 255]), Buffer.alloc(12, n % 7)]));
  for (const nonce of [...nonces, ...nonces.toReversed()]) {
    const sealed = xaes.seal(nonce, Buffer.from(`text ${nonce[11]}`), ad);
    assert.deepEqual(Buffer.from(other.open(nonce, sealed, ad) ?? []).toString(), `text ${nonce[11]}`);
    const end = Buffer.from(nonce);
    end[23] = 255;
    assert.equal(other.open(end, sealed, ad), undefined, "the second half counts too");
    const forged = Buffer.from(sealed);
    forged[0] = (forged[0] ?? 0) ^ 1;
    assert.equal(other.open(nonce, forged, ad), undefined);
    assert.ok(other.open(nonce, sealed, ad));
  }
});
