import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { has, run } from "../process.ts";

/** Requests that are under way at once. */
export const CONNECTIONS = 32;

/** Requests of one kind. */
export interface Load {
  readonly url: string;
  /** POST where there are bodies, else GET. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sent in turn. */
  readonly bodies?: readonly (string | Uint8Array)[];
  /** Each answer holds what the next request must send: the body is `prefix` and the member's value; `bodies` are the first. */
  readonly chain?: { readonly prefix: string; readonly member: string };
}

/** What came of a round. Latencies in microseconds. */
export interface Outcome {
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

const hasWrk = has("wrk");

/** What makes the load. */
export const GENERATOR = `${hasWrk ? "wrk, one thread" : "autocannon"}, ${CONNECTIONS} kept-alive connections`;

/** Loads a server for a while. @throws Error when an answer is no success: then the numbers would mean something else */
export function load(what: Load, seconds: number, folder: string): Promise<Outcome> {
  return hasWrk ? byWrk(what, seconds, folder) : byAutocannon(what, seconds);
}

let runs = 0;

/** wrk saturates a server while half idle itself; it needs a script for anything but GET, and whole seconds. */
async function byWrk({ url, headers, bodies = [], chain }: Load, seconds: number, folder: string): Promise<Outcome> {
  const name = `load-${++runs}`;
  const [script, lines] = [join(folder, `${name}.lua`), join(folder, `${name}.hex`)];
  writeFileSync(lines, bodies.map((body) => `${Buffer.from(body).toString("hex")}\n`).join(""));
  const format = bodies.length === 0 ? "wrk.format('GET')" : "wrk.format('POST', nil, nil, body)";
  writeFileSync(
    script,
    `local bodies, first, last, n = {}, 1, 0, 0
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
  .join("\n")}
init = function() -- called once wrk knows the Host header, without which there is no request
  for line in io.lines(${JSON.stringify(lines)}) do
    local body = line:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end)
    last = last + 1
    bodies[last] = ${chain === undefined ? format : "body"}
  end
  if last == 0 then last = 1 bodies[1] = ${format} end
end
${
  chain === undefined
    ? "request = function() n = n % last + 1 return bodies[n] end"
    : `request = function() local body = bodies[first] bodies[first] = nil first = first + 1 return ${format} end
response = function(status, headers, answer) last = last + 1 bodies[last] = ${JSON.stringify(chain.prefix)} .. (answer:match('"${chain.member}":"([^"]+)"') or "") end`
}
done = function(summary, latency)
  local e = summary.errors
  print(string.format("sum %d %d %d %d %d", summary.requests, summary.duration, e.status + e.connect + e.read + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`,
  );
  const said = await run(["wrk", "-t1", `-c${CONNECTIONS}`, `-d${Math.max(1, Math.round(seconds))}s`, "-s", script, url]);
  const [, requests = 0, micros = 0, errors, p50 = 0, p99 = 0] = (/^sum (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(said) ?? []).map(Number);
  if (requests === 0 || errors !== 0) throw new Error(`${url}: ${errors} of ${requests} requests failed\n${said}`);
  return { requests, seconds: micros / 1e6, p50, p99 };
}

interface AutocannonResult {
  readonly "2xx": number;
  readonly non2xx: number;
  readonly errors: number;
  /** Seconds. */
  readonly duration: number;
  /** Milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number };
}

async function byAutocannon({ url, headers, bodies = [], chain }: Load, seconds: number): Promise<Outcome> {
  if (chain !== undefined) throw new Error("requests that follow from answers need wrk (Debian: apt install wrk)");
  // @ts-expect-error: the package has no types
  const { default: autocannon } = (await import("autocannon")) as { readonly default: (options: object) => Promise<AutocannonResult> };
  const requests = bodies.length === 0 ? [{ method: "GET" }] : bodies.map((body) => ({ method: "POST", body: Buffer.from(body) }));
  const result = await autocannon({ url, connections: CONNECTIONS, duration: seconds, headers, requests });
  if (result.non2xx + result.errors > 0) throw new Error(`${url}: ${result.non2xx + result.errors} requests failed`);
  return { requests: result["2xx"], seconds: result.duration, p50: result.latency.p50 * 1000, p99: result.latency.p99 * 1000 };
}
