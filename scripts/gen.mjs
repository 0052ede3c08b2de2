// npm run gen: gen/ from proto/. With `-- --baseline`, also the image that `npm run check` holds the contract against: do that
// when a version is released, or to allow a breaking change on purpose.
import { enterToolchain, tool } from "./toolchain.mjs";

await enterToolchain();
const steps = [
  ["buf", ["generate"]],
  ["node", ["scripts/openapi.mjs"]],
];
if (process.argv.includes("--baseline")) steps.push(["buf", ["build", "--exclude-source-info", "-o", "proto/baseline.binpb"]]);
for (const [name, args] of steps) if (tool(name, args) !== 0) process.exit(1);
