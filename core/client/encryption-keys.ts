import { createPublicKey, type KeyObject } from "node:crypto";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isJsonObject } from "#lib/json.ts";
import { RSA_BITS } from "../jwt/public-keys.ts";

const MAX_KEYS = 100;
/** `key_ops` of a public key that something can be encrypted to (RFC 7517 §4.3). */
const OPERATIONS: readonly JsonValue[] = ["encrypt", "wrapKey", "deriveKey", "deriveBits"];

/**
 * How a content encryption key reaches the client (RFC 7518 §4.1), by the `kty` and curves of the keys that it is done with. RSA1_5 is
 * not here (RFC 8725 §3.2), and nothing that needs a shared secret: of secrets only hashes are kept.
 */
const KEY_MANAGEMENT = {
  "RSA-OAEP": ["RSA"],
  "RSA-OAEP-256": ["RSA"],
  "ECDH-ES": ["P-256", "P-384", "P-521", "X25519"],
  "ECDH-ES+A128KW": ["P-256", "P-384", "P-521", "X25519"],
  "ECDH-ES+A192KW": ["P-256", "P-384", "P-521", "X25519"],
  "ECDH-ES+A256KW": ["P-256", "P-384", "P-521", "X25519"],
} as const;

/** Algorithm of key management. */
export type KeyManagementAlg = keyof typeof KEY_MANAGEMENT;

/** Every one that there is. */
export const KEY_MANAGEMENT_ALGS = Object.keys(KEY_MANAGEMENT) as readonly KeyManagementAlg[];

/** Whether a text names one. */
export function isKeyManagementAlg(alg: string): alg is KeyManagementAlg {
  return Object.hasOwn(KEY_MANAGEMENT, alg);
}

/** A key of a client that something can be encrypted to. */
export interface EncryptionKey {
  readonly key: KeyObject;
  readonly kid: string | undefined;
}

/**
 * The key of a JWK set to encrypt to, the first that fits: one that says that it is for encryption before one that does not say
 * what it is for. Keys that cannot be read, are weak or show a private part are left out. Undefined: there is none.
 * @see RFC 7517 §4.2 to §4.4, OIDC Core §10.2
 */
export function findEncryptionKey(keys: JsonValue | undefined, alg: KeyManagementAlg): EncryptionKey | undefined {
  const fitting = (Array.isArray(keys) ? keys.slice(0, MAX_KEYS) : []).filter((key) => isForEncryption(key, alg)) as JsonObject[];
  for (const jwk of fitting.toSorted((a, b) => Number(b.use === "enc") - Number(a.use === "enc"))) {
    const key = importKey(jwk);
    if (key !== undefined) return { key, kid: typeof jwk.kid === "string" ? jwk.kid : undefined };
  }
  return undefined;
}

function isForEncryption(key: JsonValue, alg: KeyManagementAlg): boolean {
  if (!isJsonObject(key)) return false;
  const { kty, crv, use, alg: forAlg, key_ops: operations } = key;
  const kind = kty === "RSA" ? kty : kty === "EC" || kty === "OKP" ? crv : undefined;
  return (
    KEY_MANAGEMENT[alg].some((each) => each === kind) &&
    (use === undefined || use === "enc") &&
    (forAlg === undefined || forAlg === alg) &&
    (!Array.isArray(operations) || operations.some((each) => OPERATIONS.includes(each)))
  );
}

function importKey(jwk: JsonObject): KeyObject | undefined {
  if ("d" in jwk) return undefined;
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const { modulusLength: bits = RSA_BITS.min } = key.asymmetricKeyDetails ?? {};
    return bits < RSA_BITS.min || bits > RSA_BITS.max ? undefined : key;
  } catch {
    return undefined;
  }
}
