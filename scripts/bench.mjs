// npm run bench -- [--quick] [--gate [--slack 0.3]] [--write] [--only PATTERN]: builds the package and measures it (bench/README.md).
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { enterToolchain, tool } from "./toolchain.mjs";

await enterToolchain();
if (tool("node", ["scripts/build.mjs"]) !== 0) process.exit(1);
// The load has cores of its own, where there are enough; the servers get the others (bench/process.ts).
const run = ["node", "bench/run.ts", ...process.argv.slice(2)];
const [name, ...args] = spawnSync("taskset", ["-c", "0,1", "true"]).status === 0 ? ["taskset", "-c", availableParallelism() < 4 ? "1" : "1,3", ...run] : run;
process.exit(tool(name, args));
