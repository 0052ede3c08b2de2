import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decodeProtectedHeader } from "jose";
import { composeCore } from "#core/compose.ts";
import { openMaintenance } from "#core/maintenance.ts";
import { silentLog } from "#lib/events.ts";
import type { EpochMillis } from "#lib/time.ts";
import { createClient, introspect, issueToken, send, sendJson } from "./harness/http.ts";
import { freshMysqlDsn, hasMariadb } from "./harness/mariadb.ts";
import { describeWrit, startWrit, testConfig } from "./harness/writ.ts";

const ACCESS_TOKEN_SET = "hydra.jwt.access-token";
let offset = 0;
const clock = () => (Date.now() + offset) as EpochMillis;

describeWrit("JSON Web Keys", { clock }, (writ) => {
  const keys = (path: string) => `/admin/keys/${path}`;

  test("hydra.md §3.3: POST makes a key of the algorithm, named if it is given a name, with its private part; GET shows the set newest first", async () => {
    const set = `set-${Date.now()}`;
    const made = await sendJson(writ(), "POST", keys(set), { alg: "ES256", kid: "first", use: "sig" });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get("location"), `http://127.0.0.1:4444/keys/${set}`);
    assert.deepEqual(Object.keys(made.body.keys[0]).toSorted(), ["alg", "crv", "d", "kid", "kty", "use", "x", "y"]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await sendJson(writ(), "POST", keys(set), { alg: "RS256", kid: "", use: "" });
    assert.match(second.body.keys[0].kid, /^[\w-]{43}$/);
    assert.deepEqual(
      (await sendJson(writ(), "GET", keys(set))).body.keys.map(({ kid }: { kid: string }) => kid),
      [second.body.keys[0].kid, "first"],
    );
    assert.equal((await sendJson(writ(), "POST", keys(set), { alg: "ES256", kid: "first" })).status, 409);
    assert.equal((await sendJson(writ(), "GET", keys("nothing-here"))).status, 404);
    assert.equal((await sendJson(writ(), "GET", keys(`${set}/nobody`))).status, 404);
    for (const path of [`${set}/first`, `${set}/first`, set, set]) assert.equal((await sendJson(writ(), "DELETE", keys(path))).status, 204);
  });

  test("hydra.md §3.3: an unknown algorithm, a key that is none, a short RSA key, two keys of one name: 400 that names them", async () => {
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "jwk" });
    for (const [method, path, body, expected] of [
      ["POST", "bad", { alg: "HS999" }, /alg/],
      ["POST", "bad", { alg: "constructor" }, /alg/],
      ["POST", "bad", { alg: "ES256", use: "other" }, /use/],
      ["PUT", "bad/x", { kty: "EC", crv: "P-256", x: "AA", y: "AA", kid: "x" }, /'x'/],
      ["PUT", "bad/x", { kty: "nothing", kid: "x" }, /kty/],
      ["PUT", "bad/x", { ...short, kid: "short" }, /2048/],
      [
        "PUT",
        "bad",
        {
          keys: [
            { kty: "oct", k: "AAAA", kid: "a" },
            { kty: "oct", k: "BBBB", kid: "a" },
          ],
        },
        /kid/,
      ],
      ["PUT", "bad", { keys: "x" }, /keys/],
    ] as const) {
      const answer = await sendJson(writ(), method, keys(path), body);
      assert.equal(answer.status, 400, `${method} ${path} ${answer.text}`);
      assert.match(answer.body.error_description, expected);
    }
    assert.equal((await sendJson(writ(), "GET", keys("bad"))).status, 404, "nothing half-written");
  });

  test("DESIGN keys: a new key is published at once, signs after keys.publish_before_use, and the older one still verifies", async () => {
    try {
      const client = await createClient(writ(), { access_token_strategy: "jwt" });
      const before = await issueToken(writ(), client);
      const { body } = await sendJson(writ(), "POST", keys(ACCESS_TOKEN_SET), { alg: "ES256" });
      const kid = body.keys[0].kid;
      await new Promise((resolve) => setTimeout(resolve, writ().cores.length > 1 ? 5200 : 0)); // another core looks again after five seconds
      const published = await send(`${writ().publicUrl}/.well-known/jwks.json`);
      assert.ok(published.body.keys.some((key: { kid: string }) => key.kid === kid));
      assert.ok(Number(/max-age=(\d+)/.exec(published.headers.get("cache-control") ?? "")?.[1]) < 600);
      assert.notEqual(decodeProtectedHeader(await issueToken(writ(), client)).kid, kid);
      offset = 601_000;
      const after = await issueToken(writ(), client);
      assert.equal(decodeProtectedHeader(after).kid, kid);
      for (const token of [before, after]) assert.equal((await introspect(writ(), token)).active, true);
    } finally {
      offset = 0;
    }
  });
});

test("compat hydra: a new key signs at once", async () => {
  const writ = await startWrit("direct", { config: { compat: "hydra", strategies: { access_token: "jwt" } } });
  try {
    const client = await createClient(writ);
    const { body } = await sendJson(writ, "POST", `/admin/keys/${ACCESS_TOKEN_SET}`, { alg: "RS256" });
    assert.equal(decodeProtectedHeader(await issueToken(writ, client)).kid, body.keys[0].kid);
  } finally {
    await writ.close();
  }
});

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "writ-keys-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const options = { log: silentLog, version: "0" };

test("DESIGN keys: cores that start at once on one empty database agree on one key for each set and algorithm", async () => {
  await withFolder(async (folder) => {
    for (const dsn of [`sqlite://${join(folder, "writ.sqlite")}`, ...(hasMariadb() ? [await freshMysqlDsn()] : [])]) {
      const cores = await Promise.all(Array.from({ length: 4 }, () => composeCore(testConfig(dsn), options)));
      const maintenance = await openMaintenance(testConfig(dsn), silentLog);
      const rows = await maintenance.db.driver.read("SELECT set_name, kid FROM jwks", []);
      assert.equal(rows.length, 4, "two sets, two algorithms");
      await maintenance.close();
      await Promise.all(cores.map((core) => core.close()));
    }
  });
});

test("DESIGN keys: with a new secret in front everything opens; once resealed the old one may go, and before that the server refuses to start", async () => {
  await withFolder(async (folder) => {
    const dsn = `sqlite://${join(folder, "writ.sqlite")}`;
    const [old, next] = ["the old system secret", "the next system secret"];
    const start = (system: string[]) => composeCore({ ...testConfig(dsn), secrets: { system, pagination: [] } }, options);
    await (await start([old])).close();
    await assert.rejects(start([next]), /sealed with a secret .*writ reseal/);
    await (await start([next, old])).close();
    const maintenance = await openMaintenance({ ...testConfig(dsn), secrets: { system: [next, old], pagination: [] } }, silentLog);
    assert.deepEqual(await maintenance.reseal(), { keys: 4, secrets: 0, sessions: 0 });
    assert.deepEqual(await maintenance.reseal(), { keys: 0, secrets: 0, sessions: 0 });
    await maintenance.close();
    await (await start([next])).close();
  });
});
