import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import { allClients, getClient, updateClient } from "../store/clients.ts";
import { keepSealedSecret, openSecret } from "./secret.ts";

type ResealDeps = Pick<Deps, "db" | "issuer" | "sealer">;

/** How often a client is looked at again that somebody else changed meanwhile. */
const MAX_TRIES = 5;

/**
 * Seals the secrets of clients that sign with them by the first system secret. Returns how many were sealed anew.
 * @throws OAuthError temporarily_unavailable when one names a system secret that is not configured
 */
export async function resealClientSecrets(deps: ResealDeps, now: EpochMillis): Promise<number> {
  let resealed = 0;
  for await (const client of allClients(deps.db, deps.issuer)) if (await resealOne(deps, client, now)) resealed++;
  return resealed;
}

async function resealOne(deps: ResealDeps, listed: StoredClient, now: EpochMillis): Promise<boolean> {
  let client: StoredClient | undefined = listed;
  for (let tries = 0; tries < MAX_TRIES && client !== undefined; tries++) {
    const { record, rowVersion } = client;
    if (record.secret.case !== "secretSealed" || deps.sealer.isCurrent(record.secret.value)) return false;
    const secret = Buffer.from(openSecret(deps, record.secret) ?? []).toString();
    const { clientId } = record.client;
    const outcome = await updateClient(deps.db, deps.issuer, clientId, { record: { ...record, secret: keepSealedSecret(deps, secret) }, rowVersion, now });
    if (outcome.kind === "updated") return true;
    client = await getClient(deps.db, deps.issuer, clientId);
  }
  if (client === undefined) return false;
  throw new Error(`the client '${client.record.client.clientId}' is being changed by others all the time: run it again`);
}
