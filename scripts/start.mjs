// npm start [-- flags]: the whole server in development mode, on SQLite in ./data. Installs what is missing first.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { enterToolchain, ROOT } from "./toolchain.mjs";

await enterToolchain();

const child = spawn(process.execPath, [join(ROOT, "cli", "main.ts"), "serve", "all", "--dev", ...process.argv.slice(2)], { cwd: ROOT, stdio: "inherit" });
// Ctrl-C in a terminal reaches the child by itself; it decides when to end, and we end with it.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
