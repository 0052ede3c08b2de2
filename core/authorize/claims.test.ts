import assert from "node:assert/strict";
import { test } from "node:test";
import { OAuthError } from "#lib/errors.ts";
import { readClaims } from "./claims.ts";

const read = (value: unknown, givesAccessToken = true) => readClaims(typeof value === "string" ? value : JSON.stringify(value), givesAccessToken);

test("OIDC Core §5.5: what is understood is kept as it was sent, what is not known is ignored", () => {
  const claims = {
    id_token: { auth_time: { essential: true }, acr: { values: ["urn:mace:incommon:iap:silver"] }, "name#ja-Kana-JP": null },
    userinfo: { given_name: { essential: true }, nickname: null, age: { value: 18.5 }, address: { value: { country: "DE" } }, "http://example.info/claims/groups": null },
  };
  assert.deepEqual(JSON.parse(read(claims)), claims);
  assert.deepEqual(JSON.parse(read({ ...claims, other: { a: 1 }, verified_claims: [] })), claims);
  assert.equal(read({ id_token: { a: { essential: false, purpose: "why", value: null } } }), '{"id_token":{"a":{"essential":false,"value":null}}}');
  for (const nothing of ["", "{}", '{"id_token":null}', '{"id_token":{},"userinfo":{}}', '{"other":1}']) assert.equal(read(nothing), "", nothing);
});

test("OIDC Core §5.5: what is malformed, of the wrong type or too large is invalid_request and names the parameter", () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
  for (const wrong of [
    "{",
    "null",
    "[]",
    '"id_token"',
    "1",
    "[".repeat(4000),
    { id_token: [] },
    { id_token: "name" },
    { userinfo: 1 },
    { id_token: { name: "essential" } },
    { id_token: { name: true } },
    { id_token: { name: [] } },
    { id_token: { name: { essential: "true" } } },
    { id_token: { name: { essential: null } } },
    { id_token: { acr: { values: "a" } } },
    { id_token: { acr: { values: [] } } },
    { id_token: { acr: { values: Array.from({ length: 101 }, () => 1) } } },
    { id_token: { a: { value: nested(9) } } },
    { id_token: { ["x".repeat(256)]: null } },
    { userinfo: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`c${i}`, null])) },
    JSON.stringify({ id_token: { a: { value: "x".repeat(4096) } } }),
  ])
    assert.throws(
      () => read(wrong),
      (error) => error instanceof OAuthError && error.code === "invalid_request" && error.message.startsWith("'claims' "),
      JSON.stringify(wrong).slice(0, 60),
    );
  assert.ok(read({ id_token: { a: { value: nested(8) } } }));
});

test("OIDC Core §5.5: userinfo may be asked only where an access token comes of it", () => {
  assert.throws(() => read({ userinfo: { name: null } }, false), /access token/);
  assert.equal(read({ userinfo: {} }, false), "");
  assert.ok(read({ id_token: { name: null } }, false));
});

test("RFC 8259 §4: names that mean something to objects are names and no more", () => {
  assert.equal(
    read('{"__proto__":{"id_token":{"sub":{"value":"x"}}},"id_token":{"__proto__":{"essential":true},"constructor":null,"a":{"value":{"__proto__":{"b":1}}}}}'),
    '{"id_token":{"constructor":null,"a":{"value":{}}}}',
  );
  assert.equal(read('{"id_token":{"\\ud800":{"value":"a\\\\ud800\\udc00 \\ud83d\\ude00\\n"}}}'), '{"id_token":{"\ufffd":{"value":"a\\\\ud800\ufffd \u{1f600}\\n"}}}');
  assert.equal(({} as Record<string, unknown>).essential, undefined);
  assert.equal(read('{"id_token":{"a":{"value":1e999}}}'), '{"id_token":{"a":{"value":null}}}', "a number that JSON cannot write again");
});
