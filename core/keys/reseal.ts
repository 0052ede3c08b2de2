import { equalBytes } from "#lib/hash.ts";
import type { Deps } from "../deps.ts";
import { listSealedJwks, listSealKeyIds, resealJwk } from "../store/jwks.ts";
import { openKey, storeKey } from "./stored.ts";

type ResealDeps = Pick<Deps, "db" | "issuer" | "sealer">;

/**
 * Seals every stored key with the first secret, so that the others are needed no longer once their tokens have expired.
 * Returns how many were sealed anew. One that somebody changes meanwhile is sealed with the first secret by that change.
 */
export async function resealStoredKeys({ db, issuer, sealer }: ResealDeps): Promise<number> {
  let resealed = 0;
  for (const stored of await listSealedJwks(db, issuer)) {
    if (stored.sealKeyId !== undefined && equalBytes(stored.sealKeyId, sealer.keyId)) continue;
    const { set, createdAt, activatesAt } = stored;
    const after = storeKey(sealer, set, openKey(sealer, stored), { createdAt, activatesAt });
    if ((await resealJwk(db, issuer, stored, after)).kind === "resealed") resealed++;
  }
  return resealed;
}

/** @throws Error when something stored was sealed with a secret that is not configured: it could be used by nobody */
export async function requireKnownSealKeys({ db, sealer }: Pick<Deps, "db" | "sealer">): Promise<void> {
  const unknown = (await listSealKeyIds(db)).filter((id) => !sealer.keyIds.some((known) => equalBytes(known, id)));
  if (unknown.length > 0)
    throw new Error(
      "the database holds keys that were sealed with a secret which secrets.system does not have: add it to the list (after the new one), run 'writ reseal', and take it off once its tokens have expired",
    );
}
