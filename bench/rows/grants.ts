import { exchangeForm, flowOfPeer, flowOfWrit, many, postForm } from "../load/flows.ts";
import type { Load } from "../load/wrk.ts";
import { load } from "../load/wrk.ts";
import { cpuRatio, type Party, rateRatio } from "../measure.ts";
import type { Measured, Running } from "../process.ts";
import { codesOfPeer, codesOfWrit, FORM, form, PEERS_AUTHORIZATION, type Setup, type Site, wrkParty } from "../setup.ts";
import type { RowMaker } from "./row.ts";

const OPENID = "openid offline_access read";
/** The scope of a grant without ID tokens. */
export const WITHOUT_ID_TOKEN = "offline_access read";
/** Codes or flows of one sample, for each second that it may take. */
const FLOWS = 1000;
/** Grants whose refresh tokens go round: so many that each is rotated a few times only, as in life. */
const CHAINS = 500;

/** A server whose codes are exchanged. */
export interface Exchange {
  readonly name: string;
  readonly servers: readonly Measured[];
  readonly url: string;
  readonly authorization: string;
  readonly codes: (scope: string, count: number) => Promise<{ readonly results: readonly string[] }>;
}

/** How codes of Writ are had and exchanged. */
export function exchangeOf(name: string, site: Site): Exchange {
  return {
    name,
    servers: site.writ.servers,
    url: `${site.writ.publicUrl}/oauth2/token`,
    authorization: site.rp.authorization,
    codes: (scope, count) => codesOfWrit(site, scope, count),
  };
}

async function exchanges(setup: Setup): Promise<{ readonly writ: Exchange; readonly peer: Exchange }> {
  const [site, peer] = [await setup.writ("main"), await setup.peer("flow")];
  return {
    writ: exchangeOf("Writ", site),
    peer: { name: "peer", servers: [peer], url: `${peer.url}/token`, authorization: PEERS_AUTHORIZATION, codes: (scope, count) => codesOfPeer(peer, scope, count) },
  };
}

/** Exchanges each code once, 32 under way. */
export function exchangeParty({ name, servers, url, authorization, codes }: Exchange): Party {
  let minted: readonly string[] = [];
  return {
    name,
    servers,
    prepare: async (seconds) => {
      minted = (await codes(OPENID, FLOWS * seconds)).results;
    },
    load: async () => (await many(minted.length, (n) => postForm(url, authorization, exchangeForm(minted[n] ?? "")))).outcome,
  };
}

/** Each refresh token is the one that the answer before brought. */
export function refreshParty({ folder }: Setup, { name, servers, url, authorization, codes }: Exchange, scope: string): Party {
  let bodies: string[] = [];
  return {
    name,
    servers,
    prepare: async () => {
      const { results } = await codes(scope, CHAINS);
      const tokens = await Promise.all(results.map((code) => postForm(url, authorization, exchangeForm(code))));
      bodies = tokens.map(({ refresh_token: token }) => `grant_type=refresh_token&refresh_token=${token}`);
    },
    load: (seconds) => {
      const chained: Load = { url, headers: { ...FORM, authorization }, bodies, chain: { prefix: "grant_type=refresh_token&refresh_token=", member: "refresh_token" } };
      return load(chained, seconds, folder);
    },
  };
}

function rawRefresh(setup: Setup, raw: Running): Party {
  const token = "x".repeat(140);
  const bodies = Array.from({ length: CHAINS }, () => `grant_type=refresh_token&refresh_token=${token}`);
  return wrkParty(setup, "raw", [raw], {
    ...form(`${raw.url}/`, PEERS_AUTHORIZATION, bodies),
    chain: { prefix: "grant_type=refresh_token&refresh_token=", member: "refresh_token" },
  });
}

/** What has a grant. Writ's writes are durable (`synchronous = FULL`); the peer keeps a Map. */
export const grants: readonly RowMaker[] = [
  {
    name: "refresh with rotation",
    quick: true,
    make: async (setup) => {
      const [{ writ, peer }, raw] = [await exchanges(setup), await setup.raw()];
      return {
        parties: [refreshParty(setup, writ, WITHOUT_ID_TOKEN), rawRefresh(setup, raw), refreshParty(setup, peer, WITHOUT_ID_TOKEN)],
        ratios: [
          rateRatio("Writ", "raw", { least: 0.25, isAhead: true }),
          rateRatio("Writ", "peer", { least: 2, isAhead: true }),
          cpuRatio("peer", "Writ"),
          cpuRatio("Writ", "raw"),
        ],
      };
    },
  },
  {
    name: "refresh with rotation, and an ID token by ES256",
    quick: false,
    make: async (setup) => {
      const { writ, peer } = await exchanges(setup);
      return { parties: [refreshParty(setup, writ, OPENID), refreshParty(setup, peer, OPENID)], ratios: [rateRatio("Writ", "peer"), cpuRatio("peer", "Writ")] };
    },
  },
  {
    name: "code exchange with an ID token by ES256",
    quick: true,
    make: async (setup) => {
      const [{ writ, peer }, raw] = [await exchanges(setup), await setup.raw()];
      const code = exchangeForm("x".repeat(120));
      return {
        parties: [exchangeParty(writ), wrkParty(setup, "raw", [raw], form(`${raw.url}/`, PEERS_AUTHORIZATION, [code])), exchangeParty(peer)],
        ratios: [rateRatio("Writ", "raw", { least: 0.12 }), rateRatio("Writ", "peer", { least: 1.8, isAhead: true }), cpuRatio("peer", "Writ"), cpuRatio("Writ", "raw")],
      };
    },
  },
  {
    name: "code flow without its exchange: 7 requests at Writ, 3 at the peer, whose login and consent are one step in its own process",
    quick: false,
    make: async (setup) => {
      const [{ writ, rp }, peer] = [await setup.writ("main"), await setup.peer("flow")];
      const party = (name: string, servers: readonly Running[], run: (scope: string) => Promise<string>): Party => ({
        name,
        servers,
        load: async (seconds) => (await many(FLOWS * seconds, () => run(OPENID))).outcome,
      });
      return {
        parties: [party("Writ", writ.servers, flowOfWrit(writ, rp).run), party("peer", [peer], flowOfPeer(peer.url).run)],
        ratios: [cpuRatio("Writ", "peer"), { title: "CPU of a request: Writ ÷ peer", of: (round) => (round.get("Writ")?.cpu ?? 0) / 7 / ((round.get("peer")?.cpu ?? 1) / 3) }],
      };
    },
  },
];
