// npm run bench -- [--quick] [--gate] [--slack 0.3] [--write] [--only TEXT]. The package must be built.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measure, type Pace, type Result } from "./measure.ts";
import type { Running } from "./process.ts";
import { missed, table, write } from "./report.ts";
import { startAll } from "./servers.ts";

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    gate: { type: "boolean", default: false },
    slack: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});
const pace: Pace = flags.quick ? { rounds: 5, seconds: 2 } : { rounds: 9, seconds: 4 };
const folder = mkdtempSync(join(tmpdir(), "writ-bench-"));
const running: Running[] = [];
const stop = () => {
  for (const { child } of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
};
process.on("exit", stop);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const rows = await startAll(folder, flags.quick ? 2000 : 20_000, running);
const results: Result[] = [];
for (const row of rows.filter(({ name }) => name.includes(flags.only))) {
  console.error(`${row.name} …`);
  results.push(await measure(row, pace, folder));
}
console.log(table(results));
if (flags.write) write(results, pace);
const failures = flags.gate ? missed(results, Number(flags.slack)) : [];
for (const failure of failures) console.error(`missed: ${failure}`);
process.exit(failures.length === 0 ? 0 : 1);
