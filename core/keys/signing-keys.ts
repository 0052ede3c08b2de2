import type { KeyObject } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { JsonWebKeySchema } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import type { SignatureAlg } from "#lib/signature-algs.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { finishJson } from "../metadata/finished.ts";
import type { StoredJwk } from "../model/jwk.ts";
import { insertFirstJwk, insertJwk, listJwks } from "../store/jwks.ts";
import { signingAlgorithmOf } from "./algorithms.ts";
import { readPrivateKey, readPublicKey } from "./import-key.ts";
import { publicPart, toJwk } from "./jwk.ts";
import { makeKey } from "./make.ts";
import { openKey, storeKey } from "./stored.ts";

/** Sets that Writ signs with, under Hydra's names. */
export const SIGNING_SETS = ["hydra.openid.id-token", "hydra.jwt.access-token"] as const;
export type SigningSet = (typeof SIGNING_SETS)[number];

/** Algorithms whose keys are there from the start. Keys of others are made when they are first asked for. */
export const FIRST_ALGS = ["RS256", "ES256"] as const satisfies readonly SignatureAlg[];

/** A key that signs. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SignatureAlg;
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
  current(set: SigningSet, alg: SignatureAlg, now: EpochMillis): Promise<SigningKey>;
  /** The key of this kid; read again from the database when it is not known: another core may have made it a moment ago. */
  find(set: SigningSet, kid: string): Promise<VerificationKey | undefined>;
  published(): Promise<PublishedKeys>;
  /** Forgets what is in memory: a set was changed by this process. */
  forget(): void;
}

/** What signing keys are made with. */
export type SigningKeysDeps = Pick<Deps, "db" | "issuer" | "sealer" | "settings">;

/** A key that signatures are made or checked with. */
interface LoadedKey {
  readonly stored: StoredJwk;
  readonly alg: string;
  readonly publicKey: KeyObject;
  /** As the JWK set shows it. */
  readonly published: object;
  privateKey: KeyObject | undefined;
}

interface LoadedSet {
  /** Reading of the process's own clock. */
  readonly readAt: number;
  readonly keys: readonly LoadedKey[];
}

/** How long a set is kept in memory. Milliseconds. */
const KEPT = 5000;
/** The same where new keys sign at once, or nearly: other cores must publish them soon. */
const KEPT_WITHOUT_NOTICE = 1000;
/** Seconds that resource servers may keep the JWK set. */
const MAX_AGE = 300;
/** Longest kid that is stored, in bytes. */
const MAX_KID = 255;

