import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { ConfigInput } from "#lib/config.ts";
import { CliError } from "./cli-error.ts";
import { environmentName } from "./config-env.ts";
import { LEAVES } from "./config-schema.ts";
import { type ConfigSources, loadConfig } from "./load-config.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(text: string): string {
  const path = join(folder, `${++files}.yaml`);
  writeFileSync(path, text);
  return path;
}

const load = (sources: Partial<ConfigSources> = {}) => loadConfig({ files: [], env: {}, flags: {}, ...sources });

/** The lines that a configuration is refused with; files go by their names alone. */
function refusal(sources: Partial<ConfigSources>): string[] {
  try {
    load(sources);
  } catch (error) {
    assert.ok(error instanceof CliError);
    return error.message.replaceAll(`${folder}/`, "").split("\n");
  }
  return assert.fail("it was accepted");
}

/** What stands at a dotted path. */
const at = (tree: unknown, path: readonly string[]): unknown => path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], tree);

describe("every key of the schema can be set by the environment", () => {
  /** Values that a text, a number or a list takes by its key, where any will not do. */
  const SPECIAL: Record<string, readonly [string, unknown]> = {
    compat: ["hydra", "hydra"],
    "strategies.access_token": ["jwt", "jwt"],
    "strategies.scope": ["exact", "exact"],
    "strategies.jwt.scope_claim": ["both", "both"],
    "strategies.jwt.alg": ["RS256", "RS256"],
    "oidc.subject_identifiers.supported_types": ["public", ["public"]],
    "log.level": ["debug", "debug"],
    "log.format": ["text", "text"],
    token_prefix: ["acme", "acme"],
    ...Object.fromEntries(["public", "admin", "rpc"].map((port) => [`serve.${port}.socket.mode`, ["0660", "0660"]])),
    ...Object.fromEntries(["public.", "admin.", ""].map((port) => [`serve.${port}tls.allow_termination_from`, ["10.0.0.0/8,::1", ["10.0.0.0/8", "::1"]]])),
    "serve.shutdown_grace": ["1m30s", 90_000],
    "oauth2.grant.jwt.max_ttl": ["1m30s", 90_000],
    "serve.cookies.same_site_mode": ["None", "None"],
    "serve.cookies.names.login_csrf": ["a_name", "a_name"],
    "serve.cookies.names.consent_csrf": ["a_name", "a_name"],
    "serve.cookies.names.device_csrf": ["a_name", "a_name"],
    "serve.cookies.names.session": ["a_name", "a_name"],
    "serve.cookies.paths.session": ["/oauth2", "/oauth2"],
    "ttl.login_consent_request": ["10m", 600_000],
    "ttl.authentication_session": ["24h", 86_400_000],
    "ttl.auth_code": ["30s", 30_000],
    "ttl.access_token": ["2h", 7_200_000],
    "ttl.refresh_token": ["-1", "-1"],
    "ttl.id_token": ["2h", 7_200_000],
    "ttl.device_user_code": ["15m", 900_000],
    "oauth2.device_authorization.token_polling_interval": ["10s", 10_000],
    "oauth2.device_authorization.user_code.entropy_preset": ["medium", "medium"],
    "oauth2.device_authorization.user_code.length": ["10", 10],
    "oauth2.device_authorization.user_code.character_set": ["0123456789", "0123456789"],
    "oauth2.grant.refresh_token.rotation_grace_period": ["5m", 300_000],
    "keys.publish_before_use": ["1h", 3_600_000],
    "access.tokens": [`[{"name":"a","sha256":"${"0".repeat(64)}","roles":["admin"]}]`, [{ name: "a", sha256: "0".repeat(64), roles: ["admin"] }]],
    "access.certificates": [`[{"name":"a","sha256":"${"0".repeat(64)}","roles":["gateway"]}]`, [{ name: "a", sha256: "0".repeat(64), roles: ["gateway"] }]],
    "secrets.system": ["the first secret of two,the second secret of two", ["the first secret of two", "the second secret of two"]],
    "secrets.pagination": ["a secret for page tokens", ["a secret for page tokens"]],
  };
  /** A hook is an object whose members need each other. */
  const hookBeside = (hook: string): Record<string, string> => ({
    [`${hook}_URL`]: "https://hook.example",
    [`${hook}_AUTH_TYPE`]: "api_key",
    [`${hook}_AUTH_CONFIG_IN`]: "header",
    [`${hook}_AUTH_CONFIG_NAME`]: "x-key",
    [`${hook}_AUTH_CONFIG_VALUE`]: "a credential",
  });
  const wholeHook = { url: "https://hook.example", auth: { type: "api_key", config: { in: "header", name: "x-key", value: "a credential" } } };
  for (const hook of ["token_hook", "refresh_token_hook"])
    Object.assign(SPECIAL, {
      [`oauth2.${hook}`]: ["https://overruled.example", wholeHook],
      [`oauth2.${hook}.auth.type`]: ["api_key", "api_key"],
      [`oauth2.${hook}.auth.config.in`]: ["cookie", "cookie"],
      [`oauth2.${hook}.auth.config.name`]: ["a-name", "a-name"],
    });
  const BY_KIND = {
    number: ["4321", 4321],
    boolean: ["true", true],
    list: ["a, b", ["a", "b"]],
    objects: ["[]", []],
    text: ["https://auth.example", "https://auth.example"],
  } as const;
  for (const leaf of LEAVES) {
    const name = environmentName(leaf);
    const [text, value] = SPECIAL[leaf.path.join(".")] ?? BY_KIND[leaf.kind];
    const [hook] = /^OAUTH2_\w*TOKEN_HOOK(?=_|$)/.exec(name) ?? [];
    const beside = hook === undefined ? {} : hookBeside(hook);
    test(`${name}=${text.slice(0, 40)} sets ${leaf.path.join(".")}`, () => assert.deepEqual(at(load({ env: { ...beside, [name]: text } }), leaf.path), value));
  }

  test("Hydra's names are among them", () => {
    const names = LEAVES.map(environmentName);
    for (const name of [
      "DSN",
      "SECRETS_SYSTEM",
      "URLS_SELF_ISSUER",
      "URLS_LOGIN",
      "URLS_CONSENT",
      "SERVE_PUBLIC_PORT",
      "SERVE_ADMIN_PORT",
      "SERVE_RPC_PORT",
      "LOG_LEVEL",
      "TTL_ACCESS_TOKEN",
      "STRATEGIES_ACCESS_TOKEN",
    ])
      assert.ok(names.includes(name), name);
    assert.equal(new Set(names).size, names.length, "no two keys share a variable");
  });
});

