import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { addClientFlags, clientOf, patchOf, spellBooleans } from "./client-flags.ts";

/** The values of flags as they were typed. */
function parse(...typed: string[]): Record<string, unknown> {
  const command = addClientFlags(new Command("create"))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(spellBooleans(["node", "writ", ...typed])).opts();
}

test("hydra.md §11.2: create without flags sends Hydra's defaults", () => {
  assert.deepEqual(clientOf(parse()), {
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
    subject_type: "public",
    request_object_signing_alg: "RS256",
    metadata: {},
  });
});

for (const [typed, member, value] of [
  [["--redirect-uri", "https://a/,https://b/", "--redirect-uri", "https://c/"], "redirect_uris", ["https://a/", "https://b/", "https://c/"]],
  [["--redirect-uri", ""], "redirect_uris", []],
  [["--scope", "a, b", "--scope", "c"], "scope", "a b c"],
  [["--name", ""], "client_name", ""],
  [["--name", "true"], "client_name", "true"],
  [["--name=false"], "client_name", "false"],
  [["--metadata", '{"a":{"b":1}}'], "metadata", { a: { b: 1 } }],
  [["--skip-consent"], "skip_consent", true],
  [["--skip-consent=true"], "skip_consent", true],
  [["--skip-consent=false"], "skip_consent", false],
  [["--no-skip-consent"], "skip_consent", false],
  [["--frontchannel-logout-session-required=0"], "frontchannel_logout_session_required", false],
  [["--token-endpoint-auth-method", "none"], "token_endpoint_auth_method", "none"],
] as const)
  test(`${typed.join(" ")} sets ${member}, and update replaces it alone (RFC 6902 §4.3)`, () => {
    assert.deepEqual(clientOf(parse(...typed))[member], value);
    assert.deepEqual(patchOf(parse(...typed)), [{ op: "replace", path: `/${member}`, value }]);
  });

test("update without flags changes nothing; behind -- nothing is a flag", () => {
  assert.deepEqual(patchOf(parse()), []);
  assert.deepEqual(spellBooleans(["a", "--", "--skip-consent=false"]), ["a", "--", "--skip-consent=false"]);
});

test("metadata that is no JSON object, and Hydra's flags that would encrypt the secret, are refused", () => {
  for (const typed of [
    ["--metadata", "{"],
    ["--metadata", "[]"],
    ["--metadata", "null"],
    ["--keybase", "someone"],
    ["--pgp-key", "x"],
    ["--pgp-key-url", "https://x/"],
  ])
    assert.throws(() => parse(...typed), /JSON object|does not encrypt/, typed.join(" "));
});
