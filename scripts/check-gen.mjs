// gen/ is what proto/ gives now: written anew into a temporary folder, and compared.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./toolchain.mjs";

/** Complaints about gen/. */
export function staleGen() {
  const folder = mkdtempSync(join(tmpdir(), "writ-gen-"));
  try {
    for (const [name, args] of [
      ["buf", ["generate", "-o", folder]],
      [process.execPath, ["scripts/openapi.mjs", join(folder, "gen", "openapi.json")]],
    ]) {
      const run = spawnSync(name, args, { cwd: ROOT, encoding: "utf8" });
      if (run.status !== 0) return [`${name} ${args[0]}: ${run.stderr}${run.error ?? ""}`];
    }
    return compare(read(join(folder, "gen")), read(join(ROOT, "gen")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compare(fresh, committed) {
  const names = [...new Set([...fresh.keys(), ...committed.keys()])].sort();
  return names.flatMap((name) => {
    if (!committed.has(name)) return [`gen/${name} is missing`];
    if (!fresh.has(name)) return [`gen/${name} comes from no proto file`];
    return fresh.get(name) === committed.get(name) ? [] : [`gen/${name} is stale`];
  });
}

function read(folder) {
  const names = globSync("**/*", { cwd: folder }).filter((name) => statSync(join(folder, name)).isFile());
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}
