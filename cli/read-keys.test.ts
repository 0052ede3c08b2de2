import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CliError } from "./cli-error.ts";
import { readKeys } from "./read-keys.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-keys-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(content: string | Buffer): string {
  const path = join(folder, String(++files));
  writeFileSync(path, content);
  return path;
}

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const { d, x } = privateKey.export({ format: "jwk" });

for (const [what, content, isPrivate] of [
  ["PKCS #8 in PEM", privateKey.export({ type: "pkcs8", format: "pem" }), true],
  ["SEC 1 in PEM", privateKey.export({ type: "sec1", format: "pem" }), true],
  ["PKCS #8 in DER", privateKey.export({ type: "pkcs8", format: "der" }), true],
  ["SEC 1 in DER", privateKey.export({ type: "sec1", format: "der" }), true],
  ["SPKI in PEM", publicKey.export({ type: "spki", format: "pem" }), false],
  ["SPKI in DER", publicKey.export({ type: "spki", format: "der" }), false],
  ["a JWK", JSON.stringify(privateKey.export({ format: "jwk" })), true],
  ["a JWK set", JSON.stringify({ keys: [publicKey.export({ format: "jwk" })] }), false],
] as const)
  test(`${what} is read; use, algorithm and id are filled in`, () => {
    const [key, ...more] = readKeys(file(content), { alg: "ES256", use: "sig" });
    assert.deepEqual([more.length, key?.x, key?.d, key?.alg, key?.use], [0, x, isPrivate ? d : undefined, "ES256", "sig"]);
    assert.match(key?.kid ?? "", /^[0-9a-f-]{36}$/);
  });

test("PKCS #1 is read in PEM and DER", () => {
  for (const format of ["pem", "der"] as const) {
    assert.equal(readKeys(file(rsa.privateKey.export({ type: "pkcs1", format } as never)), { alg: "RS256" })[0]?.kty, "RSA", format);
    assert.equal(readKeys(file(rsa.publicKey.export({ type: "pkcs1", format } as never)), { alg: "RS256" })[0]?.kty, "RSA", format);
  }
});

test("a PEM file of several keys gives them all, whatever stands between; one that cannot be read spoils the file", () => {
  const pem = [
    rsa.privateKey.export({ type: "pkcs8", format: "pem" }),
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
    privateKey.export({ type: "sec1", format: "pem" }),
  ];
  assert.deepEqual(
    readKeys(file(pem.join("a comment\n")), { alg: "ES256" }).map(({ kty, d: secret }) => [kty, secret !== undefined]),
    [
      ["RSA", true],
      ["EC", true],
    ],
  );
  assert.throws(() => readKeys(file([...pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"].join("")), { alg: "ES256" }), CliError);
});

test("what the file says of a key counts more than flags", () => {
  const [key] = readKeys(file(JSON.stringify({ kty: "EC", kid: "mine", alg: "ES384", use: "enc" })), { alg: "ES256", use: "sig" });
  assert.deepEqual([key?.kid, key?.alg, key?.use], ["mine", "ES384", "enc"]);
});

test("a key without an algorithm, a file that holds none, an encrypted one, and one that is not there are each named", () => {
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const encrypted = privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "hunter22" });
  for (const [path, defaults, expected] of [
    [file(pem), {}, /does not say which algorithm.*--alg RS256/],
    [file("nonsense"), { alg: "ES256" }, /holds no key that can be read/],
    [file(""), { alg: "ES256" }, /holds no key that can be read/],
    [file("[]"), {}, /holds no key|does not say/],
    [file("null"), { alg: "ES256" }, /holds no key that can be read/],
    [file(encrypted), { alg: "ES256" }, /An encrypted key must be decrypted first/],
    [join(folder, "nowhere"), {}, /nowhere cannot be read \(ENOENT\)/],
  ] as const)
    assert.throws(
      () => readKeys(path, defaults),
      (error) => error instanceof CliError && expected.test(error.message),
      String(expected),
    );
});
