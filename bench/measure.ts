import { CONNECTIONS, type Outcome } from "./load/wrk.ts";
import { cpuMicros, type Measured } from "./process.ts";

/** One server with one kind of request. */
export interface Party {
  readonly name: string;
  /** Whose CPU counts. */
  readonly servers: readonly Measured[];
  /** What a request is worth, such as 100 for a batch of 100 tokens. 1 unless set. */
  readonly worth?: number;
  /** Loads it for about so many seconds. */
  readonly load: (seconds: number) => Promise<Outcome>;
  /** Makes what the next load uses up, such as codes. Not measured. */
  readonly prepare?: (seconds: number) => Promise<void>;
}

/** One server in one round. */
export interface Sample {
  /** Servers' CPU in microseconds, for each request or for what it is worth. */
  readonly cpu: number;
  /** How much of it in a second. */
  readonly rate: number;
  /** Latencies in microseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** All parties in one round, by name. */
export type Round = ReadonlyMap<string, Sample>;

/** A ratio within each round, which what slows the machine changes little; and what is wanted of it. */
export interface Ratio {
  readonly title: string;
  readonly of: (round: Round) => number;
  readonly most?: number;
  readonly least?: number;
  /** Not reached yet (docs/performance.md): shown as missed, but `--gate` does not fail for it. */
  readonly isAhead?: boolean;
}

/** The same request to several servers, or several requests to one. */
export interface Row {
  readonly name: string;
  readonly parties: readonly Party[];
  readonly ratios: readonly Ratio[];
}

/** A number as it was found over the rounds: median and quartiles. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** What came of a row. */
export interface Result {
  readonly name: string;
  readonly rounds: number;
  readonly parties: readonly (Readonly<Record<keyof Sample, Spread>> & { readonly name: string })[];
  readonly ratios: readonly (Spread & Pick<Ratio, "title" | "most" | "least" | "isAhead">)[];
}

/** How long and how often. */
export interface Pace {
  readonly rounds: number;
  /** Whole seconds of a round, and of the warm-up before a server's first. */
  readonly seconds: number;
  readonly warmUp: number;
}

/** CPU of one party for each of another's. */
export function cpuRatio(of: string, over: string, goal: Pick<Ratio, "most" | "least" | "isAhead"> = {}): Ratio {
  return { title: `CPU: ${of} ÷ ${over}`, of: (round) => sampleOf(round, of).cpu / sampleOf(round, over).cpu, ...goal };
}

/** Rate of one party for each of another's. */
export function rateRatio(of: string, over: string, goal: Pick<Ratio, "most" | "least" | "isAhead"> = {}): Ratio {
  return { title: `rate: ${of} ÷ ${over}`, of: (round) => sampleOf(round, of).rate / sampleOf(round, over).rate, ...goal };
}

/** A party's sample. @throws Error when there is none */
export function sampleOf(round: Round, name: string): Sample {
  const sample = round.get(name);
  if (sample === undefined) throw new Error(`no ${name} in this round`);
  return sample;
}

/** Measures a row in interleaved rounds. Who begins changes from round to round. */
export async function measure({ name, parties, ratios }: Row, { rounds, seconds, warmUp }: Pace): Promise<Result> {
  for (const party of parties) await sample(party, warmUp);
  const found: Round[] = [];
  for (let n = 0; n < rounds; n++) {
    const round = new Map<string, Sample>();
    const turn = n % parties.length;
    for (const party of [...parties.slice(turn), ...parties.slice(0, turn)]) round.set(party.name, await sample(party, seconds));
    found.push(round);
  }
  const spreadOf = (party: string, key: keyof Sample): Spread => spread(found.map((round) => sampleOf(round, party)[key]));
  return {
    name,
    rounds,
    parties: parties.map(({ name: party }) => ({
      name: party,
      cpu: spreadOf(party, "cpu"),
      rate: spreadOf(party, "rate"),
      p50: spreadOf(party, "p50"),
      p99: spreadOf(party, "p99"),
    })),
    ratios: ratios.map(({ of, ...ratio }) => ({ ...ratio, ...spread(found.map(of)) })),
  };
}

/** Loads one server once. */
export async function sample({ servers, worth = 1, load, prepare }: Party, seconds: number): Promise<Sample> {
  await prepare?.(seconds);
  const before = cpuMicros(servers);
  const { requests, seconds: took, p50, p99 } = await load(seconds);
  const done = requests * worth;
  return { cpu: (cpuMicros(servers) - before) / done, rate: done / took, p50, p99 };
}

/** Median and quartiles. */
export function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (part: number): number => {
    const place = (sorted.length - 1) * part;
    const [low = Number.NaN, high = low] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return low + (high - low) * (place - Math.floor(place));
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** How many requests are under way at once, for texts. */
export const IN_FLIGHT = `${CONNECTIONS} in flight`;
