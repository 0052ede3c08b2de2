import assert from "node:assert/strict";
import { test } from "node:test";
import { originMatcher } from "./origin.ts";

/** Which of some origins a list of configured ones lets in. */
const allowed = (list: readonly string[], ...origins: string[]): string[] => origins.filter(originMatcher(list));

test("Hydra CORS: no list, or a star, lets every origin in", () => {
  assert.deepEqual(allowed([], "https://a.example", "null"), ["https://a.example", "null"]);
  assert.deepEqual(allowed(["https://b.example", "*"], "https://a.example"), ["https://a.example"]);
});

test("Hydra CORS: an exact origin lets itself in, whatever its case", () => {
  assert.deepEqual(allowed(["https://A.example/"], "https://a.example", "http://a.example", "https://a.example:444", "https://a.example.evil.test"), ["https://a.example"]);
});

test("Hydra CORS: a star stands for one label", () => {
  assert.deepEqual(
    allowed(
      ["https://*.example.com"],
      "https://a.example.com",
      "https://a.b.example.com",
      "https://example.com",
      "https://a-example.com",
      "https://a.example.com:8443",
      "https://a.exampleXcom",
      "https://evil.test/.example.com",
    ),
    ["https://a.example.com"],
  );
  assert.deepEqual(allowed(["https://app.*.example.com:8443"], "https://app.x.example.com:8443", "https://app.x.example.com"), ["https://app.x.example.com:8443"]);
});

test("Hydra CORS: a star may be a port, or any host", () => {
  assert.deepEqual(allowed(["http://localhost:*"], "http://localhost:3000", "http://localhost", "http://localhost:x", "http://localhost.evil.test:1"), ["http://localhost:3000"]);
  assert.deepEqual(allowed(["https://*"], "https://a.b.example:444", "http://a.example", "https://"), ["https://a.b.example:444"]);
});

test("Hydra CORS: a star that is no label by itself lets nobody in", () => {
  assert.deepEqual(
    allowed(
      ["https://*example.com", "https://a*.example.com", "https://*.*.example.com", "*.example.com"],
      "https://evilexample.com",
      "https://ab.example.com",
      "https://a.b.example.com",
      "https://a.example.com",
    ),
    [],
  );
});
