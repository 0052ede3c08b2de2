import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { send } from "../harness/http.ts";
import { cleanEnv, serve } from "../harness/process.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-start-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const START = fileURLToPath(new URL("../../scripts/start.mjs", import.meta.url));
const PORTS = { SERVE_PUBLIC_PORT: "0", SERVE_ADMIN_PORT: "0", SERVE_RPC_PORT: "0", SERVE_DEMO_PORT: "0", SERVE_PUBLIC_HOST: "127.0.0.1" };

describe("npm start", () => {
  test("says where everything is and what to type next; what it says works as it stands; Ctrl-C ends it with 0", async () => {
    const child = spawn(process.execPath, [START], { env: cleanEnv({ ...PORTS, DSN: `sqlite://${join(folder, "start", "writ.sqlite")}` }), stdio: ["ignore", "pipe", "pipe"] });
    try {
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      child.stderr.resume();
      for (let tries = 0; tries < 800 && !text.includes("introspect token"); tries++) await new Promise((resolve) => setTimeout(resolve, 25));
      const [, publicUrl] = /^ {2}public {2}(http:\S+)/m.exec(text) ?? assert.fail(text);
      assert.equal((await send(`${publicUrl}/.well-known/openid-configuration`)).body.issuer, publicUrl, "the issuer is the port that was found");
      const steps = text.split("\n").filter((line) => /^ {2}(export|TOKEN=|npx|node)/.test(line));
      assert.equal(steps.length, 4, text);
      // It waits for a person at a browser: test/browser/readme.test.ts goes that way.
      const byHand = steps.findIndex((line) => / perform authorization-code /.test(line));
      assert.notEqual(byHand, -1, text);
      const { stdout, stderr } = await shell(`set -e\n${steps.toSpliced(byHand, 1).join("\n")}`);
      assert.match(stdout, /^ACTIVE +true\nSUBJECT +my-app\nCLIENT ID +my-app\nSCOPE +read\n/, stderr);
    } finally {
      child.kill("SIGINT");
    }
    assert.equal(await new Promise((resolve) => child.once("exit", resolve)), 0);
  });

  test("a port that is taken ends it with 1 and a line that says which, and how to take another", async () => {
    const first = await serve(["all", "--dev"], { env: { DSN: "memory" } });
    const { port } = new URL(first.urls.public ?? "");
    const env = cleanEnv({ ...PORTS, DSN: "memory", SERVE_PUBLIC_PORT: port, LOG_LEVEL: "error" });
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) =>
      execFile(process.execPath, [START], { env }, (error, _stdout, text) => resolve({ code: error?.code ?? 0, stderr: text })),
    );
    await first.stop();
    assert.equal(code, 1);
    assert.equal(stderr.trim(), `serve.public.port ${port} is taken: set another, such as SERVE_PUBLIC_PORT=${Number(port) + 10}`);
  });
});

test("hydra.md §11.5: serve public and serve admin without core.url run a core of their own, over one database", async () => {
  const env = { DSN: `sqlite://${join(folder, "parts", "writ.sqlite")}` };
  const admin = await serve(["admin", "--dev", "--sqa-opt-out"], { env, listeners: ["admin"] });
  const publicPart = await serve(["public", "--dev"], { env, listeners: ["public"] });
  try {
    assert.deepEqual([Object.keys(admin.urls), Object.keys(publicPart.urls)], [["admin"], ["public"]]);
    const { body } = await send(`${admin.urls.admin}/admin/clients`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ grant_types: ["client_credentials"] }),
    });
    const authorization = `Basic ${Buffer.from(`${body.client_id}:${body.client_secret}`).toString("base64")}`;
    const token = await send(`${publicPart.urls.public}/oauth2/token`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", authorization },
      body: "grant_type=client_credentials",
    });
    const introspected = await send(`${admin.urls.admin}/admin/oauth2/introspect`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `token=${token.body.access_token}`,
    });
    assert.equal(introspected.body.active, true, "both share the secret of the data folder");
  } finally {
    await Promise.all([admin.stop(), publicPart.stop()]);
  }
});

function shell(script: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) =>
    execFile("sh", ["-c", script], { cwd: fileURLToPath(new URL("../..", import.meta.url)), env: cleanEnv() }, (_error, stdout, stderr) => resolve({ stdout, stderr })),
  );
}
