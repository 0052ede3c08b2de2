import { type Kind, openLoop } from "../load/open-loop.ts";
import { type Party, type Ratio, sample, sampleOf } from "../measure.ts";
import { CLIENT_CREDENTIALS, FORM, form, issueTokens, type Setup, wrkParty } from "../setup.ts";
import type { RowMaker } from "./row.ts";

const TOKENS = 2000;

async function half(setup: Setup, name: string, only: readonly string[] | undefined): Promise<Party> {
  const { writ, machine } = await setup.writ("main");
  const tokens = await issueTokens(`${writ.publicUrl}/oauth2/token`, machine.authorization, TOKENS);
  const headers = { ...FORM, authorization: machine.authorization };
  const kinds: readonly (Kind & { readonly name: string })[] = [
    { name: "introspection", share: 12, url: `${writ.adminUrl}/admin/oauth2/introspect`, headers: FORM, body: (n) => `token=${tokens[n % TOKENS]}` },
    { name: "token", share: 6, url: `${writ.publicUrl}/oauth2/token`, headers, body: () => CLIENT_CREDENTIALS },
    { name: "discovery", share: 1, url: `${writ.publicUrl}/.well-known/openid-configuration`, headers: {}, body: () => undefined },
    { name: "JWK set", share: 1, url: `${writ.publicUrl}/.well-known/jwks.json`, headers: {}, body: () => undefined },
  ];
  const most = await sample(wrkParty(setup, "", writ.servers, form(`${writ.publicUrl}/oauth2/token`, machine.authorization, [CLIENT_CREDENTIALS])), 3);
  const chosen = kinds.filter((kind) => only === undefined || only.includes(kind.name));
  return { name, servers: writ.servers, load: (seconds) => openLoop(chosen, most.rate / 2, seconds) };
}

/** Requests that come whether or not the ones before were answered, at half of what 32 connections get at most. */
export const openLoops: readonly RowMaker[] = [
  {
    name: "open loop at half of the highest rate",
    quick: false,
    make: async (setup) => {
      const tail = (party: string): Ratio => ({ title: `p99 ÷ p50: ${party}`, of: (round) => sampleOf(round, party).p99 / sampleOf(round, party).p50, most: 5 });
      return { parties: [await half(setup, "client_credentials", ["token"]), await half(setup, "mixture", undefined)], ratios: [tail("client_credentials"), tail("mixture")] };
    },
  },
];
