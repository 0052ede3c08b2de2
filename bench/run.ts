// npm run bench -- [--quick] [--gate] [--slack 0.3] [--write] [--only PATTERN]. The package must be built.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { countCosts, type Fact, memoryOverTokens, startAndIdle } from "./facts.ts";
import { measure, type Pace, type Result } from "./measure.ts";
import { opened } from "./process.ts";
import { missedFacts, missedOf, tables, write } from "./report.ts";
import { clientCredentials } from "./rows/client-credentials.ts";
import { documents } from "./rows/documents.ts";
import { grants } from "./rows/grants.ts";
import { growth } from "./rows/growth.ts";
import { introspection } from "./rows/introspection.ts";
import { openLoops } from "./rows/open-loop.ts";
import { waysToRun } from "./rows/ways-to-run.ts";
import { makeSetup } from "./setup.ts";

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    gate: { type: "boolean", default: false },
    slack: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
    only: { type: "string" },
  },
});
const pace: Pace = flags.quick ? { rounds: 7, seconds: 1, warmUp: 1 } : { rounds: 9, seconds: 2, warmUp: 4 };
const slack = Number(flags.slack);
const folder = mkdtempSync(join(tmpdir(), "writ-bench-"));
process.on("exit", () => {
  for (const child of opened) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const wants = (name: string, quick: boolean): boolean => (flags.only === undefined ? quick || !flags.quick : new RegExp(flags.only).test(name));
const setup = makeSetup(folder);
const missed: string[] = [];

const facts: Fact[] = [];
for (const { name, quick, of } of [
  { name: "start and idle memory", quick: true, of: startAndIdle },
  { name: "memory over tokens", quick: false, of: memoryOverTokens },
]) {
  if (!wants(name, quick)) continue;
  console.error(`${name} …`);
  const found = await of(setup);
  facts.push(...found);
  missed.push(...missedFacts(found, slack));
}

/** A neighbour on the machine may spoil a row; who is slow stays slow. */
const TRIES = 3;
const results: Result[] = [];
for (const { name, quick, make } of [...clientCredentials, ...introspection, ...grants, ...documents, ...waysToRun, ...growth, ...openLoops]) {
  if (!wants(name, quick)) continue;
  console.error(`${name} …`);
  const row = { name, ...(await make(setup)) };
  let [result, failures] = [await measure(row, pace), [] as readonly string[]];
  for (let tries = 1; ; tries++) {
    failures = missedOf(result, slack);
    if (failures.length === 0 || !flags.gate || tries === TRIES) break;
    console.error(`${failures.join("; ")}: again …`);
    result = await measure(row, { ...pace, warmUp: 1 });
  }
  results.push(result);
  missed.push(...failures);
}

const report = { results, facts, costs: wants("costs", true) ? await countCosts(setup) : {} };
console.log(tables(report));
if (flags.write) write(report, pace, new Date());
for (const failure of missed) console.error(`missed: ${failure}`);
process.exit(flags.gate && missed.length > 0 ? 1 : 0);
