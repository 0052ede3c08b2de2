import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exchangeForm, flowOfWrit, many, postForm } from "./load/flows.ts";
import { load } from "./load/wrk.ts";
import { type Spread, spread } from "./measure.ts";
import { type Running, residentMiB, stop } from "./process.ts";
import { startWrit } from "./servers/writ.ts";
import { CLIENT_CREDENTIALS, codesOfWrit, FORM, form, type Setup, type Site } from "./setup.ts";

/** A number that is no comparison of servers, and what is wanted of it. */
export interface Fact extends Spread {
  readonly title: string;
  readonly most?: number;
}

const STARTS = 6;

/** How long a start takes and what an idle server holds. */
export async function startAndIdle({ folder }: Setup): Promise<readonly Fact[]> {
  const [times, sizes]: [number[], number[]] = [[], []];
  for (let n = 0; n < STARTS; n++) {
    const { servers } = await startWrit({ folder: join(folder, "start") });
    const [server] = servers as [Running];
    times.push(server.startedIn);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    sizes.push(residentMiB(server));
    await stop(server);
  }
  return [
    { title: "milliseconds from its start until /health/ready answers", ...spread(times.slice(1)), most: 600 }, // the first migrates
    { title: "MiB resident when idle", ...spread(sizes), most: 110 },
  ];
}

/** Resident memory over many tokens that live on: nothing of them is kept here. */
export async function memoryOverTokens(setup: Setup): Promise<readonly Fact[]> {
  const { writ, machine } = await setup.writ("memory");
  const [server] = writ.servers as [Running];
  const what = form(`${writ.publicUrl}/oauth2/token`, machine.authorization, [CLIENT_CREDENTIALS]);
  let issued = 0;
  const until = async (tokens: number): Promise<number> => {
    while (issued < tokens) issued += (await load(what, 5, setup.folder)).requests;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    return residentMiB(server);
  };
  const after = await until(100_000);
  return [{ title: `resident memory after ${"10⁶"} tokens ÷ after 10⁵ (${after.toFixed(0)} MiB)`, ...spread([(await until(1_000_000)) / after]), most: 1.1 }];
}

/** Statements and crypto operations of one request by itself, over SQLite. */
export type Costs = Readonly<Record<string, Readonly<Record<string, number>>>>;

const EACH = 10;

/** Counts them in a server of its own. */
export async function countCosts(setup: Setup): Promise<Costs> {
  const file = join(setup.folder, "counts.json");
  const preload = fileURLToPath(new URL("./count-operations.ts", import.meta.url));
  const site = await setup.writ("counted", { env: { NODE_OPTIONS: `--import=${preload}`, WRIT_BENCH_COUNTS: file } });
  const costs: Record<string, Readonly<Record<string, number>>> = {};
  for (const [name, task] of await tasks(site)) {
    for (let n = 0; n < EACH; n++) await task(n);
    await takeCounts(site, file);
    for (let n = EACH; n < 2 * EACH; n++) await task(n);
    costs[name] = Object.fromEntries(Object.entries(await takeCounts(site, file)).map(([kind, total]) => [kind, total / EACH]));
  }
  return costs;
}

async function takeCounts({ writ }: Site, file: string): Promise<Readonly<Record<string, number>>> {
  rmSync(file, { force: true });
  writ.servers[0]?.child.kill("SIGUSR2");
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5));
  return JSON.parse(readFileSync(file, "utf8"));
}

type Task = readonly [name: string, run: (n: number) => Promise<unknown>];

async function tasks(site: Site): Promise<readonly Task[]> {
  const { writ, machine, rp } = site;
  const endpoint = `${writ.publicUrl}/oauth2/token`;
  const token = () => postForm(endpoint, machine.authorization, CLIENT_CREDENTIALS);
  const introspect = (of: string | undefined) => fetch(`${writ.adminUrl}/admin/oauth2/introspect`, { method: "POST", headers: FORM, body: `token=${of}` });
  const tokens = (await many(2 * EACH, token)).results;
  const scope = "openid offline_access read";
  const codes = (await codesOfWrit(site, scope, 2 * EACH)).results;
  const ofGrants: Record<string, string>[] = [];
  return [
    ["client_credentials, opaque token", token],
    ["introspection of it", (n) => introspect(tokens[n]?.access_token)],
    ["introspection of it again", (n) => introspect(tokens[n]?.access_token)],
    ["code flow without its exchange", () => flowOfWrit(writ, rp).run(scope)],
    ["code exchange with an ID token", async (n) => ofGrants.push(await postForm(endpoint, rp.authorization, exchangeForm(codes[n] ?? "")))],
    ["introspection of a grant's token", (n) => introspect(ofGrants[n]?.access_token)],
    ["refresh with an ID token", (n) => postForm(endpoint, rp.authorization, `grant_type=refresh_token&refresh_token=${ofGrants[n]?.refresh_token}`)],
  ];
}
