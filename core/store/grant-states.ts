import type { TokenState } from "../model/token-state.ts";
import { answerAll, coalesce, padded } from "./batch.ts";
import { type Caches, cacheKey, consentKey } from "./caches.ts";
import type { Db } from "./db.ts";
import { clientOf, type GrantRow, grantReads, toCachedGrant } from "./grant-rows.ts";

/** All that decides whether a token of a grant lives, in one statement; none on SQLite when it is known already. Exact. */
export async function readGrantState(db: Db, issuer: number, id: Uint8Array): Promise<TokenState> {
  if (!db.caches.usable()) return readCoalesced(db, issuer, id);
  const known = fromCaches(db.caches, issuer, id);
  if (known !== undefined) return known;
  const [state = GONE] = readNow(db, issuer, [id]) ?? (await readSome(db, issuer, [id]));
  return state;
}

/** The same for many, in few statements, in the order of the ids. */
export function readGrantStates(db: Db, issuer: number, ids: readonly Uint8Array[]): Promise<TokenState[]> {
  return answerAll(db, ids, {
    known: (id) => fromCaches(db.caches, issuer, id),
    now: (some) => readNow(db, issuer, some),
    later: (some) => readSome(db, issuer, some),
  });
}

/** Reads in this very turn, and keeps what it found. Undefined: the database is busy. */
function readNow(db: Db, issuer: number, ids: readonly Uint8Array[]): readonly TokenState[] | undefined {
  const { getMany, get } = grantReads(db);
  const keys = padded(ids);
  const found = db.driver.readNow(getMany(keys.length).sql, [issuer, ...keys])?.map((row) => get.decode(row));
  if (found === undefined) return undefined;
  const byId = new Map(found.map((row) => [cacheKey(issuer, row.id), row]));
  return ids.map((id) => keep(db.caches, issuer, id, byId.get(cacheKey(issuer, id))));
}

const GONE: TokenState = { client: undefined, revoked: false, grantEpoch: 0, grant: undefined };

const readCoalesced = coalesce(readSome);

async function readSome(db: Db, issuer: number, ids: readonly Uint8Array[]): Promise<TokenState[]> {
  const { getMany, get } = grantReads(db);
  const keys = padded(ids);
  const found = (await db.driver.read(getMany(keys.length).sql, [issuer, ...keys])).map((row) => get.decode(row));
  const byId = new Map(found.map((row) => [cacheKey(issuer, row.id), row]));
  return ids.map((id) => toState(byId.get(cacheKey(issuer, id))));
}

function toState(row: GrantRow | undefined): TokenState {
  if (row === undefined) return GONE;
  const current = { grantEpoch: row.currentGrantEpoch, consentEpoch: row.currentConsentEpoch };
  return { client: clientOf(row), revoked: false, grantEpoch: current.grantEpoch, grant: { ...toCachedGrant(row).grant, current } };
}

/** Of what a state is made of each part has a cache of its own, and whatever moves one part changes that. */
function fromCaches(caches: Caches, issuer: number, id: Uint8Array): TokenState | undefined {
  const known = caches.grants.get(cacheKey(issuer, id));
  if (known === undefined) return undefined;
  const { grant } = known;
  if (grant === undefined) return GONE;
  const client = caches.clientEpochs.get(cacheKey(issuer, grant.clientId));
  const grantEpoch = caches.grantEpochs.get(cacheKey(issuer, grant.subject));
  const consentEpoch = caches.consentEpochs.get(consentKey(issuer, grant.subject, grant.clientId));
  if (client === undefined || grantEpoch === undefined || consentEpoch === undefined) return undefined;
  const current = { grantEpoch: grantEpoch.epoch, consentEpoch: consentEpoch.epoch };
  return { client: client.client, revoked: false, grantEpoch: grantEpoch.epoch, grant: { ...grant, current } };
}

/** Only in the same turn as the read: what another caller learned meanwhile must not be put back. */
function keep(caches: Caches, issuer: number, id: Uint8Array, row: GrantRow | undefined): TokenState {
  if (row === undefined) {
    caches.grants.set(cacheKey(issuer, id), { grant: undefined, size: 0 });
    return GONE;
  }
  const cached = toCachedGrant(row);
  caches.grants.set(cacheKey(issuer, id), cached);
  caches.clientEpochs.set(cacheKey(issuer, row.clientId), { client: clientOf(row) });
  caches.grantEpochs.set(cacheKey(issuer, row.subject), { epoch: row.currentGrantEpoch });
  caches.consentEpochs.set(consentKey(issuer, row.subject, row.clientId), { epoch: row.currentConsentEpoch });
  const current = { grantEpoch: row.currentGrantEpoch, consentEpoch: row.currentConsentEpoch };
  return { client: clientOf(row), revoked: false, grantEpoch: current.grantEpoch, grant: { ...cached.grant, current } };
}
