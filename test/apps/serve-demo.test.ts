import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { send } from "../harness/http.ts";
import { serve, writ } from "../harness/process.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-demo-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const TOKEN = "a-token-of-the-demo-app-with-enough-characters";

test("writ serve demo runs the login app by itself, over a core elsewhere that asks for credentials, and ends with it being asked to", async () => {
  const config = join(folder, "core.yaml");
  writeFileSync(config, `dev: true\ndsn: memory\naccess: { tokens: [{ name: demo, token: ${TOKEN}, roles: [admin] }] }\nurls: { self: { issuer: "http://localhost:4444" } }\n`);
  const core = await serve(["all", "-c", config]);
  assert.equal(core.urls.demo, undefined, "where core asks for credentials the demo is not started beside it");
  const demo = await serve(["demo"], { env: { CORE_URL: core.urls.rpc ?? "", CORE_TOKEN: TOKEN }, listeners: ["demo"] });
  const stranger = await serve(["demo"], { env: { CORE_URL: core.urls.rpc ?? "" }, listeners: ["demo"] });
  try {
    assert.equal((await send(`${demo.urls.demo}/login`)).status, 400);
    const unknown = await send(`${demo.urls.demo}/login?login_challenge=x`);
    assert.deepEqual([unknown.status, /This request is not known/.test(unknown.text)], [404, true]);
    assert.equal((await send(`${stranger.urls.demo}/login?login_challenge=x`)).status, 500);
    for (let tries = 0; tries < 100 && !stranger.log().includes("internal_error"); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.match(stranger.log(), /credentials are missing/);
    assert.doesNotMatch((await send(`${demo.urls.demo}/style.css`)).text, /</);
  } finally {
    assert.deepEqual([await demo.stop(), await stranger.stop("SIGINT"), await core.stop()], [0, 0, 0]);
  }
});

test("where both apps are configured the demo stays away, in dev mode too; a taken port is named", async () => {
  const mine = { URLS_LOGIN: "https://accounts.example/login", URLS_CONSENT: "https://accounts.example/consent" };
  const server = await serve(["all", "--dev"], { env: { ...mine, DSN: "memory" } });
  assert.equal(server.urls.demo, undefined);
  const { port } = new URL(server.urls.public ?? "");
  const { code, stderr } = await writ(["serve", "demo"], { env: { SERVE_DEMO_PORT: port } });
  assert.deepEqual([code, stderr.trim()], [1, `serve.demo.port ${port} is taken: set another, such as SERVE_DEMO_PORT=${Number(port) + 10}`]);
  await server.stop();
});
