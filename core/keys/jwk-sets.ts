import { create } from "@bufbuild/protobuf";
import { type JsonWebKey, type JsonWebKeySet, JsonWebKeySetSchema } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { addMillis, type EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { deleteJwks, insertJwk, listJwks, putJwk, replaceJwkSet } from "../store/jwks.ts";
import { KEY_ALGORITHMS } from "./algorithms.ts";
import { importKey } from "./jwk.ts";
import { makeKey, thumbprintOf } from "./make.ts";
import { openKey, storeKey } from "./stored.ts";

/** What changes to sets need. */
export type JwkSetDeps = Pick<Deps, "db" | "issuer" | "sealer" | "settings" | "keys" | "log">;

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
  if (!Object.hasOwn(KEY_ALGORITHMS, alg)) throw new OAuthError("invalid_request", `'alg' is '${alg.slice(0, 30)}' and must be one of ${Object.keys(KEY_ALGORITHMS).join(", ")}`);
  if (use !== "" && !USES.includes(use)) throw new OAuthError("invalid_request", "'use' must be sig or enc");
  const key = await makeKey(alg, { kid, use: use || "sig" });
  const { kind } = await insertJwk(deps.db, deps.issuer, storeKey(deps.sealer, set, key, await timesOf(deps, set, now)));
  changed(deps, set, "created");
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
  const named = await Promise.all(keys.map((key) => prepare(key, "")));
  if (new Set(named.map(({ kid }) => kid)).size < named.length) throw new OAuthError("invalid_request", "'keys' holds two keys of one 'kid'");
  const times = await timesOf(deps, set, now);
  // The first of the list is the newest, as it is read.
  const stored = named.map((key, i) => storeKey(deps.sealer, set, key, { createdAt: addMillis(times.createdAt, named.length - 1 - i), activatesAt: times.activatesAt }));
  await replaceJwkSet(deps.db, deps.issuer, set, stored);
  changed(deps, set, "replaced");
  return create(JsonWebKeySetSchema, { keys: named });
}

/** Puts a key in a set. The `kid` of the key counts. @throws OAuthError invalid_request when it cannot be taken */
export async function updateJwk(deps: JwkSetDeps, set: string, kid: string, key: JsonWebKey, now: EpochMillis): Promise<JsonWebKey> {
  requireName("set", set);
  const named = await prepare(key, kid);
  await putJwk(deps.db, deps.issuer, storeKey(deps.sealer, set, named, await timesOf(deps, set, now)));
  changed(deps, set, "put");
  return named;
}

/** Deletes a set, or one key of it. */
export async function deleteJwkSet(deps: JwkSetDeps, set: string, kid?: string): Promise<void> {
  await deleteJwks(deps.db, deps.issuer, set, kid);
  changed(deps, set, "deleted");
}

async function prepare(key: JsonWebKey, kid: string): Promise<JsonWebKey> {
  importKey(key);
  const name = key.kid || kid || (await thumbprintOf(key));
  requireName("kid", name);
  return { ...key, kid: name, use: key.use || "sig" };
}

/** The first key of a set signs at once; a later one is published before. */
async function timesOf({ db, issuer, settings }: JwkSetDeps, set: string, now: EpochMillis): Promise<{ readonly createdAt: EpochMillis; readonly activatesAt: EpochMillis }> {
  const isFirst = (await listJwks(db, issuer, set)).length === 0;
  return { createdAt: now, activatesAt: isFirst ? now : addMillis(now, settings.publishBeforeUse) };
}

function changed({ keys, log }: JwkSetDeps, set: string, what: string): void {
  keys.forget();
  log.info("jwk_changed", { set, what });
}

function requireName(parameter: string, name: string): void {
  if (name === "" || Buffer.byteLength(name) > MAX_NAME || /[^\x20-\x7e]/.test(name))
    throw new OAuthError("invalid_request", `'${parameter}' must have 1 to ${MAX_NAME} printable ASCII characters`);
}
