import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { chart } from "./chart.ts";
import type { Costs, Fact } from "./facts.ts";
import { GENERATOR } from "./load/wrk.ts";
import type { Pace, Result, Spread } from "./measure.ts";
import { CAN_SCALE, PINNING } from "./process.ts";

/** All that one run found. */
export interface Report {
  readonly results: readonly Result[];
  readonly facts: readonly Fact[];
  readonly costs: Costs;
}

/** A ratio or a fact with what is wanted of it. */
type Found = Spread & { readonly title: string; readonly most?: number; readonly least?: number };

const PAGE = new URL("../docs/performance.md", import.meta.url);
const FOLDER = new URL("../docs/performance/", import.meta.url);
const MARKS = ["<!-- bench:begin -->", "<!-- bench:end -->"] as const;

/** The report as tables in Markdown. */
export function tables({ results, facts, costs }: Report): string {
  const parties = results.flatMap(({ name, parties: each }) =>
    each.map(({ name: party, cpu, rate, p50, p99 }, n) => [
      n === 0 ? name : "",
      party,
      rate.median.toFixed(0),
      `${cpu.median.toFixed(1)}`,
      milliseconds(p50.median),
      milliseconds(p99.median),
    ]),
  );
  const found: readonly Found[] = [...results.flatMap(({ name, ratios }) => ratios.map((ratio) => ({ ...ratio, title: `${name}: ${ratio.title}` }))), ...facts];
  const goals = found.map((each) => [
    each.title,
    `**${figure(each.median)}**`,
    `${figure(each.low)} – ${figure(each.high)}`,
    wanted(each),
    each.most === undefined && each.least === undefined ? "" : isMet(each, 0) ? "met" : "missed",
  ]);
  const scaling = CAN_SCALE ? [] : [`Scaling over cores: not measured, for this machine has ${cpus().length}.`];
  const kinds = [...new Set(Object.values(costs).flatMap((cost) => Object.keys(cost)))];
  return [
    markdown(["request", "server", "per second", "CPU µs", "p50 ms", "p99 ms"], 2, parties),
    markdown(["within each round", "median", "quartiles", "wanted", ""], 1, goals),
    ...(kinds.length === 0
      ? []
      : [
          markdown(
            ["one request by itself, SQLite", ...kinds],
            1,
            Object.entries(costs).map(([name, cost]) => [name, ...kinds.map((kind) => `${cost[kind] ?? 0}`)]),
          ),
        ]),
    ...scaling,
  ].join("\n\n");
}

/** Whether a number is what is wanted, when it may be worse by `slack` (0.3 is 30 %). */
function isMet({ median, most, least }: Found, slack: number): boolean {
  return (most === undefined || median <= most * (1 + slack)) && (least === undefined || median >= least / (1 + slack));
}

/** Ratios of a row that are not what is wanted, without those that are still ahead. */
export function missedOf({ name, ratios }: Result, slack: number): readonly string[] {
  return ratios.filter((ratio) => ratio.isAhead !== true && !isMet(ratio, slack)).map((ratio) => `${name}: ${ratio.title} is ${figure(ratio.median)}, wanted ${wanted(ratio)}`);
}

/** The same of facts. */
export function missedFacts(facts: readonly Fact[], slack: number): readonly string[] {
  return facts.filter((fact) => !isMet(fact, slack)).map((fact) => `${fact.title}: ${figure(fact.median)}, wanted ${wanted(fact)}`);
}

/** Puts the tables into docs/performance.md, between its marks, with a chart, and adds a line to the history. */
export function write(report: Report, { rounds, seconds }: Pace, at: Date): void {
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])];
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md has no ${MARKS.join(" … ")}`);
  const machine = `${at.toISOString().slice(0, 10)}, Node ${process.versions.node}, ${cpus().length} cores${cpuModel()}, ${process.platform} ${process.arch}`;
  const method = `${PINNING}; ${GENERATOR}; ${rounds} interleaved rounds of ${seconds} s`;
  const picture = "![CPU of a request, against raw node:http](performance/cpu.svg)";
  writeFileSync(PAGE, `${page.slice(0, begin)}${MARKS[0]}\n\n${machine}; ${method}.\n\n${picture}\n\n${tables(report)}\n\n${page.slice(end)}`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(new URL("cpu.svg", FOLDER), chart(report.results));
  writeFileSync(new URL("latest.json", FOLDER), `${JSON.stringify({ machine, method, ...report }, undefined, 1)}\n`);
  const medians = Object.fromEntries(report.results.flatMap(({ name, ratios }) => ratios.map(({ title, median }) => [`${name}: ${title}`, Number(figure(median))])));
  appendFileSync(new URL("history.jsonl", FOLDER), `${JSON.stringify({ at: at.toISOString(), commit: commit(), machine, medians })}\n`);
}

function markdown(head: readonly string[], texts: number, rows: readonly (readonly string[])[]): string {
  return [head, head.map((_, n) => (n < texts ? "---" : "--:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function wanted({ most, least }: Pick<Found, "most" | "least">): string {
  return most !== undefined ? `≤ ${most}` : least !== undefined ? `≥ ${least}` : "";
}

/** Three digits say all that such a measurement knows. */
function figure(number: number): string {
  return number >= 100 ? number.toFixed(0) : number.toPrecision(3);
}

function milliseconds(micros: number): string {
  return Number.isNaN(micros) ? "" : (micros / 1000).toFixed(2);
}

function cpuModel(): string {
  const model = cpus()[0]?.model ?? "";
  return model === "" || model === "unknown" ? "" : ` (${model})`;
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}
