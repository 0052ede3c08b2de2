import assert from "node:assert/strict";
import { test } from "node:test";
import { OAuthError } from "#lib/errors.ts";
import { SEAL_KINDS } from "#lib/seal.ts";
import { describeError } from "./log-error.ts";
import { toText } from "./log-text.ts";

const logged = (error: unknown): string => JSON.stringify(describeError(error));

test("an error is logged by name, message, code and place, and so is what caused it", () => {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:3306"), { code: "ECONNREFUSED" });
  const described = describeError(new OAuthError("temporarily_unavailable", "try again later", { cause }));
  assert.deepEqual([described.name, described.message, described.code, described.stack], ["OAuthError", "try again later", "temporarily_unavailable", undefined]);
  assert.deepEqual([described.cause?.message, described.cause?.code], [cause.message, "ECONNREFUSED"]);
  assert.match(described.cause?.stack ?? "", /^at .*log\.test\.ts/);
});

for (const [what, secret, text] of [
  ["an access token", "AYETcRSaoYt3p6g2UdUwHhsB8qOv", "cannot open writ_at_AYETcRSaoYt3p6g2UdUwHhsB8qOv"],
  ["a token with Hydra's prefix", "AYETcRSaoYt3p6g2UdUwHhsB8qOv", "cannot open ory_rt_AYETcRSaoYt3p6g2UdUwHhsB8qOv"],
  ["a JWT", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "bad eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"],
  ["a header", "c2VjcmV0OnBhc3N3b3Jk", "sent Authorization: Basic c2VjcmV0OnBhc3N3b3Jk"],
  ["a DSN's password", "hunter22", "cannot connect to mysql://writ:hunter22@db:3306/writ"],
  ["a form", "hunter22", "grant_type=client_credentials&client_secret=hunter22"],
  ["a device code in a form", "hunter22", "grant_type=device&device_code=hunter22&client_id=a"],
  ["a user code in a URL", "BCDF-GHJK", "GET /oauth2/device/verify?user_code=BCDF-GHJK"],
  ["a PKCE verifier", "hunter22", "code_verifier=hunter22"],
  ["a secret in JSON", "hunter22", 'cannot read {"client_id": "a", "client_secret": "hunter22"}'],
  ["a secret in JSON that was cut off", "hunter22", 'Unexpected end: "registration_access_token":"hunter22'],
] as const)
  test(`${what} in somebody else's error is not logged`, () => {
    const error = new Error(text, { cause: new Error(text) });
    assert.ok(!logged(error).includes(secret), logged(error));
    assert.ok(!logged(text).includes(secret));
  });

test("whatever is sealed, and a registration access token, is not logged", () => {
  for (const kind of [...Object.values(SEAL_KINDS), "ra"]) {
    const text = `bad: /x?y=ory_${kind}_AYETcRSaoYt3p6g2UdUwHhsB8qOv, writ_${kind}_AYETcRSaoYt3p6g2UdUwHhsB8qOv`;
    assert.ok(!logged(new Error(text)).includes("AYETcRSaoYt3"), kind);
  }
});

test("what an error carries beside its message is not logged, and a circle of causes has an end", () => {
  const error = Object.assign(new Error("bad"), { request: { body: "hunter22" }, sql: "hunter22" });
  error.cause = error;
  assert.ok(!logged(error).includes("hunter22"));
});

test("whatever is thrown can be logged", () => {
  for (const thrown of [undefined, null, 0, "text", { a: 1 }, Symbol("s")]) assert.equal(typeof logged(thrown), "string");
});

test("a line for people holds what the line for machines does; what a client sent cannot draw on the terminal", () => {
  const line = JSON.stringify({
    level: "warn",
    time: "2026-01-02T03:04:05.678Z",
    event: "request",
    route: "/oauth2/token",
    status: 400,
    client_id: "a\u001b[2Jb\nfake line\u202e\u009b1m",
  });
  const text = toText(line);
  assert.equal(text, '03:04:05.678 WARN  request route=/oauth2/token status=400 client_id="a\\u001b[2Jb\\nfake line\\u202e\\u009b1m"\n');
});
