// npm run check: everything that can be said of the code without running it. Changes nothing.
import { spawnSync } from "node:child_process";
import { enterToolchain, ROOT } from "./toolchain.mjs";

await enterToolchain();
const { brokenLinks, longFiles, staleLock } = await import("./check-files.mjs");
const { staleGen } = await import("./check-gen.mjs");

/** Complaints of a command: what it printed, when it failed. */
const command =
  (name, ...args) =>
  () => {
    const run = spawnSync(name, args, { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1024 * 1024, shell: process.platform === "win32" });
    return run.status === 0 ? [] : [run.stdout, run.stderr, run.error?.message].filter(Boolean);
  };

const CHECKS = {
  "format and lint": command("biome", "ci", "--colors=off", "--error-on-warnings", "--max-diagnostics=200", "."),
  types: command("tsc", "-p", "."),
  "proto style": command("buf", "lint"),
  "proto format": command("buf", "format", "--diff", "--exit-code"),
  "the contract breaks nobody (npm run gen -- --baseline, if it is meant to)": command("buf", "breaking", "--against", "proto/baseline.binpb"),
  "gen/ is fresh (npm run gen)": staleGen,
  "package-lock.json fits package.json (npm install)": staleLock,
  "nothing is unused": command("knip", "--no-progress"),
  "files are short": longFiles,
  "links lead somewhere": brokenLinks,
};

let failed = 0;
for (const [name, check] of Object.entries(CHECKS)) {
  const complaints = check();
  console.log(`${complaints.length === 0 ? "✔" : "✖"} ${name}`);
  for (const complaint of complaints) console.log(complaint.replace(/^/gm, "  "));
  if (complaints.length > 0) failed += 1;
}
if (failed > 0) console.log(`\n${failed} of ${Object.keys(CHECKS).length} checks failed`);
process.exitCode = failed === 0 ? 0 : 1;
