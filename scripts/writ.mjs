#!/usr/bin/env node
// The `writ` command: the compiled package where there is one, else the sources of this checkout on the Node.js that
// npm installed beside them (the one that runs this file may be too old to read TypeScript).
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

if (existsSync(at("cli/main.ts"))) {
  const installed = at("node_modules/node/bin/node");
  const child = spawn(existsSync(installed) ? installed : process.execPath, [at("cli/main.ts"), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
  child.on("error", (error) => {
    process.stderr.write(`writ cannot be run: ${error.message}\n`);
    process.exit(1);
  });
} else await import("../dist/server/main.js");
