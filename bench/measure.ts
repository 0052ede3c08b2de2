import { type Load, load } from "./load.ts";
import { cpuMicros, type Running } from "./process.ts";
import type { Row } from "./servers.ts";

/** Who is compared. */
export const PARTIES = ["writ", "raw", "peer"] as const;
type Party = (typeof PARTIES)[number];

/** One server in one round. */
interface Sample {
  /** Server's CPU per request, in microseconds. */
  readonly cpu: number;
  /** Requests per second. */
  readonly rate: number;
}

/** Medians over the rounds of one row. */
export interface Result {
  readonly name: string;
  readonly rounds: number;
  readonly medians: Readonly<Record<Party, Sample>>;
  /** Medians of each round's own ratios: what slows the machine in a round slows both sides. */
  readonly cpuOverRaw: number;
  readonly peerCpuOverRaw: number;
  readonly rateOverPeer: number;
  /** The same from CPU per request: what it would be if nothing else ran on the machine. */
  readonly peerCpuOverWrit: number;
}

/** How long and how often. */
export interface Pace {
  readonly rounds: number;
  /** Whole seconds. */
  readonly seconds: number;
}

/** Seconds that are thrown away first: a server of some size is compiled by then, which takes it thousands of requests. */
const WARM_UP = 5;

/** Measures a row in interleaved rounds. Who begins changes from round to round. */
export async function measure(row: Row, { rounds, seconds }: Pace, folder: string): Promise<Result> {
  for (const party of PARTIES) await sample(row[party], WARM_UP, folder);
  const samples: Record<Party, Sample>[] = [];
  for (let round = 0; round < rounds; round++) {
    const found: Partial<Record<Party, Sample>> = {};
    for (const n of PARTIES.keys()) {
      const party = PARTIES[(n + round) % PARTIES.length] ?? "writ";
      found[party] = await sample(row[party], seconds, folder);
    }
    samples.push(found as Record<Party, Sample>);
  }
  const of = (party: Party): Sample => ({ cpu: median(samples.map((each) => each[party].cpu)), rate: median(samples.map((each) => each[party].rate)) });
  return {
    name: row.name,
    rounds,
    medians: { writ: of("writ"), raw: of("raw"), peer: of("peer") },
    cpuOverRaw: median(samples.map(({ writ, raw }) => writ.cpu / raw.cpu)),
    peerCpuOverRaw: median(samples.map(({ peer, raw }) => peer.cpu / raw.cpu)),
    rateOverPeer: median(samples.map(({ writ, peer }) => writ.rate / peer.rate)),
    peerCpuOverWrit: median(samples.map(({ writ, peer }) => peer.cpu / writ.cpu)),
  };
}

async function sample({ server, load: what }: { readonly server: Running; readonly load: Load }, seconds: number, folder: string): Promise<Sample> {
  const before = cpuMicros(server);
  const { requests, rate } = await load(what, seconds, folder);
  return { cpu: (cpuMicros(server) - before) / requests, rate };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
