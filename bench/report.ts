import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { GENERATOR } from "./load.ts";
import type { Pace, Result } from "./measure.ts";
import { PINNING } from "./process.ts";

const PAGE = new URL("../docs/performance.md", import.meta.url);
const MARKS = ["<!-- bench:begin -->", "<!-- bench:end -->"] as const;

/** What each row has to reach: CPU against the floor at most, rate against the peer at least. A row without an entry is shown only. */
const GOALS: readonly { readonly row: RegExp; readonly cpuOverRaw: number; readonly rateOverPeer: number }[] = [
  { row: /^client_credentials, opaque/, cpuOverRaw: 2.6, rateOverPeer: 3 },
  { row: /^introspection/, cpuOverRaw: 2.6, rateOverPeer: 3 },
];

/** The results as a table in Markdown. */
export function table(results: readonly Result[]): string {
  const times = (ratio: number) => `${ratio.toFixed(2)} ×`;
  const lines = results.map(({ name, medians: { writ, raw, peer }, cpuOverRaw, peerCpuOverRaw, rateOverPeer, peerCpuOverWrit }) => [
    name,
    `${Math.round(writ.rate)}`,
    writ.cpu.toFixed(1),
    `${Math.round(raw.rate)}`,
    raw.cpu.toFixed(1),
    `${Math.round(peer.rate)}`,
    peer.cpu.toFixed(1),
    `**${times(cpuOverRaw)}**`,
    times(peerCpuOverRaw),
    `**${times(rateOverPeer)}**`,
    times(peerCpuOverWrit),
  ]);
  const head = ["request", "Writ /s", "Writ µs", "raw /s", "raw µs", "peer /s", "peer µs", "CPU: Writ ÷ raw", "CPU: peer ÷ raw", "rate: Writ ÷ peer", "CPU: peer ÷ Writ"];
  return [head, head.map((_, n) => (n === 0 ? "---" : "--:")), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/**
 * Which goals are missed, when everything may be worse by `slack` (0.3 is 30 %). One core's rate is the inverse of CPU per request
 * unless somebody else takes that core; so of the two ratios against the peer the better one counts.
 */
export function missed(results: readonly Result[], slack: number): readonly string[] {
  return results.flatMap(({ name, cpuOverRaw, rateOverPeer, peerCpuOverWrit }) => {
    const goal = GOALS.find(({ row }) => row.test(name));
    if (goal === undefined) return [];
    const overPeer = Math.max(rateOverPeer, peerCpuOverWrit);
    const [most, least] = [goal.cpuOverRaw * (1 + slack), goal.rateOverPeer / (1 + slack)];
    return [
      ...(cpuOverRaw <= most ? [] : [`${name}: CPU is ${cpuOverRaw.toFixed(2)} × raw, more than ${most.toFixed(2)}`]),
      ...(overPeer >= least ? [] : [`${name}: rate is ${overPeer.toFixed(2)} × the peer's, less than ${least.toFixed(2)}`]),
    ];
  });
}

/** Puts the table into docs/performance.md, between its marks. */
export function write(results: readonly Result[], { rounds, seconds }: Pace): void {
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])];
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md has no ${MARKS.join(" … ")}`);
  const facts = `Node ${process.versions.node}, ${availableParallelism()} cores, ${process.platform} ${process.arch}; ${PINNING}; ${GENERATOR}; medians of ${rounds} rounds of ${seconds} s.`;
  writeFileSync(PAGE, `${page.slice(0, begin)}${MARKS[0]}\n\n${table(results)}\n\n${facts}\n\n${page.slice(end)}`);
}
