import type { ClientLifespans } from "#gen/writ/admin/v1/client_pb.ts";
import { parseDuration } from "#lib/duration.ts";
import { isSignatureAlg, type SignatureAlg } from "#lib/signature-algs.ts";
import { addMillis, type EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { StoredJwk } from "../model/jwk.ts";
import { allClients } from "../store/clients.ts";
import { deleteJwks, insertJwk, listJwks } from "../store/jwks.ts";
import { signingAlgorithmOf } from "./algorithms.ts";
import { makeKey } from "./make.ts";
import { SIGNING_SETS, type SigningSet } from "./signing-keys.ts";
import { storeKey } from "./stored.ts";

/** What rotating needs. */
export type RotateDeps = Pick<Deps, "db" | "issuer" | "sealer">;

/** What is rotated, and by which times. Durations in milliseconds. */
export interface Rotation {
  /** Empty: all that Writ signs with. */
  readonly sets: readonly SigningSet[];
  /** Empty: those that a set has keys for. */
  readonly algs: readonly SignatureAlg[];
  /** A key is only made where the newest is older than this. */
  readonly olderThan: number;
  /** A new key is published for so long before it signs. */
  readonly publishBeforeUse: number;
  /** How long after its last signature a key is published: as long as the longest life of what it signed. */
  readonly keep: number;
  /** Keys are deleted once that is over. */
  readonly deletes: boolean;
  /** Nothing is written. */
  readonly isTrial: boolean;
}

/** A signing key after a rotation. */
export interface RotatedKey {
  readonly set: SigningSet;
  /** Empty: it would be made. */
  readonly kid: string;
  readonly alg: SignatureAlg;
  /** `made` is published and signs from `from` on, like `next`; `verifies` is published until `until`. */
  readonly state: "made" | "next" | "signs" | "verifies" | "deleted";
  readonly from: EpochMillis;
  readonly until: EpochMillis | undefined;
}

/**
 * Makes the next key of each set and algorithm, and deletes those whose signatures have all expired. Nothing is ever
 * without a key that signs and is known to verifiers: a new one is published before it signs, and an old one after.
 */
export async function rotateKeys(deps: RotateDeps, rotation: Rotation, now: EpochMillis): Promise<readonly RotatedKey[]> {
  const report: RotatedKey[] = [];
  for (const set of rotation.sets.length === 0 ? SIGNING_SETS : rotation.sets) {
    const stored = (await listJwks(deps.db, deps.issuer, set)).flatMap((jwk) => signerOf(jwk) ?? []);
    const algs = rotation.algs.length === 0 ? [...new Set(stored.map(({ alg }) => alg))] : rotation.algs;
    for (const alg of algs) report.push(...(await rotateAlg(deps, { ...rotation, set, alg, jwks: stored.filter((each) => each.alg === alg).map(({ jwk }) => jwk) }, now)));
  }
  return report;
}

/** The longest that an access token or ID token of any client can live, in milliseconds: what `keep` should be at least. */
export async function longestSignedLife({ db, issuer }: Pick<RotateDeps, "db" | "issuer">, usual: readonly number[], page?: number): Promise<number> {
  let longest = Math.max(...usual);
  for await (const { record } of allClients(db, issuer, page)) for (const each of signedLifespans(record.client.lifespans)) longest = Math.max(longest, parseDuration(each) ?? 0);
  return longest;
}

function signedLifespans(lifespans: ClientLifespans | undefined): readonly string[] {
  return Object.entries(lifespans ?? {}).flatMap(([name, value]) => (typeof value === "string" && /(Access|Id)TokenLifespan$/.test(name) ? [value] : []));
}

interface Signer {
  readonly jwk: StoredJwk;
  readonly alg: SignatureAlg;
}

/** Keys for encryption, symmetric ones, and public parts that somebody put there are none of ours to turn over. */
function signerOf(jwk: StoredJwk): Signer | undefined {
  const key = jwk.record.publicKey;
  if (key === undefined || key.use === "enc" || jwk.sealKeyId === undefined) return undefined;
  const alg = signingAlgorithmOf(key) ?? "";
  return isSignatureAlg(alg) ? { jwk, alg } : undefined;
}

interface AlgRotation extends Rotation {
  readonly set: SigningSet;
  readonly alg: SignatureAlg;
  /** Newest first. */
  readonly jwks: readonly StoredJwk[];
}

async function rotateAlg(deps: RotateDeps, { set, alg, jwks, olderThan, publishBeforeUse, keep, deletes, isTrial }: AlgRotation, now: EpochMillis): Promise<RotatedKey[]> {
  const report: RotatedKey[] = [];
  const [newest] = jwks;
  // One that does not sign yet is the next key: another behind it would never sign for long.
  const isDue = newest === undefined || (newest.activatesAt <= now && newest.createdAt <= addMillis(now, -olderThan));
  if (isDue) {
    const activatesAt = newest === undefined ? now : addMillis(now, publishBeforeUse);
    const kid = isTrial ? "" : await make(deps, set, alg, { createdAt: now, activatesAt });
    report.push({ set, kid, alg, state: "made", from: activatesAt, until: undefined });
  }
  const current = jwks.findIndex(({ activatesAt }) => activatesAt <= now);
  for (const [i, { kid, activatesAt }] of jwks.entries()) {
    const common = { set, kid, alg, from: activatesAt };
    if (i < current || current === -1) report.push({ ...common, state: "next", until: undefined });
    else if (i === current) report.push({ ...common, state: "signs", until: undefined });
    else {
      const until = addMillis(supersededAt(jwks.slice(0, i)), keep);
      const isOver = deletes && until <= now;
      if (isOver && !isTrial) await deleteJwks(deps.db, deps.issuer, set, kid);
      report.push({ ...common, state: isOver ? "deleted" : "verifies", until });
    }
  }
  return report;
}

/** When the first of those that are newer began to sign. */
function supersededAt(newer: readonly StoredJwk[]): EpochMillis {
  return Math.min(...newer.map(({ activatesAt }) => activatesAt)) as EpochMillis;
}

async function make({ db, issuer, sealer }: RotateDeps, set: SigningSet, alg: SignatureAlg, times: Pick<StoredJwk, "createdAt" | "activatesAt">): Promise<string> {
  const key = await makeKey(alg, { kid: "", use: "sig" });
  await insertJwk(db, issuer, storeKey(sealer, set, key, times));
  return key.kid;
}