test("hydra.md §10: OAUTH2_TOKEN_HOOK alone is the hook's URL", () =>
  assert.deepEqual(load({ env: { OAUTH2_TOKEN_HOOK: "https://hook.example" } }).oauth2.token_hook, { url: "https://hook.example" }));

describe("where a value comes from", () => {
  test("a later file wins over an earlier, the environment over files, flags over all; the rest stays", () => {
    const earlier = file("log: { level: warn, format: json }\nurls: { login: https://a.example }\ntoken_prefix: a\n");
    const later = file("log: { level: error }\ntoken_prefix: b\n");
    const config = load({ files: [earlier, later], env: { TOKEN_PREFIX: "c" }, flags: { dev: true, dsn: undefined, "urls.consent": "https://c.example" } });
    assert.deepEqual(
      [config.log, config.token_prefix, config.dev, config.urls.login, config.urls.consent],
      [{ level: "error", format: "json" }, "c", true, "https://a.example", "https://c.example"],
    );
  });

  test("JSON is read as YAML is; an empty file and empty keys say nothing", () => {
    const json: ConfigInput = { serve: { public: { port: 1234 } }, access: { tokens: [{ name: "a", token: "x".repeat(32), roles: ["admin"] }] } };
    const config = load({ files: [file(JSON.stringify(json)), file(""), file("# nothing\n"), file("urls:\nserve:\n  public:\n")] });
    assert.deepEqual([config.serve.public.port, config.access.tokens.length, config.serve.admin.port], [1234, 1, 4445]);
  });

  test("lists come separated by commas, item by item, or as JSON, where an item may hold a comma", () => {
    const items = ["a secret, with a comma", "another, of the same kind"];
    assert.deepEqual(load({ env: { SECRETS_SYSTEM_0: items[0], SECRETS_SYSTEM_1: items[1] } }).secrets.system, items);
    assert.deepEqual(load({ env: { SECRETS_SYSTEM: JSON.stringify(items) } }).secrets.system, items);
    assert.deepEqual(
      load({
        env: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`SERVE_PUBLIC_CORS_ALLOWED_ORIGINS_${i}`, `https://${i}.example`])),
      }).serve.public.cors.allowed_origins.at(-1),
      "https://10.example",
    );
    assert.equal(load({ env: { ACCESS_TOKENS_0: `{"name":"a","token":"${"x".repeat(32)}","roles":["admin"]}` } }).access.tokens[0]?.name, "a");
  });

  test("an empty variable and one that spells no key say nothing", () => {
    assert.deepEqual(
      load({ env: { DSN: "", SECRETS_SYSTEM: "", SERVE_PUBLIC_PORT: "", DEV: "", SERVE: "x", SERVE_PUBLIC: "x", LOG: "x", SECRETS_SYSTEM_X: "x", CORE_URLS: "x" } }),
      load(),
    );
  });

  test("an environment list replaces a file's, and messages say so", () => {
    const path = file("secrets: { system: [a secret that is long enough] }\n");
    assert.deepEqual(refusal({ files: [path], env: { SECRETS_SYSTEM: "short" } }), ["environment SECRETS_SYSTEM: secrets.system.0 must have at least 16 characters"]);
  });
});

