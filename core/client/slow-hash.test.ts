import assert from "node:assert/strict";
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { hash as bcrypt } from "@node-rs/bcrypt";
import { OAuthError } from "#lib/errors.ts";
import { isSlowHash, makeSlowHash } from "./slow-hash.ts";

const random = (bytes: number) => new Uint8Array(randomBytes(bytes));
const unpadded = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");

test("RFC 9106 §4: a secret is hashed by argon2id with 19 MiB and two passes, each time with another salt, and verified", async () => {
  const { hash, verify } = makeSlowHash({ random });
  const [one, two] = await Promise.all([hash("a secret"), hash("a secret")]);
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(one, two);
  assert.deepEqual(await Promise.all([verify("a secret", one), verify("a secret", two), verify("another", one), verify("", one)]), [true, true, false, false]);
});

test("hydra.md §3.2: Hydra's PBKDF2 hashes are verified", async () => {
  const { verify } = makeSlowHash({ random });
  const salt = randomBytes(16);
  const phc = `$pbkdf2-sha256$i=25000,l=32$${unpadded(salt)}$${unpadded(pbkdf2Sync("a secret", salt, 25_000, 32, "sha256"))}`;
  assert.deepEqual([await verify("a secret", phc), await verify("another", phc), await verify("a secret", phc.replace("l=32", "l=16"))], [true, false, false]);
});

test("hydra.md §6.2: bcrypt hashes are verified, by whichever name the same algorithm goes", async () => {
  const { verify } = makeSlowHash({ random });
  const phc = await bcrypt("a secret", { cost: 4 });
  for (const version of ["2a", "2b", "2y"]) {
    const named = phc.replace(/^\$2b/, `$${version}`);
    assert.deepEqual([await verify("a secret", named), await verify("another", named), await verify("a secret\0", named)], [true, false, false], version);
    assert.equal(isSlowHash(named), true);
  }
  assert.equal(await verify("a secret", phc.slice(0, -1)), false);
});

test("a hash whose check would take long is none that can be kept", async () => {
  const { hash } = makeSlowHash({ random });
  assert.equal(isSlowHash(await hash("a secret")), true);
  const [salt, digest] = ["A".repeat(22), "A".repeat(43)];
  assert.equal(isSlowHash(`$pbkdf2-sha256$i=25000,l=32$${salt}$${digest}`), true);
  for (const phc of [
    "",
    "a secret",
    `$2b$15$${"a".repeat(53)}`,
    `$2b$1$${"a".repeat(53)}`,
    `$2x$10$${"a".repeat(53)}`,
    `$pbkdf2-sha256$i=2000001,l=32$${salt}$${digest}`,
    `$pbkdf2-sha1$i=25000,l=32$${salt}$${digest}`,
    `$pbkdf2-sha256$i=25000,l=999$${salt}$${digest}`,
    `$argon2id$v=19$m=262145,t=2,p=1$${salt}$${digest}`,
    `$argon2id$v=19$m=19456,t=11,p=1$${salt}$${digest}`,
    `$argon2i$v=19$m=19456,t=2,p=1$${salt}$${digest}`,
    `$2b$10$${"a".repeat(53)}\n`,
  ])
    assert.equal(isSlowHash(phc), false, phc);
});

test("what is no hash that is known matches nothing and does not throw", async () => {
  const { verify } = makeSlowHash({ random });
  for (const phc of ["", "$", "secret", "$constructor$x", "$2b$10$x", "$2a$31$", "$pbkdf2-sha256$i=0,l=0$$", "$pbkdf2-sha256$i=1,l=999$AA$AA"])
    assert.equal(await verify("secret", phc), false, phc);
});

test("a match is remembered, a wrong guess is not, and one question asked by many is worked on once", async () => {
  const { hash, verify } = makeSlowHash({ random, concurrency: 1, maxWaiting: 0 });
  const phc = await hash("a secret");
  // With one place and no queue a second piece of work would be refused.
  assert.deepEqual(await Promise.all([verify("a secret", phc), verify("a secret", phc), verify("a secret", phc)]), [true, true, true]);
  const blocked = verify("a wrong one", phc);
  assert.equal(await verify("a secret", phc), true, "needs no place");
  await assert.rejects(verify("another wrong one", phc), (error) => error instanceof OAuthError && error.code === "temporarily_unavailable");
  assert.equal(await blocked, false);
  assert.equal(await verify("a wrong one", phc), false);
});

test("places are passed on in order, and given back when work fails", async () => {
  const { hash } = makeSlowHash({ random, concurrency: 1, maxWaiting: 3 });
  const all = await Promise.allSettled(Array.from({ length: 6 }, () => hash("a secret")));
  assert.deepEqual(
    all.map(({ status }) => status),
    ["fulfilled", "fulfilled", "fulfilled", "fulfilled", "rejected", "rejected"],
  );
  assert.match(await hash("again"), /^\$argon2id/);
});
