// npm start [-- flags]: installs what is missing, then runs the whole server in development mode on SQLite in ./data. Flags are
// those of `writ serve all`. Plain JavaScript without packages, since it runs before there are any, on Node 20 or later.
import { existsSync, lstatSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { enterToolchain, ROOT } from "./toolchain.mjs";

await enterToolchain();
process.chdir(ROOT);
linkCommand();
process.argv.splice(1, process.argv.length - 1, join(ROOT, "cli", "main.ts"), "serve", "all", "--dev", ...process.argv.slice(2));
await import("../cli/main.ts");

/** Makes `npx writ` run this checkout. */
function linkCommand() {
  const bin = join(ROOT, "node_modules", ".bin");
  const link = join(bin, "writ");
  if (process.platform === "win32" || lstatSync(link, { throwIfNoEntry: false }) !== undefined || !existsSync(bin)) return;
  try {
    symlinkSync(join("..", "..", "scripts", "writ.mjs"), link);
  } catch (error) {
    console.error(`writ: 'npx writ' will not work here (${error.code}); use 'node scripts/writ.mjs' instead`);
  }
}
