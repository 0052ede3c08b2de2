import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, matchesGlob, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A row of the table of who may import whom: a file that lies there, what it may name, and what it may not. */
interface Row {
  readonly file: string;
  readonly allowed: readonly string[];
  readonly forbidden: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    file: "lib/planted.ts",
    allowed: ["./scope.ts", "node:crypto", "node:fs/promises"],
    forbidden: ["#core/deps.ts", "../core/deps.ts", "./../core/deps.ts", "#gen/writ/options_pb.ts", "./rpc/call.ts", "#lib/rpc/call.ts", "zod", "jose", "@bufbuild/protobuf"],
  },
  { file: "lib/time.ts", allowed: ["./scope.ts", "node:crypto"], forbidden: ["#gateway/routes.ts", "zod"] },
  { file: "lib/config.ts", allowed: ["zod", "./duration.ts"], forbidden: ["#core/settings.ts", "../core/settings.ts", "yaml", "pino"] },
  {
    file: "lib/rpc/planted.ts",
    allowed: [
      "./call.ts",
      "../config.ts",
      "#lib/errors.ts",
      "#gen/writ/options_pb.ts",
      "@connectrpc/connect",
      "@connectrpc/connect/protocol-connect",
      "@bufbuild/protobuf",
      "undici",
    ],
    forbidden: ["#core/server.ts", "../../core/server.ts", "../../gateway/server.ts", "jose", "find-my-way"],
  },
  {
    file: "core/planted.ts",
    allowed: ["./store/db.ts", "./token/issue.ts", "#core/services/oauth.ts", "#lib/rpc/call.ts", "#gen/writ/options_pb.ts", "@connectrpc/connect-node", "node:http2"],
    forbidden: ["#gateway/server.ts", "../gateway/server.ts", "./../gateway/server.ts", "drizzle-orm", "mysql2/promise", "#cli/main.ts", "#test/harness/writ.ts", "pino"],
  },
  {
    file: "core/services/planted.ts",
    allowed: ["./token.ts", "../token/exchange.ts", "../deps.ts", "../store/clients.ts", "#lib/rpc/call.ts", "@connectrpc/connect", "#gen/writ/oauth/v1/oauth_service_pb.ts"],
    forbidden: ["#gateway/routes.ts", "../../gateway/routes.ts", "../token/../../gateway/routes.ts", "drizzle-orm", "mysql2", "jose"],
  },
  {
    file: "core/model/planted.ts",
    allowed: ["./client.ts", "#gen/writ/store/v1/token_pb.ts", "#lib/time.ts", "@bufbuild/protobuf"],
    forbidden: ["../store/db.ts", "../deps.ts", "#core/token/issue.ts", "@connectrpc/connect", "#lib/rpc/call.ts", "drizzle-orm"],
  },
  {
    file: "core/store/planted.ts",
    allowed: [
      "./db.ts",
      "./sqlite/driver.ts",
      "../model/client.ts",
      "#core/model/client.ts",
      "#lib/time.ts",
      "#gen/writ/store/v1/token_pb.ts",
      "drizzle-orm/sqlite-core",
      "mysql2/promise",
    ],
    forbidden: ["../token/issue.ts", "#core/token/issue.ts", "../deps.ts", "./../token/issue.ts", "@connectrpc/connect", "#lib/rpc/call.ts", "../../gateway/server.ts", "jose"],
  },
  {
    file: "core/store/sqlite/planted.ts",
    allowed: ["./driver.ts", "../steps.ts", "../schema/tables.ts", "../../model/client.ts", "node:sqlite", "drizzle-orm"],
    forbidden: ["../../token/issue.ts", "../../deps.ts", "#core/client/secret.ts", "../../../gateway/server.ts", "@connectrpc/connect"],
  },
  { file: "core/outbound/planted.ts", allowed: ["./guard.ts", "#lib/errors.ts", "undici"], forbidden: ["../store/db.ts", "#core/store/db.ts", "#gen/writ/options_pb.ts", "jose"] },
  {
    file: "core/token/planted.ts",
    allowed: [
      "./issue.ts",
      "./grant-types/grant-type.ts",
      "../deps.ts",
      "../settings.ts",
      "../model/client.ts",
      "../store/clients.ts",
      "../outbound/fetch.ts",
      "../client/secret.ts",
      "#gen/writ/store/v1/token_pb.ts",
      "jose",
    ],
    forbidden: [
      "../services/token.ts",
      "#core/services/token.ts",
      "../store/sqlite/driver.ts",
      "../server.ts",
      "drizzle-orm",
      "mysql2",
      "@connectrpc/connect",
      "#lib/rpc/call.ts",
      "../../gateway/server.ts",
      "#gateway/server.ts",
      "undici",
    ],
  },
  {
    file: "core/token/grant-types/planted.ts",
    allowed: ["./grant-type.ts", "../issue.ts", "../../deps.ts", "../../client/authenticate.ts", "../../store/clients.ts", "../../model/client.ts", "#lib/scope.ts"],
    forbidden: ["../../services/token.ts", "../../server.ts", "../../store/mysql/driver.ts", "../../../gateway/server.ts", "@connectrpc/connect", "drizzle-orm"],
  },
  {
    file: "gateway/planted.ts",
    allowed: ["./routes.ts", "./http/form.ts", "#lib/rpc/call.ts", "#gen/writ/options_pb.ts", "@connectrpc/connect", "find-my-way"],
    forbidden: ["hono", "cookie", "#core/deps.ts", "../core/deps.ts", "./../core/deps.ts", "drizzle-orm", "jose", "undici"],
  },
  {
    file: "gateway/oauth/planted.ts",
    allowed: ["./token.ts", "../http/form.ts", "../routes.ts", "#gateway/rest/encode.ts", "#lib/errors.ts", "hono/html"],
    forbidden: ["../../core/token/issue.ts", "#core/token/issue.ts", "../http/../../core/deps.ts", "drizzle-orm", "#cli/main.ts"],
  },
  {
    file: "sdk/planted.ts",
    allowed: ["./client.ts", "#gen/writ/admin/v1/client_pb.ts", "#lib/rpc/network.ts", "@connectrpc/connect-node"],
    forbidden: ["#core/server.ts", "../core/server.ts", "#gateway/server.ts", "#lib/errors.ts", "../lib/errors.ts"],
  },
  {
    file: "apps/login/planted.ts",
    allowed: ["./page.ts", "#sdk/index.ts", "hono", "hono/html", "@hono/node-server"],
    forbidden: ["#gen/writ/options_pb.ts", "#lib/errors.ts", "../../core/server.ts", "#gateway/server.ts"],
  },
  {
    file: "cli/commands/planted.ts",
    allowed: ["./common.ts", "../serve.ts", "#core/server.ts", "#gateway/server.ts", "#sdk/index.ts", "#lib/rpc/direct.ts", "commander", "pino", "zod"],
    forbidden: [
      "#core/store/db.ts",
      "../../core/store/db.ts",
      "#gateway/http/form.ts",
      "../../gateway/server.ts",
      "#gateway/routes.ts",
      "drizzle-orm",
      "mysql2",
      "#test/harness/writ.ts",
    ],
  },
  { file: "newcomer/planted.ts", allowed: [], forbidden: ["#lib/errors.ts", "../core/deps.ts", "node:fs"] },
  { file: "test/planted.ts", allowed: ["#core/store/db.ts", "#gateway/server.ts", "fast-check"], forbidden: [] },
  { file: "bench/planted.ts", allowed: ["#core/store/db.ts", "autocannon"], forbidden: [] },
];

