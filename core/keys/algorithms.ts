import { generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

const generate = promisify(generateKeyPair);
/** Hydra makes 4096 bits, which sign six times slower; NIST SP 800-57 deems 2048 good until 2030 (docs/divergences.md). */
const RSA_BITS = 2048;

/** All that is known of an algorithm of signatures. */
export interface KeyAlgorithm {
  readonly kty: "RSA" | "EC" | "OKP";
  /** Curve that the algorithm is bound to (RFC 7518 §3.4, RFC 8037 §3.1). */
  readonly crv?: string;
  /** Makes a private key, off the event loop. */
  readonly make: () => Promise<KeyObject>;
}

const rsa: KeyAlgorithm = { kty: "RSA", make: async () => (await generate("rsa", { modulusLength: RSA_BITS })).privateKey };
const ec = (crv: string): KeyAlgorithm => ({ kty: "EC", crv, make: async () => (await generate("ec", { namedCurve: crv })).privateKey });

/** Every algorithm that keys are made for. @see RFC 7518 §3.1, RFC 8037 */
export const KEY_ALGORITHMS: Readonly<Record<string, KeyAlgorithm>> = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: ec("P-256"),
  ES384: ec("P-384"),
  ES512: ec("P-521"),
  EdDSA: { kty: "OKP", crv: "Ed25519", make: async () => (await generate("ed25519")).privateKey },
};

/** `alg` of a key that names none (RFC 7517 §4.4: it may), by its curve or else its type. */
const DEFAULTS: Readonly<Record<string, string>> = { RSA: "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", Ed25519: "EdDSA" };

/** The algorithm that a key signs by; undefined: none, or one that does not fit the key (RFC 8725 §3.1). */
export function signingAlgorithmOf({ alg, kty, crv }: { readonly alg: string; readonly kty: string; readonly crv: string }): string | undefined {
  const fallback = crv || kty;
  const name = alg || (Object.hasOwn(DEFAULTS, fallback) ? (DEFAULTS[fallback] ?? "") : "");
  const row = Object.hasOwn(KEY_ALGORITHMS, name) ? KEY_ALGORITHMS[name] : undefined;
  return row !== undefined && row.kty === kty && (row.crv === undefined || row.crv === crv) ? name : undefined;
}
