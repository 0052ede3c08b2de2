import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { basicAuthorization, postForm, send } from "../harness/http.ts";
import { serve, writ } from "../harness/process.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-serve-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let databases = 0;
const production = () => ({
  DSN: `sqlite://${join(folder, `db-${++databases}.sqlite`)}`,
  SECRETS_SYSTEM: "a production secret of tests",
  URLS_SELF_ISSUER: "https://auth.example",
});
const RPC_TOKEN = "a token of thirty-two characters!!";

for (const [title, args, env, expected] of [
  ["no dsn", ["all"], { DSN: "" }, /^dsn is not set/],
  ["no secret", ["all"], { SECRETS_SYSTEM: "" }, /^secrets\.system is not set/],
  ["a short secret", ["all"], { SECRETS_SYSTEM: "short" }, /secrets\.system\.0.*16/],
  ["no issuer", ["all"], { URLS_SELF_ISSUER: "" }, /^urls\.self\.issuer is not set/],
  ["an http issuer", ["all"], { URLS_SELF_ISSUER: "http://auth.example" }, /^urls\.self\.issuer .*https/],
  ["an issuer with a query", ["all"], { URLS_SELF_ISSUER: "https://auth.example/?a" }, /^environment URLS_SELF_ISSUER: urls\.self\.issuer may have no query/],
  ["a schema that lacks a migration", ["all"], {}, /^the database lacks \d+ migrations?: run 'writ migrate sql up/],
  ["an open admin address", ["all"], { SERVE_ADMIN_HOST: "0.0.0.0" }, /^serve\.admin\.host is 0\.0\.0\.0/],
  ["an open RPC address", ["core"], { SERVE_RPC_HOST: "0.0.0.0" }, /^serve\.rpc\.host is 0\.0\.0\.0/],
  ["memory for one part of a server", ["core"], { DSN: "memory" }, /^dsn is memory/],
  ["a gateway without a core", ["gateway"], {}, /^core\.url is not set/],
  ["an unknown kind of database", ["all"], { DSN: "postgres://u:hunter22@h/d" }, /^dsn begins with 'postgres/],
  ["a word that is no number", ["all"], { SERVE_PUBLIC_PORT: "http" }, /serve\.public\.port/],
  ["a configuration file that is not there", ["all", "-c", "nowhere.yaml"], {}, /^nowhere\.yaml: there is no such file/],
] as const)
  test(`without --dev, ${title} keeps the server from starting: one clear line, exit code 1`, async () => {
    const { code, stderr, stdout } = await writ(["serve", ...args], { env: { ...production(), ...env } });
    assert.equal(code, 1, stderr);
    assert.match(stderr, expected);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    assert.ok(!/\bat .*:\d+:\d+/.test(stderr) && !stderr.includes("hunter22") && stdout === "");
  });

test("a migrated database, an https issuer and a secret are enough: the server answers, and SIGTERM ends it with 0", async () => {
  const env = production();
  const migrated = await writ(["migrate", "sql", "up", "-e", "--yes"], { env });
  assert.equal(migrated.code, 0, migrated.stderr);
  const server = await serve(["all"], { env });
  assert.equal((await send(`${server.urls.public}/.well-known/openid-configuration`)).body.issuer, "https://auth.example");
  assert.equal((await send(`${server.urls.admin}/health/ready`)).status, 200);
  assert.equal(await server.stop(), 0);
  assert.match(server.log(), /server_stopped/);
});

test("--dev migrates by itself, keeps its secret in a file of its own, and a token outlives a restart", async () => {
  const env = { DSN: `sqlite://${join(folder, "dev", "writ.sqlite")}` };
  const first = await serve(["all", "--dev"], { env });
  const created = await send(`${first.urls.admin}/admin/clients`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ grant_types: ["client_credentials"] }),
  });
  const { client_id, client_secret } = created.body;
  const { access_token } = (await postForm(`${first.urls.public}/oauth2/token`, { grant_type: "client_credentials" }, { basic: [client_id, client_secret] })).body;
  await first.stop("SIGINT");
  assert.equal(statSync(join(folder, "dev", "development-secret")).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, "dev", "writ.sqlite")).mode & 0o777, 0o600);
  const second = await serve(["all", "--dev"], { env });
  assert.equal((await postForm(`${second.urls.admin}/admin/oauth2/introspect`, { token: access_token })).body.active, true);
  await second.stop();
});

