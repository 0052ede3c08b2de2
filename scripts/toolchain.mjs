// What every script begins with: the packages are installed, and the Node that package.json names is the one that runs.
// Plain JavaScript without packages, since it runs before there are any, on whatever Node (>= 20) is at hand.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync, utimesSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const INSTALLED = join(ROOT, "node_modules", ".package-lock.json"); // npm writes it last
const PACKAGED_NODE = join(ROOT, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");

/**
 * Installs the packages when they are missing or older than package-lock.json, then runs this very script again under the
 * packaged Node. Returns only in that Node (or in this one, where it is new enough and no packaged one could be installed).
 */
export async function enterToolchain() {
  if (!isInstalled()) install();
  process.env.PATH = `${BIN}${delimiter}${process.env.PATH ?? ""}`;
  if (process.env.WRIT_TOOLCHAIN === process.version) return; // we are the second run
  if (!existsSync(PACKAGED_NODE)) return requireNewNode();
  const expected = spawnSync(PACKAGED_NODE, ["--version"], { encoding: "utf8" });
  if (expected.status !== 0) return requireNewNode();
  const version = expected.stdout.trim();
  if (version === process.version) return;
  const child = spawn(PACKAGED_NODE, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit", env: { ...process.env, WRIT_TOOLCHAIN: version } });
  // A signal for us is meant for what we run; a terminal's Ctrl-C reaches both anyway, and the child decides when to end.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((resolve) => child.once("close", (...end) => resolve(end)));
  process.exit(code ?? (signal === "SIGINT" ? 130 : 143));
}

function isInstalled() {
  return existsSync(INSTALLED) && statSync(INSTALLED).mtimeMs >= statSync(join(ROOT, "package-lock.json")).mtimeMs;
}

function install() {
  console.error("writ: installing packages …");
  // Not `npm ci`: it refuses lock files that leave out other platforms' binaries. On stderr: the script's own output stays clean.
  const npm = process.env.npm_execpath?.endsWith(".js") ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const done = spawnSync(npm[0], [...npm.slice(1), "install", "--no-audit", "--no-fund"], { cwd: ROOT, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (done.status !== 0) fail("npm install failed; its messages are above");
  const now = new Date();
  utimesSync(INSTALLED, now, now); // npm leaves it alone when there was nothing to do, and we would ask again each time
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
