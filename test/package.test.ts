import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_(package_|lifecycle_|command|config_local_prefix)|NODE_OPTIONS|NODE_TEST_CONTEXT)/.test(name)),
  );
  const run = async (cwd: string, command: string, ...args: string[]): Promise<string> => (await promisify(execFile)(command, args, { cwd, env, timeout: 180_000 })).stdout;
  const install = ["install", "--omit=dev", "--prefer-offline", "--no-audit", "--no-fund", "--fetch-retries=1"];
  await run(ROOT, "npm", "pack", "--pack-destination", folder);
  const [tarball] = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  assert.ok(tarball);
  const packed = (await run(folder, "tar", "-tzf", tarball)).trim().split("\n");
  assert.deepEqual(
    packed.filter((file) => /\.test\.|(?<!\.d)\.ts$|\.binpb$|^package\/(test|bench|scripts(?!\/writ\.mjs$)|node_modules)\//.test(file)),
    [],
  );

  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "elsewhere", private: true, type: "module" }));
  await run(folder, "npm", ...install, `./${tarball}`);
  const installed = readdirSync(join(folder, "node_modules"));
  for (const name of ["typescript", "@biomejs", "node", "oidc-provider", "drizzle-orm", "hono"]) assert.ok(!installed.includes(name), `${name} was installed`);
  const sdk =
    'import { createWritClient } from "writ/sdk"; import { createTokenCache } from "writ/sdk/token-cache"; console.log("tokens" in createWritClient({ baseUrl: "http://127.0.0.1:4440" }), typeof createTokenCache);';
  assert.equal(await run(folder, process.execPath, "--input-type=module", "-e", sdk), "true function\n");

  // As a user's shell would find it: the bin link and its #! line.
  const said = await run(folder, join(folder, "node_modules", ".bin", "writ"), "version");
  assert.match(said, /\b0\.1\.0\b/);

  const lowest = lowestNode();
  await run(folder, "npm", ...install, "--prefix", join(folder, "lowest"), `${lowest.name}@${lowest.version}`);
  assert.equal((await run(folder, lowest.path, "--version")).trim(), `v${lowest.version}`);
  const [publicPort, adminPort, rpcPort] = [await freePort(), await freePort(), await freePort()];
  const ports = { SERVE_PUBLIC_PORT: `${publicPort}`, SERVE_ADMIN_PORT: `${adminPort}`, SERVE_RPC_PORT: `${rpcPort}`, SERVE_DEMO_PORT: "0", SERVE_PUBLIC_HOST: "127.0.0.1" };
  server = spawn(lowest.path, [join(folder, "node_modules", "writ", "dist", "server", "main.js"), "serve", "all", "--dev"], {
    cwd: folder,
    env: { ...env, ...ports },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let logged = "";
  server.stderr?.on("data", (chunk: Buffer) => (logged += chunk));
  await untilReady(`http://127.0.0.1:${publicPort}/health/ready`, server).catch((cause: unknown) => assert.fail(`${cause}: ${logged}`));

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

/** The oldest Node that package.json promises to run on, which knows nothing of TypeScript. npm has it as a package. */
function lowestNode(): { readonly name: string; readonly version: string; readonly path: string } {
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly engines: { readonly node: string } };
  const name = `node-${process.platform}-${process.arch}`;
  return { name, version: `${engines.node.replace(">=", "")}.0`, path: join(folder, "lowest", "node_modules", name, "bin", "node") };
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
