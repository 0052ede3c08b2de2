import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runPinned } from "./process.ts";

const CONNECTIONS = 32;
const hasWrk = spawnSync("wrk", ["-v"]).error === undefined;

/** Form posts of one kind: the bodies are sent in turn. */
export interface Load {
  readonly url: string;
  readonly authorization: string;
  readonly bodies: readonly string[];
}

/** What came of a round. */
export interface Outcome {
  readonly requests: number;
  /** Per second. */
  readonly rate: number;
}

/** What makes the load. */
export const GENERATOR = `${hasWrk ? "wrk, one thread" : "autocannon"}, ${CONNECTIONS} kept-alive connections`;

/** Loads a server for a while. @throws Error when an answer is no success: then the numbers would mean something else */
export async function load(what: Load, seconds: number, folder: string): Promise<Outcome> {
  return hasWrk ? byWrk(what, seconds, folder) : byAutocannon(what, seconds);
}

/** wrk saturates a server while half idle itself; it needs a script for anything but GET. */
async function byWrk({ url, authorization, bodies }: Load, seconds: number, folder: string): Promise<Outcome> {
  const [script, lines] = [join(folder, "load.lua"), join(folder, "bodies")];
  writeFileSync(lines, `${bodies.join("\n")}\n`);
  writeFileSync(
    script,
    `local bodies, n = {}, 0
wrk.method = "POST"
wrk.headers["Authorization"] = ${JSON.stringify(authorization)}
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
init = function() -- called once wrk knows the Host header, without which there is no request
  for line in io.lines(${JSON.stringify(lines)}) do bodies[#bodies + 1] = wrk.format(nil, nil, nil, line) end
end
request = function() n = n % #bodies + 1 return bodies[n] end
done = function(summary) print(string.format("sum %d %d %d", summary.requests, summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout)) end
`,
  );
  const said = await runPinned(["wrk", "-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-s", script, url]);
  const [, requests, micros, errors] = /^sum (\d+) (\d+) (\d+)$/m.exec(said) ?? [];
  if (requests === undefined || Number(requests) === 0 || errors !== "0") throw new Error(`${url}: ${errors} of ${requests} requests failed\n${said}`);
  return { requests: Number(requests), rate: (Number(requests) * 1e6) / Number(micros) };
}

interface AutocannonResult {
  readonly "2xx": number;
  readonly non2xx: number;
  readonly errors: number;
  /** Seconds. */
  readonly duration: number;
}

async function byAutocannon({ url, authorization, bodies }: Load, seconds: number): Promise<Outcome> {
  const headers = { authorization, "content-type": "application/x-www-form-urlencoded" };
  // @ts-expect-error: the package has no types
  const { default: autocannon } = (await import("autocannon")) as { readonly default: (options: object) => Promise<AutocannonResult> };
  const result = await autocannon({ url, connections: CONNECTIONS, duration: seconds, method: "POST", headers, requests: bodies.map((body) => ({ body })) });
  if (result.non2xx + result.errors > 0) throw new Error(`${url}: ${result.non2xx + result.errors} requests failed`);
  return { requests: result["2xx"], rate: result["2xx"] / result.duration };
}
