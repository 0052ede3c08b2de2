import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ConfigInput, configSchema } from "#lib/config.ts";
import { developmentDefaults } from "./development.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-dev-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const EVERYTHING = { core: true, public: true, demo: false };
const defaults = (input: ConfigInput, needs = EVERYTHING) => developmentDefaults(configSchema.parse(input), needs);

test("a data folder gets a secret that is used again, and that its owner alone can read", async () => {
  const dsn = `sqlite://${join(folder, "new", "writ.sqlite")}?x=1`;
  const file = join(folder, "new", "development-secret");
  const [first, second] = [await defaults({ dsn }), await defaults({ dsn })];
  assert.deepEqual(first["secrets.system"], second["secrets.system"]);
  assert.deepEqual(first["secrets.system"], [readFileSync(file, "utf8").trim()]);
  assert.match(String(first["secrets.system"]), /^[0-9a-f]{64}$/);
  assert.deepEqual([statSync(file).mode & 0o777, statSync(join(folder, "new")).mode & 0o777], [0o600, 0o700]);
  assert.equal(existsSync(`${file}.${process.pid}`), false);
});

test("what is configured stays: neither a secret nor a folder is made beside it", async () => {
  const dsn = `sqlite://${join(folder, "configured", "writ.sqlite")}`;
  assert.deepEqual(await defaults({ dsn, secrets: { system: ["a configured secret"] }, urls: { self: { issuer: "https://auth.example" } } }), { dsn });
  assert.equal(existsSync(join(folder, "configured")), false);
  assert.deepEqual(await defaults({ urls: { self: { issuer: "https://auth.example" } } }, { core: false, public: true, demo: false }), {}, "a gateway has no state");
});

test("a database in memory gets a secret of its own each time", async () => {
  const [first, second] = [await defaults({ dsn: "memory" }), await defaults({ dsn: "memory" })];
  assert.notDeepEqual(first["secrets.system"], second["secrets.system"]);
});

test("the issuer is the public port; where the system is to choose one, it is chosen before the issuer is", async () => {
  const dsn = "memory";
  assert.equal((await defaults({ dsn }))["urls.self.issuer"], "http://localhost:4444");
  assert.equal((await defaults({ dsn, serve: { public: { tls: { enabled: true } } } }))["urls.self.issuer"], "https://localhost:4444");
  const { "urls.self.issuer": issuer, "serve.public.port": port } = await defaults({ dsn, serve: { public: { port: 0, host: "127.0.0.1" } } });
  assert.ok(typeof port === "number" && port > 0);
  assert.equal(issuer, `http://127.0.0.1:${port}`);
  assert.equal((await defaults({ dsn, serve: { public: { host: "::1" } } }))["urls.self.issuer"], "http://[::1]:4444");
});

test("a folder that cannot be written to is named, with what to do", { skip: process.getuid?.() === 0 && "root may write anywhere" }, async () => {
  const locked = join(folder, "locked");
  await defaults({ dsn: `sqlite://${join(locked, "writ.sqlite")}` });
  rmSync(join(locked, "development-secret"));
  chmodSync(locked, 0o500);
  await assert.rejects(defaults({ dsn: `sqlite://${join(locked, "writ.sqlite")}` }), /locked.*EACCES.*SECRETS_SYSTEM/);
  chmodSync(locked, 0o700);
});

test("a folder that is a file is named, with what to do", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  await assert.rejects(defaults({ dsn: `sqlite://${join(file, "writ.sqlite")}` }), /file.*(EEXIST|ENOTDIR)/);
});

test("the demo app stands in for the apps that are not configured, on a port that is known before it is", async () => {
  const needs = { core: false, public: false, demo: true };
  const issuer = { self: { issuer: "https://auth.example" } };
  assert.deepEqual(await defaults({ urls: issuer }, needs), {
    "serve.demo.port": 4450,
    "urls.login": "http://127.0.0.1:4450/login",
    "urls.consent": "http://127.0.0.1:4450/consent",
    "urls.logout": "http://127.0.0.1:4450/logout",
    "urls.device.verification": "http://127.0.0.1:4450/device",
    "urls.device.success": "http://127.0.0.1:4450/device/success",
  });
  const mine = await defaults({ urls: { ...issuer, login: "https://login.example" }, serve: { demo: { port: 0, host: "0.0.0.0" } } }, needs);
  assert.equal(mine["urls.login"], "https://login.example");
  assert.match(String(mine["urls.consent"]), /^http:\/\/localhost:[1-9]\d+\/consent$/);
});
