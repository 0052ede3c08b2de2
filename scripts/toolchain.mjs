// What every script begins with: the packages are installed, and the Node that package.json names is the one that runs.
// Plain JavaScript without packages, since it runs before there are any, on whatever Node (>= 20) is at hand.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync, utimesSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const onWindows = process.platform === "win32";
const INSTALLED = join(ROOT, "node_modules", ".package-lock.json"); // npm writes it last
const PACKAGED_NODE = join(ROOT, "node_modules", "node", "bin", onWindows ? "node.exe" : "node");

/**
 * Installs the packages when they are missing or older than package-lock.json, then runs this very script again under the
 * packaged Node. Returns only in that Node (or in this one, where it is new enough and no packaged one could be installed).
 */
export async function enterToolchain() {
  if (!existsSync(INSTALLED) || statSync(INSTALLED).mtimeMs < statSync(join(ROOT, "package-lock.json")).mtimeMs) install();
  process.env.PATH = `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
  const version = spawnSync(PACKAGED_NODE, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (version === process.version) return;
  if (!version) return requireNewNode();
  const child = spawn(PACKAGED_NODE, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  // A signal for us is meant for what we run. A terminal's Ctrl-C reaches both by itself, so that one is only waited for.
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  const [code] = await new Promise((resolve) => child.once("close", (...end) => resolve(end)));
  process.exit(code ?? 1);
}

/** Runs a packaged tool in the repository's folder and shows what it says. Returns its exit status. */
export function tool(name, args, env = {}) {
  const run = spawnSync(name, args, { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...env }, shell: onWindows });
  if (run.error !== undefined) console.error(`writ: ${name}: ${run.error.message}`);
  return run.status ?? 1;
}

function install() {
  console.error("writ: installing packages …");
  // Not `npm ci`: it refuses lock files that leave out other platforms' binaries. On stderr: the script's own output stays clean.
  const done = spawnSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: ROOT, stdio: ["ignore", 2, 2], shell: onWindows });
  if (done.status !== 0) fail("npm install failed; its messages are above");
  utimesSync(INSTALLED, Date.now() / 1000, Date.now() / 1000); // npm leaves it alone when there was nothing to do, and we would ask again each time
}

function requireNewNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return; // runs .ts as it lies
  fail(`Node ${process.versions.node} cannot run TypeScript, and the packaged Node could not be installed; use Node 24`);
}

function fail(message) {
  console.error(`writ: ${message}`);
  process.exit(1);
}
