// npm run build: dist/ is the package as it is published: JavaScript and declarations, for Node without TypeScript.
import { cpSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { enterToolchain, ROOT, tool } from "./toolchain.mjs";

await enterToolchain();
const DIST = join(ROOT, "dist");
rmSync(DIST, { recursive: true, force: true });
if (tool("tsc", ["-p", "tsconfig.build.json"]) !== 0) process.exit(1);

// tsc turns `./x.ts` into `./x.js` and leaves `#lib/x.ts` alone. The package.json nearest to a file says what `#` means, so
// dist/ has its own: the same specifiers lead to what was compiled. It has no name: the package's is one folder up.
const imports = { "#*.ts": { types: "./*.d.ts", default: "./*.js" } };
writeFileSync(join(DIST, "package.json"), `${JSON.stringify({ type: "module", imports }, undefined, 2)}\n`);

// What the code reads beside code: migrations, the OpenAPI document, pages.
const isAsset = (path) => statSync(path).isDirectory() || ![".ts", ".md"].includes(extname(path));
for (const folder of ["apps", "cli", "core", "gateway", "gen", "lib", "sdk"]) {
  if (existsSync(join(ROOT, folder))) cpSync(join(ROOT, folder), join(DIST, folder), { recursive: true, filter: isAsset });
}