/** Each way of naming a module must be seen, not only the plainest. */
const FORMS = [
  (name: string, n: number) => `import x${n} from "${name}";`,
  (name: string, n: number) => `import type { X${n} } from "${name}";`,
  (name: string, n: number) => `export { y${n} } from "${name}";`,
  (name: string, n: number) => `export const z${n} = import("${name}");`,
];

const OTHERS: Readonly<Record<string, { readonly file: string; readonly source: string; readonly inTest: boolean }>> = {
  noEnum: { file: "core/token/enum.ts", source: "export enum Colour { Red }\n", inTest: true },
  noParameterProperties: { file: "core/token/property.ts", source: "export class Token {\n  constructor(readonly value: string) {}\n}\n", inTest: true },
  noDefaultExport: { file: "gateway/http/default.ts", source: "export default function page() {}\n", inTest: false },
  noBarrelFile: { file: "core/token/barrel.ts", source: 'export { issue } from "./issue.ts";\n', inTest: true },
  noProcessEnv: { file: "core/environment.ts", source: "export const secret = process.env.SECRET;\n", inTest: false },
  noRestrictedGlobals: { file: "core/token/clock.ts", source: "export const now = () => Date.now();\n", inTest: false },
  noConsole: { file: "gateway/http/noise.ts", source: 'export const cry = () => console.error("no");\n', inTest: false },
  noExplicitAny: { file: "lib/anything.ts", source: "export const id = (x: any) => x;\n", inTest: true },
  noNonNullAssertion: { file: "lib/surely.ts", source: "export const first = (x: string[]) => x[0]!.length;\n", inTest: false },
  noFloatingPromises: { file: "core/token/float.ts", source: "async function work(): Promise<void> {}\nexport function start(): void {\n  work();\n}\n", inTest: true },
  noExcessiveLinesPerFile: { file: "core/token/long.ts", source: Array.from({ length: 401 }, (_, n) => `export const n${n} = ${n};\n`).join(""), inTest: true },
  noImportCycles: { file: "core/token/cycle-a.ts", source: 'import { b } from "#core/token/cycle-b.ts";\nexport const a = () => b();\n', inTest: true },
};

