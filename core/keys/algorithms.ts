import { constants, generateKeyPair, hash, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import { isSignatureAlg, type SignatureAlg } from "#lib/signature-algs.ts";

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
  readonly sign: (data: Buffer, key: KeyObject) => Buffer;
  /** What an ID token's `at_hash` is made by (OIDC Core §3.1.3.6): the hash that is part of the algorithm; for Ed25519 SHA-512 (RFC 8032 §5.1). */
  readonly hash: "sha256" | "sha384" | "sha512";
}

type Hash = KeyAlgorithm["hash"];

const makeRsa = async (): Promise<KeyObject> => (await generate("rsa", { modulusLength: RSA_BITS })).privateKey;
const pkcs1 = (hash: Hash): KeyAlgorithm => ({ kty: "RSA", hash, make: makeRsa, sign: (data, key) => sign(hash, data, key) });
const pss = (hash: Hash): KeyAlgorithm => ({
  kty: "RSA",
  hash,
  make: makeRsa,
  sign: (data, key) => sign(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
});
/** `size`: bytes of a number modulo the curve's order. A key in an object with options makes `sign` take 85 µs instead of 32, so the form is changed here. */
const ecdsa = (crv: string, hash: Hash, size: number): KeyAlgorithm => ({
  kty: "EC",
  crv,
  hash,
  make: async () => (await generate("ec", { namedCurve: crv })).privateKey,
  sign: (data, key) => fromDer(sign(hash, data, key), size),
});
const ed25519: KeyAlgorithm = {
  kty: "OKP",
  crv: "Ed25519",
  hash: "sha512",
  make: async () => (await generate("ed25519")).privateKey,
  sign: (data, key) => sign(null, data, key),
};

/** Every algorithm that keys are made for. @see RFC 7518 §3.1, RFC 8037 */
export const KEY_ALGORITHMS: Readonly<Record<SignatureAlg, KeyAlgorithm>> = {
  RS256: pkcs1("sha256"),
  RS384: pkcs1("sha384"),
  RS512: pkcs1("sha512"),
  PS256: pss("sha256"),
  PS384: pss("sha384"),
  PS512: pss("sha512"),
  ES256: ecdsa("P-256", "sha256", 32),
  ES384: ecdsa("P-384", "sha384", 48),
  ES512: ecdsa("P-521", "sha512", 66),
  EdDSA: ed25519,
};

/** A signature as two numbers side by side (RFC 7518 §3.4), from the ASN.1 sequence that OpenSSL makes (RFC 3279 §2.2.3). */
function fromDer(der: Buffer, size: number): Buffer {
  const sides = Buffer.alloc(2 * size);
  let at = der[1] === 0x81 ? 3 : 2; // behind the sequence's tag and length
  for (const end of [size, 2 * size]) {
    const length = der[at + 1] ?? 0;
    const next = at + 2 + length;
    const number = der.subarray(next - Math.min(length, size), next); // without the zero that keeps it positive
    sides.set(number, end - number.length);
    at = next;
  }
  return sides;
}

/** `alg` of a key that names none (RFC 7517 §4.4: it may), by its curve or else its type. */
const DEFAULTS: Readonly<Record<string, SignatureAlg>> = { RSA: "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", Ed25519: "EdDSA" };

/** The algorithm that a key signs by; undefined: none, or one that does not fit the key (RFC 8725 §3.1). */
export function signingAlgorithmOf({ alg, kty, crv }: { readonly alg: string; readonly kty: string; readonly crv: string }): SignatureAlg | undefined {
  const fallback = crv || kty;
  const name = alg || (Object.hasOwn(DEFAULTS, fallback) ? (DEFAULTS[fallback] ?? "") : "");
  if (!isSignatureAlg(name)) return undefined;
  const row = KEY_ALGORITHMS[name];
  return row.kty === kty && (row.crv === undefined || row.crv === crv) ? name : undefined;
}

/** `at_hash`, `c_hash`, `s_hash` of a value, beside a signature by `alg`. @see OIDC Core §3.1.3.6, §3.3.2.11 */
export function leftHalfHash(alg: SignatureAlg, value: string): string {
  const digest = hash(KEY_ALGORITHMS[alg].hash, value, "buffer");
  return digest.subarray(0, digest.length / 2).toString("base64url");
}
