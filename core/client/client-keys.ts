import type { JsonObject } from "@bufbuild/protobuf";
import type { SignatureAlg } from "#lib/signature-algs.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { keysFor, type PublicKey, readPublicKeys } from "../jwt/public-keys.ts";
import type { UnverifiedJwt } from "../jwt/read-jwt.ts";
import { isSignedBy } from "../jwt/verify-signature.ts";
import type { StoredClient } from "../model/client.ts";
import { bringsJwks } from "./client-jwks.ts";

/** Parsed once for each client that is kept in memory. */
const parsed = new WeakMap<JsonObject, readonly PublicKey[]>();

/**
 * Whether a client signed a JWT by `alg` with one of the keys that it registered, by value or at its `jwks_uri`. Keys that
 * did not do are fetched anew: the client may have changed them a moment ago (OIDC Core §10.1.1).
 */
export async function isSignedByClient(
  { remoteKeys }: Pick<Deps, "remoteKeys">,
  { record }: StoredClient,
  jwt: UnverifiedJwt,
  alg: SignatureAlg,
  now: EpochMillis,
): Promise<boolean> {
  const { jwks, jwksUri } = record.client;
  if (jwks !== undefined && bringsJwks(jwks)) return isSignedBy(jwt, alg, keysFor(keysOf(jwks), alg, jwt.kid));
  if (jwksUri === "") return false;
  if (await isSignedBy(jwt, alg, keysFor(await remoteKeys.get(jwksUri, now), alg, jwt.kid))) return true;
  const anew = await remoteKeys.getAnew(jwksUri, now);
  return anew !== undefined && isSignedBy(jwt, alg, keysFor(anew, alg, jwt.kid));
}

function keysOf(jwks: JsonObject): readonly PublicKey[] {
  const known = parsed.get(jwks);
  if (known !== undefined) return known;
  const keys = readPublicKeys(jwks);
  parsed.set(jwks, keys);
  return keys;
}
