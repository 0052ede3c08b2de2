import assert from "node:assert/strict";
import { test } from "node:test";
import { allowsAudience } from "./audience.ts";
import { parseScope, SCOPE_STRATEGIES } from "./scope.ts";

test("RFC 6749 §3.3: a scope is names separated by spaces, each counted once, in their order", () => {
  assert.deepEqual(parseScope("b a  b"), ["b", "a"]);
  assert.deepEqual(parseScope(""), []);
});

for (const scope of ['a"b', "a\\b", "a\tb", "a\nb", "é", "a\u0000"]) {
  test(`RFC 6749 §3.3: ${JSON.stringify(scope)} is no scope`, () => assert.equal(parseScope(scope), undefined));
}

test("wildcard scopes: a star stands for one part, at the end for one or more, never for an empty one", () => {
  const allows = (pattern: string, name: string) => SCOPE_STRATEGIES.wildcard([pattern], name);
  for (const [pattern, name] of [
    ["foo.*", "foo.bar"],
    ["foo.*", "foo.bar.baz"],
    ["*", "foo.bar"],
    ["foo.*.baz", "foo.bar.baz"],
    ["foo", "foo"],
    ["foo.*", "foo.*"],
  ] as const)
    assert.ok(allows(pattern, name), `${pattern} allows ${name}`);
  for (const [pattern, name] of [
    ["foo.*", "foo"],
    ["foo.*", "foo."],
    ["foo.*.baz", "foo.bar"],
    ["foo.*.baz", "foo.bar.qux.baz"],
    ["foo.*.baz", "foo..baz"],
    ["*", ""],
    ["foo", "foo.bar"],
    ["foo", "Foo"],
  ] as const)
    assert.ok(!allows(pattern, name), `${pattern} does not allow ${name}`);
});

test("exact scopes: a star is only a star", () => {
  assert.ok(!SCOPE_STRATEGIES.exact(["foo.*"], "foo.bar"));
  assert.ok(SCOPE_STRATEGIES.exact(["foo.*"], "foo.*"));
});

test("audience: a URL at or below an allowed one, or the same string", () => {
  const allowed = ["https://api.example/x", "backend"];
  for (const audience of ["https://api.example/x", "https://api.example/x/", "https://api.example/x/y", "backend"]) assert.ok(allowsAudience(allowed, audience), audience);
  for (const audience of [
    "https://api.example/xy",
    "https://api.example/x/../z",
    "https://api.example/x/%2e%2e/z",
    "https://api.example",
    "http://api.example/x",
    "https://api.example.evil/x",
    "https://api.example@evil/x",
    "https://u@api.example/x/y",
    "https://api.example/x/y?q",
    "https://api.example:444/x",
    "Backend",
    "backend/x",
    "",
  ])
    assert.ok(!allowsAudience(allowed, audience), audience);
});
