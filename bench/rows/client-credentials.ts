import { cpuRatio, rateRatio } from "../measure.ts";
import { CLIENT_CREDENTIALS, form, PEERS_AUTHORIZATION, type Setup, wrkParty } from "../setup.ts";
import type { RowMaker } from "./row.ts";

/** Tokens for clients themselves, by what they look like. */
export const clientCredentials: readonly RowMaker[] = [
  {
    name: "client_credentials, opaque token",
    quick: true,
    make: async (setup) => {
      const [{ writ, machine }, raw, peer] = [await setup.writ("main"), await setup.raw(), await setup.peer("opaque")];
      return {
        parties: [
          wrkParty(setup, "Writ", writ.servers, form(`${writ.publicUrl}/oauth2/token`, machine.authorization, [CLIENT_CREDENTIALS])),
          wrkParty(setup, "raw", [raw], form(`${raw.url}/`, PEERS_AUTHORIZATION, [CLIENT_CREDENTIALS])),
          wrkParty(setup, "peer", [peer], form(`${peer.url}/token`, PEERS_AUTHORIZATION, [CLIENT_CREDENTIALS])),
        ],
        ratios: [cpuRatio("Writ", "raw", { most: 2.1 }), cpuRatio("peer", "Writ", { least: 4, isAhead: true }), rateRatio("Writ", "peer"), cpuRatio("peer", "raw")],
      };
    },
  },
  jwt("ES256", 1.7, true),
  jwt("RS256", 1.5, false),
  jwt("EdDSA", undefined, false),
];

function jwt(alg: "ES256" | "RS256" | "EdDSA", least: number | undefined, quick: boolean): RowMaker {
  return {
    name: `client_credentials, JWT by ${alg}`,
    quick,
    make: async (setup: Setup) => {
      const { writ, machine } = await setup.writ(alg, { more: { strategies: { access_token: "jwt", jwt: { alg } } } });
      const peer = await setup.peer(alg);
      return {
        parties: [
          wrkParty(setup, "Writ", writ.servers, form(`${writ.publicUrl}/oauth2/token`, machine.authorization, [CLIENT_CREDENTIALS])),
          wrkParty(setup, "peer", [peer], form(`${peer.url}/token`, PEERS_AUTHORIZATION, [CLIENT_CREDENTIALS])),
        ],
        ratios: [cpuRatio("peer", "Writ", least === undefined ? {} : { least }), rateRatio("Writ", "peer")],
      };
    },
  };
}
