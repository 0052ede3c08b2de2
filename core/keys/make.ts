import { calculateJwkThumbprint } from "jose";
import type { JsonWebKey } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import type { SignatureAlg } from "#lib/signature-algs.ts";
import { KEY_ALGORITHMS } from "./algorithms.ts";
import { fromJwk, toJwk } from "./jwk.ts";

/** Makes a key; named by its thumbprint unless it is given a name (RFC 7638). */
export async function makeKey(alg: SignatureAlg, { kid, use }: { readonly kid: string; readonly use: string }): Promise<JsonWebKey> {
  const jwk = (await KEY_ALGORITHMS[alg].make()).export({ format: "jwk" });
  return fromJwk(jwk, { kid: kid === "" ? await thumbprint(jwk) : kid, alg, use });
}

/** Name of a key that came without one. Not for a symmetric key: it would be a hash of the secret, beside it and unsealed. */
export async function thumbprintOf(key: JsonWebKey): Promise<string> {
  return thumbprint(toJwk(key));
}

function thumbprint(jwk: object): Promise<string> {
  return calculateJwkThumbprint(jwk as Parameters<typeof calculateJwkThumbprint>[0]);
}
