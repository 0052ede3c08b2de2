import type { JsonObject } from "@bufbuild/protobuf";

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

/**
 * The key of a JWK set to encrypt by, the first that fits: one that says that it is for encryption before one that does not
 * say what it is for. Undefined: there is none.
 * @see RFC 7517 §4.2 to §4.4, OIDC Core §10.2
 */
export function findEncryptionKey(keys: unknown, alg: KeyManagementAlg): JsonObject | undefined {
  const fitting = (Array.isArray(keys) ? keys : []).filter((key) => isForEncryption(key, alg));
  return fitting.find(({ use }) => use === "enc") ?? fitting[0];
}

function isForEncryption(key: unknown, alg: KeyManagementAlg): key is JsonObject {
  if (typeof key !== "object" || key === null) return false;
  const { kty, crv, use, alg: forAlg, key_ops: operations } = key as JsonObject;
  const kind = kty === "RSA" ? kty : kty === "EC" || kty === "OKP" ? crv : undefined;
  return (
    KEY_MANAGEMENT[alg].some((each) => each === kind) &&
    (use === undefined || use === "enc") &&
    (forAlg === undefined || forAlg === alg) &&
    (!Array.isArray(operations) || operations.some((each) => each === "wrapKey" || each === "encrypt" || each === "deriveKey" || each === "deriveBits"))
  );
}
