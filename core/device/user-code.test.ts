import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pooledRandom } from "#lib/random.ts";
import { canonicalUserCode, makeUserCode, makeUserCodeHashes, showUserCode } from "./user-code.ts";

const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";

test("RFC 8628 §6.1: each character of a user code is as likely as the others: bytes that would make the first ones likelier are left out", () => {
  let next = 0;
  const everyByte = (n: number) => Uint8Array.from({ length: n }, () => next++ % 256);
  const code = makeUserCode({ length: 2400, characters: LETTERS, isGrouped: true }, everyByte);
  const counts = [...LETTERS].map((letter) => code.split(letter).length - 1);
  assert.deepEqual(new Set(counts), new Set([120]));
});

test("RFC 8628 §6.1: codes of any length and alphabet are made of that alphabet, and are found however they are shown or typed", () => {
  const hashes = makeUserCodeHashes(["a system secret for tests"], 1);
  const random = pooledRandom();
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 32 }), fc.constantFrom(LETTERS, "0123456789", "abcdefgh", "aBcDeFgH23"), fc.boolean(), (length, characters, isGrouped) => {
      const code = makeUserCode({ length, characters, isGrouped }, random);
      assert.ok(code.length === length && [...code].every((each) => characters.includes(each)));
      const shown = showUserCode({ isGrouped }, code);
      assert.equal(shown.replaceAll("-", ""), code);
      for (const typed of [shown, shown.toLowerCase(), shown.toUpperCase(), ` ${[...code].join(".")} `]) {
        assert.deepEqual(hashes.hash(typed), hashes.hash(code));
        assert.equal(canonicalUserCode({ characters }, typed), code);
      }
    }),
  );
});

test("RFC 8628 §6.1: groups are of four, else of three, else there are none", () => {
  const shown = ["ABCDEFGH", "ABCDEFGHI", "ABCDEFG"].map((code) => showUserCode({ isGrouped: true }, code));
  assert.deepEqual(shown, ["ABCD-EFGH", "ABC-DEF-GHI", "ABCDEFG"]);
});

test("a user code is found after the first system secret has changed, and by nobody without the secret", () => {
  const [before, after, other] = [["one secret of tests"], ["two secret of tests", "one secret of tests"], ["two secret of tests"]].map((secrets) =>
    makeUserCodeHashes(secrets, 1),
  );
  const hash = before?.hash("BCDF-GHJK") ?? assert.fail();
  assert.equal(hash.length, 32);
  assert.ok(after?.hashAll("bcdfghjk").some((each) => Buffer.from(each).equals(hash)));
  assert.ok(!other?.hashAll("bcdfghjk").some((each) => Buffer.from(each).equals(hash)));
  assert.notDeepEqual(makeUserCodeHashes(["one secret of tests"], 2).hash("BCDF-GHJK"), hash, "another issuer's");
});
