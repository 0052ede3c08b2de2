// npm test [-- path …]: every *.test.ts, or those below the paths given. What needs MariaDB, chromium or a built package skips itself
// with a message, unless WRIT_REQUIRE_MARIADB, WRIT_REQUIRE_CHROMIUM or WRIT_REQUIRE_PACKAGE is 1.
import fs from "node:fs";
import { relative, resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { enterToolchain, ROOT } from "./toolchain.mjs";

await enterToolchain();
process.chdir(ROOT);

const wanted = process.argv.slice(2).map((path) => relative(ROOT, resolve(path)));
const files = fs
  .globSync("**/*.test.ts", { exclude: (name) => ["node_modules", "dist", ".git"].includes(name) })
  .filter((file) => wanted.length === 0 || wanted.some((path) => path === "" || file === path || file.startsWith(`${path}/`)))
  .sort();

let tests = 0;
let failed = files.length === 0;
// Two files at a time: that is what two cores carry without time-outs; a file that hangs is ended after five minutes.
const events = run({ files, concurrency: Number(process.env.WRIT_TEST_CONCURRENCY ?? 2), timeout: 300_000 });
for (const kind of ["test:pass", "test:fail"]) {
  events.on(kind, ({ details, todo }) => {
    if (details.type !== "suite") tests += 1;
    if (kind === "test:fail" && (todo === undefined || todo === false)) failed = true;
  });
}
events.compose(spec).pipe(process.stdout);
events.on("end", () => {
  if (tests === 0) console.error("no test ran");
  process.exitCode = failed || tests === 0 ? 1 : 0;
});
