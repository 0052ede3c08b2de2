import assert from "node:assert/strict";
import { generateKeyPairSync, pbkdf2Sync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { hash as bcrypt } from "@node-rs/bcrypt";
import { introspect, issueToken, postForm, send, sendJson } from "../harness/http.ts";
import { writ } from "../harness/process.ts";
import { startWrit, type Writ } from "../harness/writ.ts";

const [PBKDF2, BCRYPT] = ["the secret of the first", "the secret of the second"];

/** As Hydra writes it: `$pbkdf2-sha256$i=25000,l=32$salt$hash`, base64 without padding. */
function hydraHash(secret: string): string {
  const salt = randomBytes(16);
  const unpadded = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");
  return `$pbkdf2-sha256$i=25000,l=32$${unpadded(salt)}$${unpadded(pbkdf2Sync(secret, salt, 25_000, 32, "sha256"))}`;
}

/** A client as `hydra list oauth2-clients --format json` prints it. */
const exported = (id: string, more: object = {}) => ({
  client_id: id,
  client_name: id,
  redirect_uris: null,
  grant_types: ["client_credentials"],
  response_types: null,
  scope: "read",
  audience: [],
  owner: "",
  policy_uri: "",
  allowed_cors_origins: [],
  tos_uri: "",
  client_uri: "",
  logo_uri: "",
  contacts: null,
  client_secret_expires_at: 0,
  subject_type: "public",
  jwks: {},
  token_endpoint_auth_method: "client_secret_basic",
  userinfo_signed_response_alg: "none",
  created_at: "2024-01-02T03:04:05Z",
  updated_at: "2024-01-02T03:04:05Z",
  metadata: {},
  skip_consent: false,
  skip_logout_consent: null,
  authorization_code_grant_access_token_lifespan: null,
  client_credentials_grant_access_token_lifespan: "2h0m0s",
  ...more,
});

describe("writ import hydra", () => {
  let server: Writ;
  let folder: string;
  before(async () => {
    server = await startWrit("direct", { config: { compat: "hydra" } });
    folder = mkdtempSync(join(tmpdir(), "writ-import-"));
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const file = (name: string, value: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
    return path;
  };
  const run = (...args: string[]) => writ(["import", "hydra", ...args], { env: { WRIT_ADMIN_URL: server.adminUrl } });

  test("hydra.md §11.2: clients of a list with the hashes of their secrets, PBKDF2 and bcrypt, authenticate with the secrets that they have; a second run changes nothing", async () => {
    const list = file("clients.json", {
      items: [exported("first"), exported("second"), exported("public", { token_endpoint_auth_method: "none" })],
      next_page_token: "",
      is_last_page: true,
    });
    const rows = file("rows.json", [
      { id: "first", client_secret: hydraHash(PBKDF2) },
      { id: "second", client_secret: (await bcrypt(BCRYPT, { cost: 10 })).replace("$2b$", "$2a$") },
    ]);
    const trial = await run(list, rows, "--dry-run");
    assert.equal(trial.code, 0, trial.stderr);
    assert.match(trial.stdout, /3 clients: 3 to create\.\n$/);
    assert.equal((await sendJson(server, "GET", "/admin/clients/first")).status, 404);
    const done = await run(list, rows);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /3 clients: 3 created\.\n$/);
    assert.ok(!/\$pbkdf2|\$2a/.test(done.stdout + done.stderr), "no hash is printed");
    assert.match(done.stderr, /access and refresh tokens of Hydra[\s\S]*remembered consents/);
    for (const [id, secret] of [
      ["first", PBKDF2],
      ["second", BCRYPT],
    ] as const) {
      assert.equal((await introspect(server, await issueToken(server, { client_id: id, client_secret: secret }))).active, true);
      const wrong = await postForm(`${server.publicUrl}/oauth2/token`, { grant_type: "client_credentials" }, { basic: [id, `${secret}x`] });
      assert.deepEqual([wrong.status, wrong.body.error], [401, "invalid_client"]);
    }
    const client = (await sendJson(server, "GET", "/admin/clients/first")).body;
    assert.deepEqual([client.scope, client.client_credentials_grant_access_token_lifespan, client.client_secret], ["read", "2h0m0s", undefined]);
    assert.equal((await run(list, rows)).stdout, "3 clients: 3 unchanged.\n");
    const rotated = file("rows.json", [{ id: "first", client_secret: hydraHash("another secret") }]);
    assert.match((await run(list, rotated)).stdout, /^~ first\n {4}client_secret: \(hidden\), is changed\n3 clients: 1 changed, 2 unchanged\.\n$/);
    assert.equal((await introspect(server, await issueToken(server, { client_id: "second", client_secret: BCRYPT }))).active, true, "a run without its row leaves its secret");
  });

  test("a client whose secret is not in the files is named, with what to do; --make-secrets makes one and shows it once; `get` prints one client, and a secret may stand there itself", async () => {
    const one = file("one.json", exported("third"));
    const refused = await run(one);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /one\.json: the client 'third': 'client_secret' is missing.*hydra_client.*--make-secrets/);
    const made = await run(one, "--make-secrets");
    const [, secret = ""] = /^New secrets.*\n {2}third {2}(\S+)$/m.exec(made.stderr) ?? [];
    assert.equal((await introspect(server, await issueToken(server, { client_id: "third", client_secret: secret }))).active, true);
    assert.ok(!made.stdout.includes(secret));
    assert.doesNotMatch((await run(one, "--make-secrets")).stderr, /New secrets/);
    const plain = await run(file("plain.yaml", `client_id: fourth\nclient_secret: "a plain secret"\ngrant_types: [client_credentials]\n`));
    assert.equal(plain.code, 0, plain.stderr);
    assert.ok(!(plain.stdout + plain.stderr).includes("a plain secret"));
    assert.equal((await introspect(server, await issueToken(server, { client_id: "fourth", client_secret: "a plain secret" }))).active, true);
  });

  test("hydra.md §3.3: key sets come along, the newest key signs, what Hydra signed is verified; keys of its TLS are skipped and named; trusted issuers come with theirs", async () => {
    const jwk = (kid: string) => ({ ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" });
    const set = "hydra.jwt.access-token";
    const newestFirst = [jwk("newer"), jwk("older")];
    const keys = file("keys.json", { set, keys: newestFirst.map((key) => ({ ...key, set })) });
    const bare = file("bare.json", { keys: [jwk("bare")] });
    const tls = file("tls.json", { set: "hydra.https-tls", keys: [jwk("tls")] });
    const { d: _, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicJwk } = jwk("k");
    const issuerKeys = file("issuer-keys.json", { set: "https://issuer.example", keys: [publicJwk] });
    const issuers = file("issuers.json", [
      { id: "x", issuer: "https://issuer.example", subject: "s", scope: ["a"], public_key: { set: "https://issuer.example", kid: "k" }, expires_at: "2030-01-01T00:00:00Z" },
    ]);
    assert.match((await run(bare)).stderr, /bare\.json: does not say which set the key 'bare' belongs to; give --set/);
    const done = await run(keys, bare, tls, issuers, issuerKeys, "--set", "my.set");
    assert.equal(done.code, 0, done.stderr);
    assert.match(
      done.stdout,
      /^\+ key my\.set\/bare\n\+ key hydra\.jwt\.access-token\/older\n\+ key hydra\.jwt\.access-token\/newer\n\+ issuer https:\/\/issuer\.example\/k\n3 keys: 3 created\.\n1 issuer: 1 created\.\n$/,
    );
    assert.match(done.stderr, /Skipped: the key 'tls' of hydra\.https-tls: .*serve\.\*\.tls/);
    assert.match((await run(issuers, "--dry-run")).stderr, /issuer\.example': its key 'k' of the set 'https:\/\/issuer\.example' is in none of the files/);
    assert.equal((await run(issuers, issuerKeys)).stdout, "1 issuer: 1 unchanged.\n");
    const [trusted] = (await sendJson(server, "GET", "/admin/trust/grants/jwt-bearer/issuers")).body;
    assert.deepEqual([trusted.issuer, trusted.subject, trusted.scope, trusted.public_key.kid], ["https://issuer.example", "s", ["a"], "k"]);
    assert.equal((await run(keys, bare, "--set", "my.set")).stdout, "3 keys: 3 unchanged.\n");
    const stored = (await sendJson(server, "GET", `/admin/keys/${set}`)).body.keys.filter((key: { alg: string }) => key.alg === "RS256").map((key: { kid: string }) => key.kid);
    assert.deepEqual(stored.slice(0, 2), ["newer", "older"]);
    const shown = (await send(`${server.publicUrl}/.well-known/jwks.json`)).body.keys.map((key: { kid: string }) => key.kid);
    for (const kid of ["newer", "older"]) assert.ok(shown.includes(kid));
    assert.ok(!(done.stdout + done.stderr).includes(newestFirst[0]?.d ?? ""));
  });

  test("what the server does not take is named, all of it, and nothing is imported, unless --keep-going", async () => {
    const path = file("wrong.json", [
      exported("fine", { token_endpoint_auth_method: "none" }),
      exported("bad", { token_endpoint_auth_method: "none", redirect_uris: ["https://x.example/#f"] }),
      { a: 1 },
      5,
    ]);
    const refused = await run(path);
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    for (const expected of [
      /wrong\.json: the client 'bad': 'redirect_uris'/,
      /wrong\.json: holds something that is no client/,
      /wrong\.json: holds something that Hydra does not print/,
      /Nothing was changed/,
    ])
      assert.match(refused.stderr, expected);
    assert.equal((await sendJson(server, "GET", "/admin/clients/fine")).status, 404);
    const kept = await run(path, "--keep-going");
    assert.deepEqual([kept.code, /3 could not be imported/.test(kept.stderr)], [1, true]);
    assert.equal((await sendJson(server, "GET", "/admin/clients/fine")).status, 200);
    assert.match((await run(file("text.json", "{"))).stderr, /text\.json: is neither JSON nor YAML/);
    assert.match((await run(file("row.json", [{ id: "nobody", client_secret: hydraHash("x") }]))).stderr, /client_secret is given for the client 'nobody'/);
  });
});