test("core and gateway apart: the gateway proves itself by a token, an administrator brings one, and what neither brings is refused", async () => {
  const env = production();
  await writ(["migrate", "sql", "up", "-y", env.DSN], { env });
  const config = join(folder, "access.yaml");
  writeFileSync(
    config,
    `access:\n  tokens:\n    - { name: gateway, token: ${JSON.stringify(`gateway ${RPC_TOKEN}`.replaceAll(" ", "-"))}, roles: [gateway] }\n    - { name: ops, token: ${JSON.stringify(`ops ${RPC_TOKEN}`.replaceAll(" ", "-"))}, roles: [admin] }\n`,
  );
  const core = await serve(["core", "-c", config], { env, listeners: ["rpc"] });
  const gateway = await serve(["gateway"], {
    env: { URLS_SELF_ISSUER: env.URLS_SELF_ISSUER, CORE_URL: core.urls.rpc ?? "", CORE_TOKEN: `gateway ${RPC_TOKEN}`.replaceAll(" ", "-") },
    listeners: ["public", "admin"],
  });
  try {
    assert.equal((await send(`${gateway.urls.public}/.well-known/openid-configuration`)).status, 200);
    const create = (authorization?: string) =>
      send(`${gateway.urls.admin}/admin/clients`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) },
        body: JSON.stringify({ grant_types: ["client_credentials"] }),
      });
    assert.ok([401, 403].includes((await create()).status));
    assert.equal((await create("Bearer wrong")).status, 401);
    const created = await create(`Bearer ${`ops ${RPC_TOKEN}`.replaceAll(" ", "-")}`);
    assert.equal(created.status, 201, created.text);
    const keys = await send(`${gateway.urls.admin}/admin/keys/hydra.jwt.access-token`, { headers: { authorization: `Bearer ${`ops ${RPC_TOKEN}`.replaceAll(" ", "-")}` } });
    assert.equal(keys.status, 403, "reading private keys is a role of its own");
    const answer = await send(`${gateway.urls.public}/oauth2/token`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: basicAuthorization(created.body.client_id, created.body.client_secret),
        "x-request-id": "follow-me",
      },
      body: "grant_type=client_credentials",
    });
    assert.equal(answer.status, 200);
    for (let tries = 0; tries < 100 && !gateway.log().includes("follow-me"); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.match(gateway.log(), /"request_id":"follow-me"/);
    for (const secret of [created.body.client_secret, answer.body.access_token, RPC_TOKEN.replaceAll(" ", "-")])
      assert.ok(!gateway.log().includes(secret) && !core.log().includes(secret), "no secret is logged");
    await core.stop();
    assert.equal((await send(`${gateway.urls.public}/health/ready`)).status, 503);
    assert.deepEqual(await send(`${gateway.urls.public}/.well-known/jwks.json`).then(({ status, body }) => [status, body.error]), [503, "temporarily_unavailable"]);
  } finally {
    await gateway.stop();
    if (core.child.exitCode === null) await core.stop();
  }
});

test("configuration: a file with an unknown key says where it stands and what was meant; a wrong value says its path", async () => {
  const config = join(folder, "wrong.yaml");
  writeFileSync(config, "serve:\n  public:\n    prot: 4444\nttl:\n  access_token: soon\n");
  const { code, stderr } = await writ(["serve", "all", "-c", config], { env: production() });
  assert.equal(code, 1);
  assert.match(stderr, /wrong\.yaml:3:\d+: serve\.public\.prot is no known key; did you mean serve\.public\.port\?/);
  assert.match(stderr, /wrong\.yaml:5:\d+: ttl\.access_token is no duration such as 1h30m/);
});

test("a port that is taken is named, with a way out", async () => {
  const env = production();
  await writ(["migrate", "sql", "up", "-y", env.DSN], { env });
  const server = await serve(["all"], { env });
  const port = new URL(server.urls.public ?? "").port;
  const { code, stderr } = await writ(["serve", "all"], {
    env: { ...env, SERVE_PUBLIC_HOST: "127.0.0.1", SERVE_PUBLIC_PORT: port, SERVE_ADMIN_PORT: "0", SERVE_RPC_PORT: "0", SERVE_DEMO_PORT: "0", LOG_LEVEL: "error" },
  });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`serve\\.public\\.port ${port} is taken`));
  await server.stop();
});

test("hydra.md §11.5: migrate sql lists, applies, takes back; the older spelling and -e work", async () => {
  const env = production();
  const status = () => writ(["migrate", "sql", "status", env.DSN], { env });
  assert.match((await status()).stdout, /0001 +init +Pending/);
  assert.equal((await writ(["migrate", "sql", "-e", "--yes"], { env })).code, 0);
  assert.match((await status()).stdout, /0001 +init +Applied/);
  assert.match((await writ(["migrate", "sql", "up", "--yes", env.DSN])).stdout, /Nothing is pending/);
  const refused = await writ(["migrate", "sql", "down", env.DSN]);
  assert.deepEqual([refused.code, /--steps 1/.test(refused.stderr)], [1, true]);
  assert.equal((await writ(["migrate", "sql", "down", "--steps", "1", "--yes", env.DSN])).code, 0);
  assert.match((await status()).stdout, /Pending/);
});

test("DESIGN storage: keys reseal lets an old secret go; a server that lacks it before then says what to do; janitor takes Hydra's flags", async () => {
  const [old, young] = ["the old secret of this test", "the new secret of this test"];
  const env = { ...production(), SECRETS_SYSTEM: old };
  await writ(["migrate", "sql", "up", "-y", "-e"], { env });
  await (await serve(["all"], { env })).stop();
  const refused = await writ(["serve", "all"], { env: { ...env, SECRETS_SYSTEM: young } });
  assert.deepEqual([refused.code, refused.stderr.trimEnd().split("\n").length], [1, 1], refused.stderr);
  assert.match(refused.stderr, /secrets\.system/);
  const resealed = await writ(["keys", "reseal", "-e"], { env: { ...env, SECRETS_SYSTEM: `${young},${old}` } });
  assert.match(resealed.stdout, /^[1-9]\d* keys, 0 client secrets and 0 sessions were sealed anew/, resealed.stderr);
  assert.equal(await (await serve(["all"], { env: { ...env, SECRETS_SYSTEM: young } })).stop(), 0);
  const janitor = await writ(["janitor", "-e", "--tokens", "--requests", "--grants", "--keep-if-younger", "1h", "--limit", "10", "--batch-size", "5"], { env });
  assert.match(janitor.stdout, /^Successfully completed Janitor run on \S+: 0 rows$/m, janitor.stderr);
  assert.equal((await writ(["janitor", "-e", "--limit", "none"], { env })).code, 1);
  for (const dsn of ["memory", ""]) assert.equal((await writ(["janitor", "-e"], { env: { ...env, DSN: dsn } })).code, 1);
});