let folder: string;
/** Complaints as `file:line rule`. */
let complaints: ReadonlySet<string>;

before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "writ-house-"))); // biome reports real paths
  copyFileSync(join(ROOT, "biome.json"), join(folder, "biome.json"));
  copyFileSync(join(ROOT, "tsconfig.json"), join(folder, "tsconfig.json"));
  copyFileSync(join(ROOT, "package.json"), join(folder, "package.json"));
  for (const row of ROWS) plant(row.file, [...row.allowed, ...row.forbidden].flatMap((name, n) => FORMS.map((form) => form(name, n))).join("\n"));
  for (const { file, source, inTest } of Object.values(OTHERS)) {
    plant(file, source);
    if (!inTest) plant(`test/${file}`, source);
  }
  plant("core/token/cycle-b.ts", 'import { a } from "#core/token/cycle-a.ts";\nexport const b = (): unknown => a();\n');
  plant("lib/time.ts", 'import type { X } from "./scope.ts";\nexport const now = (): X => Date.now();\nimport "#gateway/routes.ts";\nimport "zod";\n');
  plant("cli/environment.ts", "export const home = process.env.HOME;\nexport const now = () => Date.now();\n");
  plant("gen/writ/anything_pb.ts", "export enum Generated { A }\n");
  complaints = lint();
});
after(() => rmSync(folder, { recursive: true, force: true }));

for (const row of ROWS.filter(({ file }) => file !== "lib/time.ts")) {
  test(`house: ${row.file} may import what its row allows and nothing else, however it is spelled`, () => {
    const lineOf = (n: number, form: number) => n * FORMS.length + form + 1;
    for (const [n, name] of [...row.allowed, ...row.forbidden].entries()) {
      for (const form of FORMS.keys()) {
        const complained = complaints.has(`${row.file}:${lineOf(n, form)} noRestrictedImports`);
        assert.equal(complained, n >= row.allowed.length, `${FORMS[form]?.(name, n)} in ${row.file}`);
      }
    }
  });
}

for (const [rule, { file, inTest }] of Object.entries(OTHERS)) {
  test(`house: ${rule} complains about ${file}${inTest ? "" : ", and lets tests do it"}`, () => {
    assert.ok(has(file, rule), [...complaints].filter((line) => line.startsWith(file)).join("\n"));
    if (!inTest) assert.ok(!has(`test/${file}`, rule));
  });
}

test("house: lib/time.ts alone in lib asks the clock, cli reads clock and environment, gen is left alone", () => {
  assert.ok(!has("lib/time.ts", "noRestrictedGlobals"));
  assert.ok(has("lib/time.ts", "noRestrictedImports"));
  assert.ok(!has("cli/environment.ts", "noRestrictedGlobals") && !has("cli/environment.ts", "noProcessEnv"));
  assert.deepEqual(
    [...complaints].filter((line) => line.startsWith("gen/")),
    [],
  );
});

test("house: no file is in two rows of the table, since the later row would replace the earlier", () => {
  const { overrides } = JSON.parse(readFileSync(join(ROOT, "biome.json"), "utf8")) as { readonly overrides: readonly { readonly includes: readonly string[] }[] };
  const rowsOf = (file: string) =>
    overrides.filter(({ includes }) => includes.some((glob) => matchesGlob(file, glob)) && !includes.some((glob) => glob.startsWith("!") && matchesGlob(file, glob.slice(1))));
  const ours = globSync("**/*.ts", { cwd: ROOT, exclude: (name) => ["node_modules", "dist", "gen"].includes(name) });
  for (const file of [...ours, ...ROWS.map((row) => row.file)]) assert.equal(rowsOf(file).length, file.startsWith("newcomer/") ? 0 : 1, file);
});

function plant(file: string, source: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), source);
}

function has(file: string, rule: string): boolean {
  return [...complaints].some((line) => line.startsWith(`${file}:`) && line.endsWith(` ${rule}`));
}

function lint(): ReadonlySet<string> {
  const biome = join(ROOT, "node_modules", ".bin", "biome");
  const run = spawnSync(biome, ["lint", "--reporter=github", "--max-diagnostics=none", "."], { cwd: folder, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const found = [...run.stdout.matchAll(/^::\w+ title=lint\/\w+\/(\w+),file=([^,]+),line=(\d+)/gm)].map(
    ([, rule, file, line]) => `${relative(folder, file ?? "")}:${line} ${rule}`,
  );
  assert.ok(found.length > 0, `biome said nothing of what was planted: ${run.stdout.slice(0, 500)}${run.stderr.slice(0, 2000)}`);
  return new Set(found);
}
