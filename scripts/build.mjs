// npm run build: dist/ is the package as it is published: JavaScript and declarations, for Node without TypeScript.
// The server is bundled: a thousand small modules cost it half a second at start and 25 MB (docs/adr/0007).
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { enterToolchain, ROOT, tool } from "./toolchain.mjs";

await enterToolchain();
const { build } = await import("esbuild");
const DIST = join(ROOT, "dist");
rmSync(DIST, { recursive: true, force: true });
if (tool("tsc", ["-p", "tsconfig.build.json"]) !== 0) process.exit(1);

// tsc turns `./x.ts` into `./x.js` and leaves `#lib/x.ts` alone. The package.json nearest to a file says what `#` means, so
// dist/ has its own: the same specifiers lead to what was compiled. It has no name: the package's is one folder up.
const imports = { "#*.ts": { types: "./*.d.ts", default: "./*.js" } };
writeFileSync(join(DIST, "package.json"), `${JSON.stringify({ type: "module", imports }, undefined, 2)}\n`);

/** A file that finds others by its own place keeps that place, in whichever chunk its code ends; what it loads by hand is bundled. */
const keepPlaces = {
  name: "keep places",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!path.startsWith(DIST + sep)) return;
      const place = `new URL(${JSON.stringify(`../${relative(DIST, path).replaceAll("\\", "/")}`)}, import.meta.url).href`;
      return {
        contents: readFileSync(path, "utf8")
          .replaceAll("import.meta.url", place)
          .replaceAll(/\bload\("/g, 'require("'),
      };
    }),
};
const output = { outdir: join(DIST, "server"), format: "esm", platform: "node", target: "node22", splitting: true, metafile: true, legalComments: "none" };
const banner = { js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);' };
const external = ["@node-rs/argon2", "@node-rs/bcrypt"]; // binaries
const { metafile } = await build({ ...output, entryPoints: [join(DIST, "cli/main.js")], bundle: true, banner, external, plugins: [keepPlaces] });
writeFileSync(join(DIST, "server/LICENSES.txt"), licences(Object.keys(metafile.inputs)));

// The server's own files are in the bundle now; what stays is the SDK with what it needs, and what the code reads beside code.
const isAsset = (path) => statSync(path).isDirectory() || ![".ts", ".md"].includes(extname(path));
for (const folder of ["apps", "cli", "core", "gateway", "lib"]) {
  rmSync(join(DIST, folder), { recursive: true });
  cpSync(join(ROOT, folder), join(DIST, folder), { recursive: true, filter: isAsset });
}
cpSync(join(ROOT, "gen"), join(DIST, "gen"), { recursive: true, filter: isAsset });

/** The licences of the packages that files of a bundle come from. */
function licences(files) {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  const textOf = (folder) => readdirSync(join(ROOT, folder)).find((name) => /^licen[cs]e/i.test(name));
  const entries = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
    const text = textOf(folder);
    return `${name} ${version} (${license})\n\n${text === undefined ? "" : readFileSync(join(ROOT, folder, text), "utf8")}`;
  });
  return entries.join(`\n${"-".repeat(80)}\n\n`);
}