/** Makes the keys of a core. Several cores at one database agree through it alone. */
export function makeSigningKeys({ db, issuer, sealer, settings }: SigningKeysDeps): SigningKeys {
  const keepFor = settings.publishBeforeUse < 4 * KEPT ? KEPT_WITHOUT_NOTICE : KEPT;
  const maxAge = Math.max(0, Math.min(MAX_AGE, Math.floor((settings.publishBeforeUse - 2 * keepFor) / 1000)));
  const sets = new Map<SigningSet, LoadedSet>();
  const loading = new Map<SigningSet, Promise<LoadedSet>>();
  const waiting = new Map<SigningSet, Promise<LoadedSet>>();
  let document: { readonly of: readonly LoadedSet[]; readonly value: PublishedKeys } | undefined;

  const load = (set: SigningSet): Promise<LoadedSet> => {
    const known = loading.get(set);
    if (known !== undefined) return known;
    const promise = listJwks(db, issuer, set)
      .then((stored) => {
        const loaded = { readAt: performance.now(), keys: stored.flatMap((each) => loadKey(each) ?? []) };
        if (loading.get(set) === promise) sets.set(set, loaded);
        return loaded;
      })
      .finally(() => loading.get(set) === promise && loading.delete(set));
    loading.set(set, promise);
    return promise;
  };
  /** By a read that begins after this call. However many ask, one read is under way and one more waits for it. */
  const loadAfterNow = (set: SigningSet): Promise<LoadedSet> => {
    const underWay = loading.get(set);
    if (underWay === undefined) return load(set);
    const known = waiting.get(set);
    if (known !== undefined) return known;
    const next = (): Promise<LoadedSet> => {
      waiting.delete(set);
      return load(set);
    };
    const promise = underWay.then(next, next);
    waiting.set(set, promise);
    return promise;
  };
  const get = (set: SigningSet): LoadedSet | Promise<LoadedSet> => {
    const known = sets.get(set);
    if (known !== undefined && performance.now() - known.readAt < keepFor) return known;
    // A database that is away for a moment is no reason to stop verifying with keys that were good a moment ago.
    return known === undefined ? load(set) : load(set).catch(() => known);
  };
  const choose = ({ keys }: LoadedSet, alg: SignatureAlg, now: EpochMillis): LoadedKey | undefined => {
    const usable = keys.filter((key) => key.alg === alg && key.stored.sealKeyId !== undefined);
    // Newest first. Where all are yet to come there is none before them that verifiers could know: the first serves.
    return usable.find(({ stored }) => stored.activatesAt <= now) ?? usable.toSorted((a, b) => a.stored.activatesAt - b.stored.activatesAt)[0];
  };
  const forget = (): void => {
    sets.clear();
    loading.clear();
  };
  const makeFirst = async (set: SigningSet, alg: SignatureAlg, now: EpochMillis): Promise<LoadedKey | undefined> => {
    const first = storeKey(sealer, set, await makeKey(alg, { kid: "", use: "sig" }), { createdAt: now, activatesAt: now });
    await insertFirstJwk(db, issuer, alg, first);
    forget();
    const key = choose(await get(set), alg, now);
    if (key !== undefined) return key;
    // There was a first key, and an administrator put one of another algorithm in its place.
    await insertJwk(db, issuer, first);
    forget();
    return choose(await get(set), alg, now);
  };

  return {
    async current(set, alg, now) {
      const key = choose(await get(set), alg, now) ?? (await makeFirst(set, alg, now));
      if (key === undefined) throw new Error(`no ${alg} key could be made in the set ${set}`);
      key.privateKey ??= readPrivateKey(openKey(sealer, key.stored));
      return { kid: key.stored.kid, alg, privateKey: key.privateKey };
    },
    async find(set, kid) {
      const has = ({ keys }: LoadedSet): LoadedKey | undefined => keys.find(({ stored }) => stored.kid === kid);
      if (kid === "" || kid.length > MAX_KID) return undefined;
      // Not only now and then: under `compat: hydra` a key signs as soon as it is made, and introspection is exact.
      const key = has(await get(set)) ?? has(await loadAfterNow(set));
      return key === undefined ? undefined : { alg: key.alg, publicKey: key.publicKey };
    },
    async published() {
      const loaded = await Promise.all(SIGNING_SETS.map((set) => get(set)));
      if (document === undefined || document.of.some((each, i) => each !== loaded[i])) document = { of: loaded, value: publish(loaded, maxAge) };
      return document.value;
    },
    forget,
  };
}

/**
 * A key for signatures. Undefined: it is symmetric, for encryption, or of a kind that this version does not know; such a key
 * may have been put there by a newer version and must not take the others down with it.
 */
function loadKey(stored: StoredJwk): LoadedKey | undefined {
  const key = stored.record.publicKey ?? create(JsonWebKeySchema);
  const alg = signingAlgorithmOf(key);
  if (key.use === "enc" || alg === undefined) return undefined;
  try {
    return { stored, alg, publicKey: readPublicKey(key), published: { ...toJwk(publicPart(key)), use: "sig", alg, kid: stored.kid }, privateKey: undefined };
  } catch {
    return undefined;
  }
}

/** RFC 7517 §5. A kid names one key, whichever set it is in. */
function publish(sets: readonly LoadedSet[], maxAge: number): PublishedKeys {
  const keys = new Map<string, object>();
  for (const { stored, published } of sets.flatMap((set) => set.keys)) if (!keys.has(stored.kid)) keys.set(stored.kid, published);
  return { ...finishJson({ keys: [...keys.values()] }), maxAge };
}
