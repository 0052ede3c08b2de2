import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pooledRandom } from "./random.ts";
import { makeSealer, SEAL_KINDS, type SealKind } from "./seal.ts";

const OLD = "an old system secret";
const NEW = "a new system secret";
const random = pooledRandom();
const make = (secrets: readonly string[], issuer = 1, prefix = "writ") => makeSealer({ secrets, issuer, prefix, random });
const sealer = make([NEW]);
const kinds = Object.keys(SEAL_KINDS) as SealKind[];
const anyKind = fc.constantFrom(...kinds);
const anyPayload = fc.uint8Array({ maxLength: 600 });

test("a sealed string opens to its payload, and has its prefix and only unreserved characters", () => {
  fc.assert(
    fc.property(anyKind, anyPayload, (kind, payload) => {
      const sealed = sealer.seal(kind, payload);
      const opened = sealer.open(kind, sealed);
      assert.match(sealed, new RegExp(`^writ_${SEAL_KINDS[kind]}_[A-Za-z0-9_-]+$`));
      assert.deepEqual(opened.kind === "opened" && new Uint8Array(opened.payload), payload);
    }),
  );
});

test("the same payload is never sealed the same way twice", () => {
  assert.notEqual(sealer.seal("access_token", new Uint8Array(8)), sealer.seal("access_token", new Uint8Array(8)));
});

test("a sealed string with one changed bit does not open", () => {
  fc.assert(
    fc.property(anyKind, anyPayload, fc.nat(), fc.integer({ min: 0, max: 7 }), (kind, payload, position, bit) => {
      const sealed = sealer.seal(kind, payload);
      const prefix = `writ_${SEAL_KINDS[kind]}_`;
      const bytes = Buffer.from(sealed.slice(prefix.length), "base64url");
      const at = position % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      assert.notEqual(sealer.open(kind, prefix + bytes.toString("base64url")).kind, "opened");
    }),
  );
});

test("a truncated or extended sealed string does not open", () => {
  fc.assert(
    fc.property(anyPayload, fc.nat(), fc.string({ minLength: 1, maxLength: 4 }), (payload, position, more) => {
      const sealed = sealer.seal("access_token", payload);
      assert.notEqual(sealer.open("access_token", sealed.slice(0, position % sealed.length)).kind, "opened");
      assert.notEqual(sealer.open("access_token", sealed + more).kind, "opened");
    }),
  );
});

test("a sealed string of one kind does not open as another, also under the other's prefix", () => {
  for (const kind of kinds) {
    for (const other of kinds.filter((each) => each !== kind)) {
      const sealed = sealer.seal(kind, new Uint8Array(20));
      assert.equal(sealer.open(other, sealed).kind, "invalid");
      assert.equal(sealer.open(other, sealed.replace(`writ_${SEAL_KINDS[kind]}_`, `writ_${SEAL_KINDS[other]}_`)).kind, "invalid");
    }
  }
});

test("a sealed string of another issuer does not open", () => {
  assert.equal(make([NEW], 2).open("access_token", sealer.seal("access_token", new Uint8Array(20))).kind, "invalid");
});

test("only the canonical base64url of a sealed string opens", () => {
  const sealed = sealer.seal("access_token", new Uint8Array(21)); // 66 bytes: no loose bits; 20 leaves some
  const loose = sealer.seal("access_token", new Uint8Array(20));
  const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(loose.at(-1) ?? "");
  const sibling = loose.slice(0, -1) + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1];
  assert.deepEqual(Buffer.from(sibling.slice(8), "base64url"), Buffer.from(loose.slice(8), "base64url"), "the two strings decode alike");
  for (const twisted of [`${sealed}=`, `${sealed}\n`, ` ${sealed}`, sibling, sealed.replaceAll("_", "/").replace("writ/at/", "writ_at_")]) {
    if (twisted !== sealed) assert.equal(sealer.open("access_token", twisted).kind, "invalid", JSON.stringify(twisted));
  }
});

test("rotation: the first secret seals, all open, and a string under a secret that is not configured is unknown, not invalid", () => {
  const before = make([OLD]);
  const between = make([OLD, NEW]);
  const after = make([NEW, OLD]);
  const sealedBefore = before.seal("access_token", Uint8Array.of(1));
  const sealedAfter = after.seal("access_token", Uint8Array.of(2));
  assert.equal(between.open("access_token", sealedAfter).kind, "opened");
  assert.equal(after.open("access_token", sealedBefore).kind, "opened");
  assert.equal(before.open("access_token", sealedAfter).kind, "unknown_key");
  assert.equal(sealer.open("access_token", sealedBefore).kind, "unknown_key");
  assert.deepEqual(after.keyId, sealer.keyId);
});

test("a change of prefix ends no string, but only a known prefix will do", () => {
  const sealed = make([NEW], 1, "ory").seal("access_token", Uint8Array.of(1));
  assert.match(sealed, /^ory_at_/);
  assert.equal(sealer.open("access_token", sealed).kind, "opened");
  assert.equal(sealer.open("access_token", sealed.replace("ory_", "acme_")).kind, "invalid");
  assert.equal(make([NEW], 1, "acme").open("access_token", sealed.replace("ory_", "acme_")).kind, "opened");
});

test("the same secret named twice is one secret", () => {
  assert.equal(make([NEW, NEW]).keyIds.length, 1);
});

test("a string that is too long is refused without being decoded", () => {
  assert.equal(sealer.open("access_token", `writ_at_${"A".repeat(1_000_000)}`).kind, "invalid");
});

test("without a secret there is no sealer", () => {
  assert.throws(() => make([]), /no secret/);
});
