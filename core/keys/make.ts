import { calculateJwkThumbprint } from "jose";
import type { JsonWebKey } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { KEY_ALGORITHMS } from "./algorithms.ts";
import { fromJwk, toJwk } from "./jwk.ts";

/** Makes a key for an algorithm of KEY_ALGORITHMS; named by its thumbprint unless it is given a name (RFC 7638). */
export async function makeKey(alg: string, { kid, use }: { readonly kid: string; readonly use: string }): Promise<JsonWebKey> {
  const algorithm = KEY_ALGORITHMS[alg];
  if (algorithm === undefined) throw new Error(`no key can be made for ${alg}`);
  const jwk = (await algorithm.make()).export({ format: "jwk" });
  return fromJwk(jwk, { kid: kid === "" ? await thumbprint(jwk) : kid, alg, use });
}

/** Name of a key that came without one. Not for a symmetric key: it would be a hash of the secret, beside it and unsealed. */
export async function thumbprintOf(key: JsonWebKey): Promise<string> {
  return thumbprint(toJwk(key));
}

function thumbprint(jwk: object): Promise<string> {
  return calculateJwkThumbprint(jwk as Parameters<typeof calculateJwkThumbprint>[0]);
}
