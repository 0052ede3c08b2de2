// Writes gen/openapi.json from the contract: `node scripts/openapi.mjs [FILE]`.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { enterToolchain } from "./toolchain.mjs";

await enterToolchain();
const { openApi } = await import("../gateway/openapi/generate.ts"); // only the packaged Node reads it

const root = new URL("..", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
const image = execFileSync(process.execPath, ["node_modules/@bufbuild/buf/bin/buf", "build", "--as-file-descriptor-set", "-o", "-"], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
writeFileSync(process.argv[2] ?? new URL("gen/openapi.json", root), `${JSON.stringify(openApi(image, version), undefined, 2)}\n`);
