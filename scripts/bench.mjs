// npm run bench -- [--quick] [--gate [--slack 0.3]] [--write] [--only TEXT]: builds the package and measures it (bench/README.md).
import { enterToolchain, tool } from "./toolchain.mjs";

await enterToolchain();
if (tool("node", ["scripts/build.mjs"]) !== 0) process.exit(1);
process.exit(tool("node", ["bench/run.ts", ...process.argv.slice(2)]));
