import { hash, type KeyObject } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { JsonWebKeySchema } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { StoredJwk } from "../model/jwk.ts";
import { insertFirstJwk, listJwks } from "../store/jwks.ts";
import { importKey, publicPart, toJwk } from "./jwk.ts";
import { makeKey } from "./make.ts";
import { openKey, storeKey } from "./stored.ts";

/** Sets that Writ signs with, under Hydra's names. */
export const SIGNING_SETS = ["hydra.openid.id-token", "hydra.jwt.access-token"] as const;
export type SigningSet = (typeof SIGNING_SETS)[number];

/** Algorithms that Writ signs with. */
export const SIGNING_ALGS = ["RS256", "ES256"] as const;
export type SigningAlg = (typeof SIGNING_ALGS)[number];

/** A key that signs. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
}

/** A key that checks what a set signed. */
export interface VerificationKey {
  readonly alg: string;
  readonly publicKey: KeyObject;
}

/** The published keys as a finished JWK set. */
export interface PublishedKeys {
  readonly json: Uint8Array;
  readonly etag: string;
  /** Seconds that it may be kept. A new key is published for longer than this before it signs. */
  readonly maxAge: number;
}

/** The keys that Writ signs with, kept in memory for some seconds. */
export interface SigningKeys {
  /** The newest key of the set for `alg` whose `activates_at` has come; made if there is none. */
  current(set: SigningSet, alg: SigningAlg, now: EpochMillis): Promise<SigningKey>;
  /** The key of this kid; read again from the database, now and then, when it is not known. */
  find(set: SigningSet, kid: string): Promise<VerificationKey | undefined>;
  published(): Promise<PublishedKeys>;
  /** Forgets what is in memory: a set was changed by this process. */
  forget(): void;
}

/** What signing keys are made with. */
export type SigningKeysDeps = Pick<Deps, "db" | "issuer" | "sealer" | "settings">;

interface LoadedKey {
  readonly stored: StoredJwk;
  readonly alg: string;
  readonly use: string;
  readonly publicKey: KeyObject | undefined;
  privateKey: KeyObject | undefined;
}

interface LoadedSet {
  /** Reading of the process's own clock. */
  readonly readAt: number;
  readonly keys: readonly LoadedKey[];
}

/** How long a set is kept in memory, and how soon an unknown kid may make it be read again. Milliseconds. */
const KEPT = 5000;
const SOONEST_AGAIN = 1000;
const MAX_AGE = 300;

/** Makes the keys of a core. Several cores at one database agree through it alone. */
export function makeSigningKeys({ db, issuer, sealer, settings }: SigningKeysDeps): SigningKeys {
  const sets = new Map<SigningSet, LoadedSet>();
  const loading = new Map<SigningSet, Promise<LoadedSet>>();
  let document: { readonly of: readonly LoadedSet[]; readonly value: PublishedKeys } | undefined;

  const load = (set: SigningSet): Promise<LoadedSet> => {
    const known = loading.get(set);
    if (known !== undefined) return known;
    const promise = listJwks(db, issuer, set)
      .then((stored) => {
        const loaded = { readAt: performance.now(), keys: stored.map(loadKey) };
        if (loading.get(set) === promise) sets.set(set, loaded);
        return loaded;
      })
      .finally(() => loading.get(set) === promise && loading.delete(set));
    loading.set(set, promise);
    return promise;
  };
  const get = (set: SigningSet, kept = KEPT): LoadedSet | Promise<LoadedSet> => {
    const known = sets.get(set);
    if (known !== undefined && performance.now() - known.readAt < kept) return known;
    // A database that is away for a moment is no reason to stop verifying with keys that were good a moment ago.
    return known === undefined ? load(set) : load(set).catch(() => known);
  };
  const choose = ({ keys }: LoadedSet, alg: SigningAlg, now: EpochMillis): LoadedKey | undefined => {
    const usable = keys.filter((key) => key.alg === alg && key.use !== "enc" && key.stored.sealKeyId !== undefined);
    // Newest first. Where all are yet to come there is none before them that verifiers could know: the first serves.
    return usable.find(({ stored }) => stored.activatesAt <= now) ?? usable.toSorted((a, b) => a.stored.activatesAt - b.stored.activatesAt)[0];
  };
  const makeFirst = async (set: SigningSet, alg: SigningAlg, now: EpochMillis): Promise<void> => {
    await insertFirstJwk(db, issuer, alg, storeKey(sealer, set, await makeKey(alg, { kid: "", use: "sig" }), { createdAt: now, activatesAt: now }));
  };
  const forget = (): void => {
    sets.clear();
    loading.clear();
  };

  return {
    async current(set, alg, now) {
      let key = choose(await get(set), alg, now);
      if (key === undefined) {
        await makeFirst(set, alg, now);
        forget();
        key = choose(await get(set), alg, now);
      }
      if (key === undefined) throw new Error(`no ${alg} key could be made in the set ${set}`);
      key.privateKey ??= importKey(openKey(sealer, key.stored)).privateKey;
      if (key.privateKey === undefined) throw new Error(`the key '${key.stored.kid}' has no private part`);
      return { kid: key.stored.kid, alg, privateKey: key.privateKey };
    },
    async find(set, kid) {
      const has = ({ keys }: LoadedSet): LoadedKey | undefined => keys.find(({ stored }) => stored.kid === kid);
      const key = has(await get(set)) ?? has(await get(set, SOONEST_AGAIN));
      return key?.publicKey === undefined ? undefined : { alg: key.alg, publicKey: key.publicKey };
    },
    async published() {
      const loaded = await Promise.all(SIGNING_SETS.map((set) => get(set)));
      if (document === undefined || document.of.some((each, i) => each !== loaded[i])) document = { of: loaded, value: publish(loaded, settings.publishBeforeUse) };
      return document.value;
    },
    forget,
  };
}

function loadKey(stored: StoredJwk): LoadedKey {
  const key = stored.record.publicKey ?? create(JsonWebKeySchema);
  return { stored, alg: key.alg, use: key.use, publicKey: key.kty === "oct" ? undefined : importKey(key).publicKey, privateKey: undefined };
}

/** RFC 7517 §5. A kid names one key, whichever set it is in. */
function publish(sets: readonly LoadedSet[], publishBeforeUse: number): PublishedKeys {
  const keys = new Map<string, unknown>();
  for (const { keys: ofSet } of sets)
    for (const { stored, publicKey } of ofSet)
      if (publicKey !== undefined && stored.record.publicKey !== undefined && !keys.has(stored.kid)) keys.set(stored.kid, toJwk(publicPart(stored.record.publicKey)));
  const json = new TextEncoder().encode(JSON.stringify({ keys: [...keys.values()] }));
  const maxAge = Math.max(0, Math.min(MAX_AGE, Math.floor((publishBeforeUse - 2 * KEPT) / 1000)));
  return { json, etag: hash("sha256", json, "base64url").slice(0, 22), maxAge };
}
