import { createPublicKey } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { isSignatureAlg, SIGNATURE_ALGS } from "#lib/signature-algs.ts";
import { keysFor, RSA_BITS, readPublicKeys } from "../jwt/public-keys.ts";
import { invalid } from "./invalid.ts";

const MAX_KEYS = 50;

/** Members of private and of symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] as const;

/** Whether a client brings keys by value: `{}` is Hydra's way to say that there are none. */
export function bringsJwks(jwks: JsonObject | undefined): boolean {
  return jwks !== undefined && Object.keys(jwks).length > 0;
}

/**
 * Refuses a client's JWK set that holds anything but public keys that can be read.
 * @throws OAuthError invalid_client_metadata saying which key and why
 * @see RFC 7591 §2, RFC 7517 §5
 */
export function requirePublicJwks({ keys }: JsonObject): void {
  if (!Array.isArray(keys) || keys.length === 0) throw invalid("jwks", "has no keys in a list 'keys'");
  if (keys.length > MAX_KEYS) throw invalid("jwks", `has more than ${MAX_KEYS} keys`);
  for (const [i, key] of keys.entries()) {
    if (typeof key !== "object" || key === null || Array.isArray(key)) throw invalid("jwks", `holds at ${i} something that is no key`);
    requirePublicKey(i, key);
  }
}

/**
 * Refuses a set in which no key verifies signatures by `alg`, or by any where it is empty: its client could never be believed.
 * @throws OAuthError invalid_client_metadata
 */
export function requireKeyFor(member: string, jwks: JsonObject | undefined, alg: string): void {
  const keys = readPublicKeys(jwks);
  const algs = isSignatureAlg(alg) ? [alg] : SIGNATURE_ALGS;
  if (!algs.some((each) => keysFor(keys, each, undefined).length > 0)) throw invalid(member, `has no key that verifies signatures${alg === "" ? "" : ` by ${alg}`}`);
}

function requirePublicKey(i: number, key: JsonObject): void {
  const leaked = PRIVATE.find((member) => member in key);
  if (leaked !== undefined) throw invalid("jwks", `holds at ${i} a private key ('${leaked}'): register public keys only`);
  for (const member of ["kid", "use", "alg"] as const)
    if (member in key && typeof key[member] !== "string") throw invalid("jwks", `holds at ${i} a key whose '${member}' is no string`);
  const bits = modulusLength(i, key);
  if (bits !== undefined && (bits < RSA_BITS.min || bits > RSA_BITS.max))
    throw invalid("jwks", `holds at ${i} an RSA key of ${bits} bits: ${RSA_BITS.min} to ${RSA_BITS.max} are taken`);
}

function modulusLength(i: number, key: JsonObject): number | undefined {
  try {
    return createPublicKey({ key, format: "jwk" }).asymmetricKeyDetails?.modulusLength;
  } catch {
    throw invalid("jwks", `holds at ${i} a key that cannot be read`);
  }
}
