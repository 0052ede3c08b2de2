import { cpuRatio } from "../measure.ts";
import { wrkParty } from "../setup.ts";
import type { RowMaker } from "./row.ts";

/** What everybody reads and nobody changes, against the floor with a document of the same size. */
export const documents: readonly RowMaker[] = [document("discovery", "/.well-known/openid-configuration", true), document("JWK set", "/.well-known/jwks.json", false)];

function document(name: string, path: string, quick: boolean): RowMaker {
  return {
    name,
    quick,
    make: async (setup) => {
      const [{ writ }, raw] = [await setup.writ("main"), await setup.raw()];
      const size = (await (await fetch(writ.publicUrl + path)).arrayBuffer()).byteLength;
      return {
        parties: [wrkParty(setup, "Writ", writ.servers, { url: writ.publicUrl + path, headers: {} }), wrkParty(setup, "raw", [raw], { url: `${raw.url}/${size}`, headers: {} })],
        ratios: [cpuRatio("raw", "Writ", { least: 0.85 })],
      };
    },
  };
}
