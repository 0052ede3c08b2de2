import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "./harness/port.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const required = process.env.WRIT_REQUIRE_PACKAGE === "1";
const folder = mkdtempSync(join(tmpdir(), "writ-package-"));
let server: ChildProcess | undefined;
after(() => {
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("the packed package installs without development dependencies, says its version and serves a token", {
  skip: required ? false : "builds and installs the package: set WRIT_REQUIRE_PACKAGE=1",
  timeout: 240_000,
}, async () => {
  // The environment of `npm test` would make the inner npm believe that it works on this repository.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_") && !name.startsWith("NODE_")));
  execFileSync("npm", ["pack", "--pack-destination", folder], { cwd: ROOT, env, stdio: "pipe" });
  const [tarball] = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  assert.ok(tarball);
  const packed = execFileSync("tar", ["-tzf", join(folder, tarball)], { encoding: "utf8" })
    .trim()
    .split("\n");
  assert.deepEqual(
    packed.filter((file) => /\.test\.|(?<!\.d)\.ts$|\.binpb$|^package\/(test|bench|scripts(?!\/writ\.mjs$)|node_modules)\//.test(file)),
    [],
  );

  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "elsewhere", private: true, type: "module" }));
  execFileSync("npm", ["install", "--omit=dev", "--prefer-offline", "--no-audit", "--no-fund", `./${tarball}`], { cwd: folder, env, stdio: "pipe" });
  const installed = readdirSync(join(folder, "node_modules"));
  for (const name of ["typescript", "@biomejs", "node", "oidc-provider", "drizzle-kit"]) assert.ok(!installed.includes(name), `${name} was installed`);

  // As a user's shell would find it: the bin link and its #! line.
  const said = execFileSync(join(folder, "node_modules", ".bin", "writ"), ["version"], { cwd: folder, env, encoding: "utf8" });
  assert.match(said, /\b0\.1\.0\b/);

  const [publicPort, adminPort, rpcPort] = [await freePort(), await freePort(), await freePort()];
  const ports = { SERVE_PUBLIC_PORT: `${publicPort}`, SERVE_ADMIN_PORT: `${adminPort}`, SERVE_RPC_PORT: `${rpcPort}`, SERVE_PUBLIC_HOST: "127.0.0.1" };
  server = spawn(lowestNode(env), [join(folder, "node_modules", "writ", "dist", "cli", "main.js"), "serve", "all", "--dev"], {
    cwd: folder,
    env: { ...env, ...ports },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await untilReady(`http://127.0.0.1:${publicPort}/health/ready`, server);

  const created = await fetch(`http://127.0.0.1:${adminPort}/admin/clients`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_id: "packed", client_secret: "a secret of the packed client", grant_types: ["client_credentials"], scope: "read" }),
  });
  assert.equal(created.status, 201, await created.text());
  const answer = await fetch(`http://127.0.0.1:${publicPort}/oauth2/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa("packed:a+secret+of+the+packed+client")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "read" }),
  });
  const body = (await answer.json()) as Readonly<Record<string, unknown>>;
  assert.equal(answer.status, 200, JSON.stringify(body));
  assert.match(String(body.access_token), /^writ_at_/);

  const openapi = await fetch(`http://127.0.0.1:${adminPort}/admin/openapi.json`);
  assert.equal(openapi.status, 200, "what lies beside the code is in the package, too");
  await openapi.body?.cancel();
  const ended = new Promise((resolve) => server?.once("exit", resolve));
  server.kill("SIGTERM");
  assert.equal(await ended, 0, "SIGTERM ends the server in order");
});

/** The oldest Node that package.json promises to run on, which knows nothing of TypeScript; the packages of npm have it. */
function lowestNode(env: NodeJS.ProcessEnv): string {
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly engines: { readonly node: string } };
  const version = `${engines.node.replace(">=", "")}.0`;
  const name = `node-${process.platform}-${process.arch}`;
  execFileSync("npm", ["install", "--prefix", join(folder, "lowest"), "--prefer-offline", "--no-audit", "--no-fund", `${name}@${version}`], { cwd: folder, env, stdio: "pipe" });
  const node = join(folder, "lowest", "node_modules", name, "bin", "node");
  assert.equal(execFileSync(node, ["--version"], { encoding: "utf8" }).trim(), `v${version}`);
  return node;
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    const ready = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} did not answer`);
}
