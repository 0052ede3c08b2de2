import { create } from "@bufbuild/protobuf";
import { type JsonWebKey, type JsonWebKeySet, JsonWebKeySetSchema } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { makeUuid } from "#lib/id.ts";
import { isSignatureAlg, SIGNATURE_ALGS } from "#lib/signature-algs.ts";
import { addMillis, type EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { StoredJwk } from "../model/jwk.ts";
import { deleteJwks, insertJwk, listJwks, putJwk, replaceJwkSet } from "../store/jwks.ts";
import { importKey } from "./import-key.ts";
import { fromJwk, toJwk } from "./jwk.ts";
import { makeKey, thumbprintOf } from "./make.ts";
import { openKey, storeKey } from "./stored.ts";

/** What changes to sets need. */
export type JwkSetDeps = Pick<Deps, "db" | "issuer" | "random" | "sealer" | "settings" | "keys" | "log">;

const MAX_NAME = 255;
const MAX_KEYS = 100;
const USES = ["sig", "enc"];

/** Makes a key in a set. Undefined: the set has a key of this name. @throws OAuthError invalid_request */
export async function createJwk(
  deps: JwkSetDeps,
  { set, alg, kid, use }: { readonly set: string; readonly alg: string; readonly kid: string; readonly use: string },
  now: EpochMillis,
): Promise<JsonWebKeySet | undefined> {
  requireName("set", set);
  if (kid !== "") requireName("kid", kid);
  if (!isSignatureAlg(alg)) throw new OAuthError("invalid_request", `'alg' is '${alg.slice(0, 30)}' and must be one of ${SIGNATURE_ALGS.join(", ")}`);
  if (use !== "" && !USES.includes(use)) throw new OAuthError("invalid_request", "'use' must be sig or enc");
  const key = await makeKey(alg, { kid, use: use || "sig" });
  const { kind } = await insertJwk(deps.db, deps.issuer, storeKey(deps.sealer, set, key, (await timesIn(deps, set, now))(key)));
  if (kind === "inserted") changed(deps, set, "created");
  return kind === "exists" ? undefined : create(JsonWebKeySetSchema, { keys: [key] });
}

/** A set with private parts, newest key first; or the one key of it. Undefined: there is none. */
export async function getJwkSet({ db, issuer, sealer }: JwkSetDeps, set: string, kid?: string): Promise<JsonWebKeySet | undefined> {
  const stored = (await listJwks(db, issuer, set)).filter((each) => kid === undefined || each.kid === kid);
  return stored.length === 0 ? undefined : create(JsonWebKeySetSchema, { keys: stored.map((each) => openKey(sealer, each)) });
}

/** Replaces a set. @throws OAuthError invalid_request naming the key that cannot be taken */
export async function updateJwkSet(deps: JwkSetDeps, set: string, keys: readonly JsonWebKey[], now: EpochMillis): Promise<JsonWebKeySet> {
  requireName("set", set);
  if (keys.length > MAX_KEYS) throw new OAuthError("invalid_request", `'keys' may hold at most ${MAX_KEYS} keys`);
  const named = await Promise.all(keys.map((key) => prepare(deps, key, "")));
  if (new Set(named.map(({ kid }) => kid)).size < named.length) throw new OAuthError("invalid_request", "'keys' holds two keys of one 'kid'");
  const times = await timesIn(deps, set, now);
  // The first of the list is the newest, as it is read.
  const stored = named.map((key, i) => storeKey(deps.sealer, set, key, { activatesAt: times(key).activatesAt, createdAt: addMillis(now, -i) }));
  await replaceJwkSet(deps.db, deps.issuer, set, stored);
  changed(deps, set, "replaced");
  return create(JsonWebKeySetSchema, { keys: named });
}

/** Puts a key in a set. The `kid` of the key counts. @throws OAuthError invalid_request when it cannot be taken */
export async function updateJwk(deps: JwkSetDeps, set: string, kid: string, key: JsonWebKey, now: EpochMillis): Promise<JsonWebKey> {
  requireName("set", set);
  const named = await prepare(deps, key, kid);
  await putJwk(deps.db, deps.issuer, storeKey(deps.sealer, set, named, (await timesIn(deps, set, now))(named)));
  changed(deps, set, "put");
  return named;
}

/** Deletes a set, or one key of it. */
export async function deleteJwkSet(deps: JwkSetDeps, set: string, kid?: string): Promise<void> {
  await deleteJwks(deps.db, deps.issuer, set, kid);
  changed(deps, set, "deleted");
}

async function prepare({ random }: Pick<JwkSetDeps, "random">, key: JsonWebKey, kid: string): Promise<JsonWebKey> {
  importKey(key);
  const name = key.kid || kid || (key.kty === "oct" ? makeUuid(random) : await thumbprintOf(key));
  requireName("kid", name);
  return fromJwk(toJwk(key), { kid: name, alg: key.alg, use: key.use || "sig" });
}

interface Times {
  readonly createdAt: EpochMillis;
  readonly activatesAt: EpochMillis;
}

/**
 * When keys of a set begin to sign: the first at once, a later one after it was published for a while, and one that is
 * there already when it did: a set that is read, edited and put back must not leave its old keys unable to sign.
 */
async function timesIn({ db, issuer, settings }: JwkSetDeps, set: string, now: EpochMillis): Promise<(key: JsonWebKey) => Times> {
  const there = await listJwks(db, issuer, set);
  const activatesAt = there.length === 0 ? now : addMillis(now, settings.publishBeforeUse);
  return (key) => {
    const same = there.find((each) => isSameKey(each, key));
    return same === undefined ? { createdAt: now, activatesAt } : { createdAt: same.createdAt, activatesAt: same.activatesAt };
  };
}

/** Whether they verify the same signatures, under the same name. */
function isSameKey({ kid, record: { publicKey } }: StoredJwk, key: JsonWebKey): boolean {
  if (publicKey === undefined || kid !== key.kid) return false;
  return (["kty", "crv", "x", "y", "n", "e"] as const).every((member) => publicKey[member] === key[member]);
}

function changed({ keys, log }: JwkSetDeps, set: string, what: string): void {
  keys.forget();
  log.info("jwk_changed", { set, what });
}

function requireName(parameter: string, name: string): void {
  if (name === "" || Buffer.byteLength(name) > MAX_NAME || /[^\x20-\x7e]/.test(name))
    throw new OAuthError("invalid_request", `'${parameter}' must have 1 to ${MAX_NAME} printable ASCII characters`);
}