describe("what is refused, and with which words", () => {
  const long = "x".repeat(32);
  for (const [what, text, expected] of [
    ["an unknown key that is nearly a known one", "serve:\n  publik: { port: 1 }\n", /^\d+\.yaml:2:3: serve\.publik is no known key; did you mean serve\.public\?$/],
    ["swapped letters", "serve:\n  public:\n    prot: 1\n", /:3:5: serve\.public\.prot is no known key; did you mean serve\.public\.port\?$/],
    ["a key in the wrong place", "urls:\n  issuer: https://a.example\n", /:2:3: urls\.issuer is no known key; did you mean urls\.self\.issuer\?$/],
    ["a key with dots", "serve.public.port: 1\n", /:1:1: serve\.public\.port is no known key in one piece; write a level for each dot$/],
    ["a key like nothing", "nonsense: 1\n", /:1:1: nonsense is no known key$/],
    [
      "an unknown key in a list",
      `access:\n  tokens:\n    - { name: a, token: ${long}, roles: [admin], rolls: [] }\n`,
      /:3:\d+: access\.tokens\.0\.rolls is no known key; did you mean access\.tokens\.0\.roles\?$/,
    ],
    ["a number that is too large", "serve: { rpc: { port: 65536 } }\n", /:1:17: serve\.rpc\.port must be at most 65535$/],
    ["a number with a fraction", "serve: { rpc: { port: 1.5 } }\n", /serve\.rpc\.port must be a whole number$/],
    ["text where yes or no is due", "dev: please\n", /:1:1: dev must be true or false$/],
    ["a number where text is due", "secrets: { system: [1234567890123456] }\n", /secrets\.system\.0 must be text \(in quotes, if it looks like a number\)$/],
    ["one value where a list is due", "secrets: { system: a secret that is long enough }\n", /secrets\.system must be a list$/],
    ["a value where keys are due", "serve: 4444\n", /:1:1: serve must be a mapping of keys to values$/],
    ["a word out of a few", "log: { level: loud }\n", /log\.level must be one of panic, fatal, error, warn, info, debug, trace$/],
    ["a bad duration", "ttl: { access_token: soon }\n", /ttl\.access_token is no duration such as 1h30m$/],
    ["a bad URL", "urls: { login: nowhere }\n", /urls\.login must be an http or https URL$/],
    ["an issuer with a query", "urls: { self: { issuer: 'https://a.example/?t=1' } }\n", /urls\.self\.issuer may have no query, no fragment and no user name \(RFC 8414 §2\)$/],
    ["a public URL with a fragment", "urls: { self: { public: 'https://a.example/#x' } }\n", /urls\.self\.public may have no query/],
    ["a URL of another scheme", "urls: { login: 'javascript:alert(1)' }\n", /urls\.login must be an http or https URL$/],
    [
      "a caller with two credentials",
      `access: { tokens: [{ name: a, token: ${long}, sha256: "${"0".repeat(64)}", roles: [admin] }] }\n`,
      /access\.tokens\.0 needs either token or sha256$/,
    ],
    ["a caller with no role", `access: { tokens: [{ name: a, token: ${long}, roles: [] }] }\n`, /access\.tokens\.0\.roles must have at least 1 entry$/],
    ["a name that objects have", "__proto__: { polluted: true }\n", /:1:1: __proto__ is no known key$/],
    ["another such name", "constructor: { prototype: { polluted: true } }\n", /:1:1: constructor is no known key$/],
    ["a list at the top", "- a\n", /^\d+\.yaml: holds no mapping of keys to values$/],
    ["broken YAML", "serve:\n  public: [\n", /^\d+\.yaml:3:1: /],
    ["a key that is there twice", "dev: true\ndev: false\n", /^\d+\.yaml:2:1: .*unique/],
    [
      "aliases that grow without end",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${["b", "c", "d", "e"].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcd"[i]}`).join(",")}]`).join("\n")}\n`,
      /^\d+\.yaml: .*alias/i,
    ],
  ] as const)
    test(`${what} is named by file, line, column and path`, () => {
      const lines = refusal({ files: [file(text)] });
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", expected);
      assert.equal(({} as { readonly polluted?: unknown }).polluted, undefined);
    });

  for (const [what, env, expected] of [
    ["no number", { SERVE_PUBLIC_PORT: "http" }, "environment SERVE_PUBLIC_PORT: serve.public.port must be a number"],
    ["a number in another notation", { SERVE_PUBLIC_PORT: "0x10" }, "environment SERVE_PUBLIC_PORT: serve.public.port must be a number"],
    ["neither yes nor no", { DEV: "maybe" }, "environment DEV: dev must be true or false"],
    ["a gap in a list", { SECRETS_SYSTEM_0: long, SECRETS_SYSTEM_2: long }, "environment SECRETS_SYSTEM_2: secrets.system has a gap: SECRETS_SYSTEM_1 is not set"],
    ["broken JSON", { ACCESS_TOKENS: "[{" }, "environment ACCESS_TOKENS: access.tokens is no JSON"],
    ["a word that is none of a few", { STRATEGIES_SCOPE: "all" }, "environment STRATEGIES_SCOPE: strategies.scope must be one of exact, wildcard"],
  ] as const)
    test(`the environment with ${what} is refused by variable and path`, () => assert.deepEqual(refusal({ env }), [expected]));

  test("a file that is not there is named; several mistakes are all named, and no value is ever shown", () => {
    assert.deepEqual(refusal({ files: [join(folder, "nowhere.yaml")] }), ["nowhere.yaml: there is no such file"]);
    assert.deepEqual(refusal({ files: [folder] }), [`${folder}: cannot be read (EISDIR)`]);
    const path = file("dsn: [hunter22]\nsecrets:\n  system: [hunter22]\ncore:\n  token: { hunter22: hunter22x }\nlog:\n  level: hunter22\n");
    const lines = refusal({ files: [path] });
    assert.equal(lines.length, 4);
    assert.ok(!lines.join().includes("hunter22"), lines.join("\n"));
  });
});
