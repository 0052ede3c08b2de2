import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { HYDRA_KEYS } from "./config-hydra.ts";
import { loadConfig } from "./load-config.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-hydra-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const load = (value: unknown, env: Record<string, string> = {}) => {
  const file = join(folder, `${++files}.json`);
  writeFileSync(file, JSON.stringify(value));
  return loadConfig({ files: [file], env, flags: {} });
};
const nested = (key: string, value: unknown): unknown => key.split(".").reduceRight((inner, name) => ({ [name]: inner }), value);
/** What loading a key with a value says; undefined: it is taken. */
const complaint = (key: string, value: unknown): string | undefined => {
  try {
    load(nested(key, value));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

/** Every key of hydra.md §10 with the value that Hydra has by default, or an ordinary one. */
const HYDRAS: Readonly<Record<string, unknown>> = {
  dsn: "mysql://user:pw@tcp(host:3306)/db",
  "db.ignore_unknown_table_columns": false,
  dev: false,
  "log.level": "panic",
  "log.format": "json_pretty",
  "log.leak_sensitive_values": false,
  "log.redaction_text": "x",
  ...Object.fromEntries(
    ["public", "admin"].flatMap((port) =>
      Object.entries({
        host: "0.0.0.0",
        port: 4444,
        base_url: "https://a.example",
        "socket.owner": "root",
        "socket.group": "root",
        "socket.mode": 755,
        "request_log.disable_for_health": false,
        "cors.enabled": false,
        "cors.allowed_origins": [],
        "cors.allowed_methods": ["POST", "CONNECT", "TRACE"],
        "cors.allowed_headers": ["Authorization"],
        "cors.exposed_headers": ["Content-Type"],
        "cors.allow_credentials": true,
        "cors.options_passthrough": false,
        "cors.max_age": 0,
        "cors.debug": false,
        "tls.enabled": false,
        "tls.key.path": "/key.pem",
        "tls.key.base64": "YQ==",
        "tls.cert.path": "/cert.pem",
        "tls.cert.base64": "YQ==",
        "tls.allow_termination_from": ["10.0.0.0/8"],
      }).map(([key, value]) => [`serve.${port}.${key}`, value]),
    ),
  ),
  "serve.tls.enabled": false,
  "serve.tls.allow_termination_from": ["127.0.0.1/32"],
  "serve.cookies.same_site_mode": "Lax",
  "serve.cookies.same_site_legacy_workaround": false,
  "serve.cookies.domain": "a.example",
  "serve.cookies.secure": false,
  "serve.cookies.names.login_csrf": "a",
  "serve.cookies.names.consent_csrf": "a",
  "serve.cookies.names.device_csrf": "a",
  "serve.cookies.names.session": "a",
  "serve.cookies.paths.session": "/",
  "clients.http.disallow_private_ip_ranges": true,
  "clients.http.private_ip_exception_urls": [],
  "hsm.enabled": false,
  "webfinger.jwks.broadcast_keys": ["hydra.openid.id-token"],
  "webfinger.oidc_discovery.jwks_url": "https://a.example/jwks",
  "webfinger.oidc_discovery.token_url": "https://a.example/token",
  "webfinger.oidc_discovery.auth_url": "https://a.example/auth",
  "webfinger.oidc_discovery.userinfo_url": "https://a.example/userinfo",
  "webfinger.oidc_discovery.client_registration_url": "https://a.example/register",
  "webfinger.oidc_discovery.device_authorization_url": "https://a.example/device",
  "webfinger.oidc_discovery.supported_claims": ["email"],
  "webfinger.oidc_discovery.supported_scope": ["email"],
  "urls.self.issuer": "https://a.example",
  "urls.self.public": "https://a.example",
  "urls.self.admin": "https://a.example",
  "urls.login": "https://a.example",
  "urls.consent": "https://a.example",
  "urls.registration": "https://a.example",
  "urls.error": "https://a.example",
  "urls.logout": "https://a.example",
  "urls.post_logout_redirect": "https://a.example",
  "urls.device.verification": "https://a.example",
  "urls.device.success": "https://a.example",
  "oidc.subject_identifiers.supported_types": ["public"],
  "oidc.subject_identifiers.pairwise.salt": "a long salt",
  "oidc.dynamic_client_registration.enabled": false,
  "oidc.dynamic_client_registration.default_scope": ["openid"],
  "oauth2.grant.jwt.jti_optional": false,
  "oauth2.grant.jwt.iat_optional": false,
  "oauth2.grant.jwt.max_ttl": "720h",
  "oauth2.grant.jwt.omit_assertion_audience": true,
  "oauth2.device_authorization.token_polling_interval": "5s",
  "oauth2.device_authorization.user_code.entropy_preset": "high",
  "oauth2.device_authorization.user_code": { length: 8, character_set: "ABCDEFGHJK" },
  "ttl.device_user_code": "10m",
  "strategies.scope": "exact",
  "strategies.access_token": "jwt",
  "strategies.jwt.scope_claim": "list",
  "ttl.login_consent_request": "30m",
  "ttl.authentication_session": "720h",
  "ttl.access_token": "1h",
  "ttl.id_token": "1h",
  "ttl.refresh_token": "720h",
  "ttl.auth_code": "10m",
  "ttl.vc_nonce": "1h",
  "oauth2.expose_internal_errors": false,
  "oauth2.session.encrypt_at_rest": true,
  "oauth2.exclude_not_before_claim": false,
  "oauth2.allowed_top_level_claims": [],
  "oauth2.mirror_top_level_claims": true,
  "oauth2.preserve_ext_claims": false,
  "oauth2.hashers.algorithm": "pbkdf2",
  "oauth2.hashers.bcrypt.cost": 10,
  "oauth2.hashers.pbkdf2.iterations": 25_000,
  "oauth2.pkce.enforced": false,
  "oauth2.pkce.enforced_for_public_clients": false,
  "oauth2.client_credentials.default_grant_allowed_scope": false,
  "oauth2.grant.refresh_token.rotation_grace_period": "0s",
  "oauth2.grant.refresh_token.rotation_grace_reuse_count": 0,
  "oauth2.token_hook": "https://a.example/hook",
  "oauth2.refresh_token_hook": "https://a.example/hook",
  "secrets.system": ["a secret of the system"],
  "secrets.cookie": ["a secret of cookies"],
  "secrets.pagination": ["a secret of pages"],
  "tracing.service_name": "Ory Hydra",
  "sqa.opt_out": true,
  "cgroups.v1.auto_max_procs_enabled": false,
  "feature_flags.legacy_allow_insecure_origins": false,
  version: "v2.3.0",
};

describe("hydra.md §10: every key of Hydra's configuration", () => {
  for (const [key, value] of Object.entries(HYDRAS)) test(`${key} is taken`, () => assert.equal(complaint(key, value), undefined));

  for (const [key, value, expected] of [
    ["log.leak_sensitive_values", true, /never logged/],
    ["clients.http.disallow_private_ip_ranges", false, /outbound\.allow/],
    ["clients.http.private_ip_exception_urls", ["http://internal"], /outbound\.allow/],
    ["hsm", { enabled: true, library: "/x.so" }, /secrets\.system/],
    ["webfinger.jwks.broadcast_keys", ["my.set"], /only the keys of hydra\.openid\.id-token/],
    ["urls.identity_provider.url", "https://kratos", /login app/],
    ["oauth2.expose_internal_errors", true, /log/],
    ["oauth2.session.encrypt_at_rest", false, /always sealed/],
    ["oauth2.grant.refresh_token.rotation_grace_reuse_count", 3, /rotation_grace_period/],
    ["serve.cookies.same_site_legacy_workaround", true, /not supported/],
    ["serve.public.cors.options_passthrough", true, /preflights/],
    ["feature_flags.legacy_allow_insecure_origins", true, /wildcard/],
    ["profiling", "cpu", /--cpu-prof/],
    ["tracing", { provider: "otel", providers: { otlp: { server_url: "x" } } }, /X-Request-Id/],
  ] as const)
    test(`${key}: ${JSON.stringify(value)} is refused with what to do instead`, () => {
      const said = complaint(key, value);
      assert.match(said ?? "", expected);
      assert.match(said ?? "", new RegExp(`^\\S+\\.json:1:\\d+: ${key.replaceAll(".", "\\.")}`));
      assert.doesNotMatch(said ?? "", /no known key/);
    });

  test("each entry of the table that can refuse says what to do", () => {
    for (const [key, { accepts, instead }] of Object.entries(HYDRA_KEYS)) assert.ok(accepts === undefined || instead !== undefined, key);
  });

  test("what is no key of either is still an error, also beside Hydra's", () => {
    assert.match(complaint("oauth2.hashers.algoritm", "x") ?? "", /oauth2\.hashers/);
    assert.match(complaint("oauth3", {}) ?? "", /no known key; did you mean oauth2\?/);
    assert.match(complaint("hsm.enabled", "perhaps") ?? "", /hsm/);
  });

  test("serve.tls is for both ports, where they say nothing themselves; the RPC port has its own", () => {
    const { serve } = load({
      serve: { tls: { enabled: true, cert: { path: "/a" }, allow_termination_from: ["10.0.0.0/8"] }, admin: { tls: { cert: { base64: "YQ==" }, enabled: false } } },
    });
    assert.deepEqual([serve.public.tls.enabled, serve.public.tls.cert, serve.public.tls.allow_termination_from], [true, { path: "/a" }, ["10.0.0.0/8"]]);
    assert.deepEqual([serve.admin.tls.enabled, serve.admin.tls.cert, serve.admin.tls.allow_termination_from], [false, { base64: "YQ==" }, ["10.0.0.0/8"]]);
    assert.equal(serve.rpc.tls.enabled, false);
    assert.equal(load({}, { SERVE_TLS_ENABLED: "true" }).serve.public.tls.enabled, true);
  });

  test("base_url is urls.self.public, unless that is set", () => {
    assert.equal(load({ serve: { public: { base_url: "https://b.example" } } }).urls.self.public, "https://b.example");
    assert.equal(load({ serve: { public: { base_url: "https://b.example" } }, urls: { self: { public: "https://c.example" } } }).urls.self.public, "https://c.example");
    assert.match(complaint("serve.public.base_url", "nonsense") ?? "", /urls\.self\.public must be an http or https URL/);
  });

  test("a variable of a key that is not supported is named; one that says what Writ does anyway is not, nor is a name of one word", () => {
    assert.throws(() => load({}, { HSM_ENABLED: "true" }), /environment HSM_ENABLED: hsm\.enabled is not supported/);
    assert.throws(() => load({}, { TRACING_PROVIDER: "otel" }), /environment TRACING_PROVIDER/);
    load({}, { HSM_ENABLED: "false", OAUTH2_HASHERS_ALGORITHM: "bcrypt", SQA_OPT_OUT: "true", VERSION: "v1", PROFILING: "cpu", SECRETS_COOKIE: "x" });
  });
});
