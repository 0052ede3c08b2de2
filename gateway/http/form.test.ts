import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OAuthError } from "#lib/errors.ts";
import { parameter, parseForm, parseParameters, values } from "./form.ts";

const refuses = (what: () => unknown, says: RegExp) =>
  assert.throws(what, (error: unknown) => error instanceof OAuthError && error.code === "invalid_request" && says.test(error.message));

test("RFC 6749 App. B: the vector is decoded, plus signs are spaces", () => {
  assert.equal(parameter(parseParameters("a=+%25%26%2B%C2%A3%E2%82%AC"), "a"), " %&+£€");
});

test("RFC 6749 §3.2: a parameter without a value is absent, and does not count as repeated", () => {
  assert.deepEqual(parseParameters("a=&a=1&b&=&c="), [{ name: "a", value: "1" }]);
});

test("RFC 6749 §3.2: a repeated parameter is refused by its name, however it is spelled", () => {
  refuses(() => parseParameters("scope=a&sco%70e=b"), /'scope'/);
});

test("RFC 8707 §2: audience and resource may be repeated", () => {
  assert.deepEqual(values(parseParameters("audience=a&resource=r&audience=b&resource=s"), "audience"), ["a", "b"]);
});

test("RFC 6749 App. B: what is no UTF-8 is refused, encoded or not", () => {
  for (const bad of ["a=%", "a=%2", "a=%zz", "a=%FF", "a=%C0%AF", "a=%ED%A0%80", "%FF=a"]) refuses(() => parseParameters(bad), /encoded/);
  refuses(() => parseForm(Buffer.from([0x61, 0x3d, 0xff])), /UTF-8/);
});

test("RFC 6749 §5.2: a name that is quoted in an error holds nothing that may not stand there", () => {
  refuses(() => parseParameters("%22%0d%0a=1&%22%0d%0a=2"), /^'[' ?]*' is sent more than once$/);
});

test("whatever is sent is parsed or refused, never thrown otherwise", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."a=&%+2Fé\u0000".split("")), maxLength: 40 }), (text) => {
      try {
        for (const { value } of parseParameters(text)) assert.ok(value !== "" && value.isWellFormed());
      } catch (error) {
        assert.ok(error instanceof OAuthError);
      }
    }),
  );
});

test("what URLSearchParams writes is read back", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(fc.string({ unit: "binary", minLength: 1 }), fc.string({ unit: "binary", minLength: 1 })), { selector: ([name]) => name }), (pairs) => {
      assert.deepEqual(
        parseParameters(new URLSearchParams(pairs).toString()),
        pairs.map(([name, value]) => ({ name, value })),
      );
    }),
  );
});
