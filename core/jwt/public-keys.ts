import { createPublicKey, type KeyObject } from "node:crypto";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isJsonObject } from "#lib/json.ts";
import type { SignatureAlg } from "#lib/signature-algs.ts";
import { KEY_ALGORITHMS } from "../keys/algorithms.ts";

/** A public key of somebody else, fit to verify signatures. */
export interface PublicKey {
  readonly kid: string | undefined;
  /** Undefined: any that fits its type. */
  readonly alg: string | undefined;
  readonly kty: string;
  readonly crv: string | undefined;
  readonly key: KeyObject;
}

/** Keys of one set that are looked at. */
const MAX_KEYS = 100;
/** Keys that are tried on one signature which names none. */
const MAX_TRIED = 20;
/** Sizes of RSA keys of others that are taken: shorter ones are weak, longer ones only slow. */
export const RSA_BITS = { min: 2048, max: 16_384 } as const;
/** A longer one only makes verifying slow. */
const MAX_EXPONENT = 2n ** 64n;

/**
 * The keys of a JWK set that verify signatures. What cannot be read, is for something else or shows a private part is left
 * out: the others must not suffer from it (RFC 7517 §5).
 */
export function readPublicKeys(set: JsonValue | undefined): readonly PublicKey[] {
  const keys = isJsonObject(set) && Array.isArray(set.keys) ? set.keys.slice(0, MAX_KEYS) : [];
  return keys.flatMap((jwk) => (isJsonObject(jwk) ? (readPublicKey(jwk) ?? []) : []));
}

/** The keys that may have made a signature by `alg`; with a `kid` those of that name (RFC 7515 §4.1.4). */
export function keysFor(keys: readonly PublicKey[], alg: SignatureAlg, kid: string | undefined): readonly KeyObject[] {
  const row = KEY_ALGORITHMS[alg];
  return keys
    .filter((key) => key.kty === row.kty && (row.crv === undefined || key.crv === row.crv) && (key.alg === undefined || key.alg === alg) && (kid === undefined || key.kid === kid))
    .slice(0, MAX_TRIED)
    .map(({ key }) => key);
}

/** RFC 7517 §4.2, §4.3: `use` and `key_ops` say what a key is for. */
function readPublicKey(jwk: JsonObject): PublicKey | undefined {
  const { kty, crv, kid, alg, use, key_ops: operations } = jwk;
  if (typeof kty !== "string" || "d" in jwk || "k" in jwk) return undefined;
  if (use !== undefined && use !== "sig") return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return undefined;
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const { modulusLength: bits, publicExponent: exponent = 0n } = key.asymmetricKeyDetails ?? {};
    if (bits !== undefined && (bits < RSA_BITS.min || bits > RSA_BITS.max || exponent > MAX_EXPONENT)) return undefined;
    return { kty, key, kid: textOf(kid), alg: textOf(alg), crv: textOf(crv) };
  } catch {
    return undefined;
  }
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
