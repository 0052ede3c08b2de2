import type { JsonValue } from "@bufbuild/protobuf";
import { LRUCache } from "lru-cache";
import type { Log } from "#lib/events.ts";
import { isJsonObject } from "#lib/json.ts";
import type { EpochMillis } from "#lib/time.ts";
import { documentOf, type Outbound } from "../outbound/outbound.ts";
import { type PublicKey, readPublicKeys } from "./public-keys.ts";

/** JWK sets at URLs that clients registered, kept for a while. */
export interface RemoteKeys {
  /** The set as it is known. Empty: it has no usable key, or cannot be had. */
  get(url: string, now: EpochMillis): Promise<readonly PublicKey[]>;
  /** The entries of the set as they stand there, whatever they are for. */
  getJwks(url: string, now: EpochMillis): Promise<readonly JsonValue[]>;
  /** The set after what is known was no good: fetched anew, unless that was done a moment ago. Undefined: it was. */
  getAnew(url: string, now: EpochMillis): Promise<readonly PublicKey[] | undefined>;
}

interface KnownSet {
  readonly keys: readonly PublicKey[];
  readonly jwks: readonly JsonValue[];
  /** Bytes of the document. */
  readonly size: number;
  /** When the keys came. */
  readonly fetchedAt: number;
  /** When it was last tried to get them. */
  readonly triedAt: number;
}

/** How long keys are used without asking: so long a key that was taken off still counts. Milliseconds. */
const FRESH = 600_000;
/** How long they are used while they cannot be fetched. */
const STALE = 3_600_000;
/** Nobody makes us ask one URL more often than this, whatever they send. */
const COOL_DOWN = 30_000;
const MAX_SETS = 1000;
/** Of all documents together: parsed, keys take several times as much, and strangers name URLs too. */
const MAX_BYTES = 4_194_304;
const NEVER: KnownSet = { keys: [], jwks: [], size: 1, fetchedAt: Number.NEGATIVE_INFINITY, triedAt: Number.NEGATIVE_INFINITY };

/** @see RFC 7517 §5, RFC 7591 §2 (jwks_uri), OIDC Core §10.1.1 */
export function makeRemoteKeys({ outbound, log }: { readonly outbound: Outbound; readonly log: Log }): RemoteKeys {
  const sets = new LRUCache<string, KnownSet>({ max: MAX_SETS, maxSize: MAX_BYTES, sizeCalculation: ({ size }) => size });
  const fetching = new Map<string, Promise<KnownSet>>();
  const fetchOnce = (url: string, now: EpochMillis): Promise<KnownSet> => {
    const underWay = fetching.get(url);
    if (underWay !== undefined) return underWay;
    const promise = fetchSet(outbound, url)
      .then((fetched) => {
        if (fetched.kind === "failed") log.warn("outbound_failed", { for: "jwks_uri", host: URL.parse(url)?.host, reason: fetched.reason });
        const set = fetched.kind === "fetched" ? { ...fetched, fetchedAt: now, triedAt: now } : { ...(sets.get(url) ?? NEVER), triedAt: now };
        sets.set(url, set);
        return set;
      })
      .finally(() => fetching.delete(url));
    fetching.set(url, promise);
    return promise;
  };
  const usable = (set: KnownSet, now: EpochMillis): KnownSet => (now - set.fetchedAt < STALE ? set : NEVER);
  const find = async (url: string, now: EpochMillis): Promise<KnownSet> => {
    const known = sets.get(url) ?? NEVER;
    return usable(now - known.fetchedAt < FRESH || now - known.triedAt < COOL_DOWN ? known : await fetchOnce(url, now), now);
  };
  return {
    get: async (url, now) => (await find(url, now)).keys,
    getJwks: async (url, now) => (await find(url, now)).jwks,
    async getAnew(url, now) {
      if (now - (sets.get(url) ?? NEVER).triedAt < COOL_DOWN) return undefined;
      return usable(await fetchOnce(url, now), now).keys;
    },
  };
}

type Fetched = ({ readonly kind: "fetched" } & Pick<KnownSet, "keys" | "jwks" | "size">) | { readonly kind: "failed"; readonly reason: string };

async function fetchSet(outbound: Outbound, url: string): Promise<Fetched> {
  const got = documentOf(await outbound.get(url, { accept: "application/jwk-set+json, application/json" }));
  if (got.kind === "failed") return got;
  try {
    const set: JsonValue = JSON.parse(Buffer.from(got.body).toString());
    return { kind: "fetched", keys: readPublicKeys(set), jwks: isJsonObject(set) && Array.isArray(set.keys) ? set.keys : [], size: got.body.length };
  } catch {
    return { kind: "failed", reason: "no JSON" };
  }
}
