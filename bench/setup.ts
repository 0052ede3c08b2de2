import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { flowOfPeer, flowOfWrit, many, postForm } from "./load/flows.ts";
import { type Load, load } from "./load/wrk.ts";
import type { Party } from "./measure.ts";
import { type Measured, type Running, start } from "./process.ts";
import { AUTHORIZATION } from "./servers/client.ts";
import { type Client, CODE_FLOW, createClient, machine, startWrit, type Writ, type WritOptions } from "./servers/writ.ts";

const script = (name: string) => fileURLToPath(new URL(`./servers/${name}.ts`, import.meta.url));

/** Content type of a form. */
export const FORM = { "content-type": "application/x-www-form-urlencoded" } as const;
/** What a client asks for by itself. */
export const CLIENT_CREDENTIALS = "grant_type=client_credentials&scope=read";

/** A server's clients: one for machines and one for the code flow. */
export interface Site {
  readonly writ: Writ;
  readonly machine: Client;
  readonly rp: Client;
}

/** Servers that rows share; each is started when it is first asked for. */
export interface Setup {
  readonly folder: string;
  raw(): Promise<Running>;
  peer(mode: "opaque" | "introspection" | "flow" | "RS256" | "ES256" | "EdDSA"): Promise<Running>;
  /** Writ by a name of one's own. */
  writ(name: string, options?: Omit<WritOptions, "folder">): Promise<Site>;
}

/** Makes a setup over a folder for its files. `program`: see `WritOptions`. */
export function makeSetup(folder: string, program?: string): Setup {
  const started = new Map<string, Promise<unknown>>();
  const once = <T>(name: string, make: () => Promise<T>): Promise<T> => {
    const known = (started.get(name) as Promise<T> | undefined) ?? make();
    started.set(name, known);
    return known;
  };
  return {
    folder,
    raw: () => once("raw", () => start([script("raw")])),
    peer: (mode) => once(`peer ${mode}`, () => start([script("peer"), mode])),
    writ: (name, options = {}) =>
      once(`writ ${name}`, async () => {
        const writ = await startWrit({ folder: join(folder, name.replaceAll(/\W+/g, "-")), ...(program === undefined ? {} : { program }), ...options });
        return { writ, machine: await machine(writ), rp: await createClient(writ, CODE_FLOW) };
      }),
  };
}

/** A party that wrk loads. */
export function wrkParty({ folder }: Setup, name: string, servers: readonly Measured[], what: Load, worth = 1): Party {
  return { name, servers, worth, load: (seconds) => load(what, seconds, folder) };
}

/** A form post with client authentication. */
export function form(url: string, authorization: string, bodies: readonly string[]): Load {
  return { url, headers: { ...FORM, authorization }, bodies };
}

/** Access tokens by client credentials, all alive. */
export async function issueTokens(url: string, authorization: string, count: number): Promise<readonly string[]> {
  const { results } = await many(count, () => postForm(url, authorization, CLIENT_CREDENTIALS));
  return results.map(({ access_token: token = "" }) => token);
}

/** Codes of Writ's and of the peer's code flow. */
export const codesOfWrit = async ({ writ, rp }: Site, scope: string, count: number) => many(count, () => flowOfWrit(writ, rp).run(scope));
export const codesOfPeer = async ({ url }: Running, scope: string, count: number) => many(count, () => flowOfPeer(url).run(scope));

/** Credentials at the peer and at raw. */
export const PEERS_AUTHORIZATION = AUTHORIZATION;
