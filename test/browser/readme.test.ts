import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openBrowser, skipWithoutBrowser } from "../harness/browser.ts";
import { freePort } from "../harness/port.ts";
import { cleanEnv, serve } from "../harness/process.ts";
import { logIn } from "./site.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** A block of the guide: commands, or what they print. */
interface Block {
  readonly kind: "sh" | "text";
  readonly text: string;
}

/** The blocks of the README's guide after the server is started. */
function guide(): Block[] {
  const [, section = ""] = /\n## Five minutes\n([\s\S]*?)\n## /.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? [];
  const blocks = [...section.matchAll(/```(sh|text)\n([\s\S]*?)```/g)].map(([, kind, text = ""]): Block => ({ kind: kind as Block["kind"], text }));
  assert.equal(blocks.shift()?.text, "npm start\n");
  return blocks;
}

/** What a block of output stands for: `…` is any text without a space. */
function toPattern(text: string): RegExp {
  const lines = text.trim().split("\n");
  return new RegExp(lines.map((line) => line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", "\\S*")).join("\n"));
}

test("README: the guide runs word for word, from a client to tokens by a login in the browser, and prints what it says", {
  skip: skipWithoutBrowser(),
  timeout: 120_000,
}, async () => {
  const blocks = guide();
  // Other servers may run here: the guide's ports become free ones.
  const ports = new Map<string, string>();
  for (const port of ["4440", "4444", "4445", "4446", "4450"]) ports.set(port, String(await freePort()));
  const moved = (text: string): string => text.replace(/\b44\d0\b|\b444\d\b/g, (port) => ports.get(port) ?? port);
  const portOf = (port: string): string => ports.get(port) ?? assert.fail();
  const folder = mkdtempSync(join(tmpdir(), "writ-readme-"));
  const server = await serve(["all", "--dev"], {
    cwd: folder,
    env: { SERVE_PUBLIC_PORT: portOf("4444"), SERVE_ADMIN_PORT: portOf("4445"), SERVE_RPC_PORT: portOf("4440"), SERVE_DEMO_PORT: portOf("4450") },
    listeners: ["public", "admin", "rpc", "demo"],
  });
  const browser = await openBrowser();
  try {
    const commands = blocks
      .filter(({ kind }) => kind === "sh")
      .map(({ text }) => moved(text).replace("perform authorization-code", `perform authorization-code -p ${portOf("4446")}`));
    // By the same Node as the tests; npx finds the command of this checkout.
    const shell = spawn("bash", ["-e", "-c", commands.join("\n")], { cwd: ROOT, env: { ...cleanEnv(), npm_config_update_notifier: "false" }, stdio: ["ignore", "pipe", "pipe"] });
    const said = { out: "", err: "" };
    shell.stdout.setEncoding("utf8").on("data", (chunk: string) => (said.out += chunk));
    shell.stderr.setEncoding("utf8").on("data", (chunk: string) => (said.err += chunk));
    const ended = new Promise<number | null>((resolve) => shell.once("exit", resolve));

    const start = await waitFor(
      () => /^ {2}(http:\/\/127\.0\.0\.1:\d+\/)$/m.exec(said.err)?.[1],
      () => said.err + said.out,
    );
    const page = await browser.newPage();
    await page.goto(start);
    await page.click("#start");
    await logIn(page, "alice");
    assert.equal(await page.textContent("#client-name"), "My app");
    await page.click("#consent-allow");
    await page.getByText("It worked").waitFor();

    assert.equal(await ended, 0, said.err);
    for (const { text } of blocks.filter(({ kind }) => kind === "text")) assert.match(said.out, toPattern(text));
    for (const part of [/"access_token":"writ_at_/, /"active":true/, /"client_id":"my-app"/, /"openapi": "3\.1\.\d"/, /"tokenUse": "access_token"/, /^ACTIVE +false/m])
      assert.match(said.out, part);
  } finally {
    await browser.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

async function waitFor(find: () => string | undefined, explain: () => string): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const found = find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(explain());
}
