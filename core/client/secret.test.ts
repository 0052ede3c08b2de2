import assert from "node:assert/strict";
import { test } from "node:test";
import { pooledRandom } from "#lib/random.ts";
import { isRightSecret, keepMadeSecret, makeSecret, NO_SECRET } from "./secret.ts";
import { makeSlowHash } from "./slow-hash.ts";

const random = pooledRandom();
const slowHash = makeSlowHash({ random });

test("RFC 6749 §10.10: a made secret has 256 bits in letters and digits, each as often as any other", () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    const secret = makeSecret(random);
    assert.match(secret, /^[A-Za-z0-9]{43}$/);
    for (const letter of secret) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  const expected = (2000 * 43) / 62;
  assert.equal(counts.size, 62);
  for (const [letter, count] of counts) assert.ok(Math.abs(count - expected) < 6 * Math.sqrt(expected), `${letter} came ${count} times`);
});

test("a kept secret is right for itself alone, and nothing is right where there is none", async () => {
  const secret = makeSecret(random);
  const kept = keepMadeSecret(secret);
  assert.ok(!JSON.stringify(kept).includes(secret));
  assert.deepEqual(
    [await isRightSecret({ slowHash }, kept, secret), await isRightSecret({ slowHash }, kept, `${secret} `), await isRightSecret({ slowHash }, kept, "")],
    [true, false, false],
  );
  assert.equal(await isRightSecret({ slowHash }, NO_SECRET, ""), false);
});

test("no slow hash is spent on a secret that is too long to have been chosen", () => {
  const kept = { case: "secretPhc" as const, value: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA" };
  for (const secret of ["x".repeat(513), "\u00e9".repeat(300), "x".repeat(1_000_000)]) assert.equal(isRightSecret({ slowHash }, kept, secret), false);
});
