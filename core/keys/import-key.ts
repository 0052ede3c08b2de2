import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { JsonWebKey } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { signingAlgorithmOf } from "./algorithms.ts";
import { publicPart, toJwk } from "./jwk.ts";

/** A key as node:crypto has it. A symmetric one has neither part: Writ only keeps it. */
export interface KeyPair {
  readonly privateKey: KeyObject | undefined;
  readonly publicKey: KeyObject | undefined;
}

/** RFC 7518 §3.3. */
const MIN_RSA_BITS = 2048;
/** A signature with more takes tens of milliseconds of the event loop. */
const MAX_RSA_BITS = 8192;
/** Longest member in characters: the sealed form of all of them together has a limit, and a key that is not read again is lost. */
const MAX_MEMBER = 8192;
const MAX_CERTIFICATES = 10;
const BASE64URL = /^[\w-]*$/;
const BASE64URL_MEMBERS = ["x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi", "k"] as const;

type Check = (name: string, key: JsonWebKey) => KeyPair;

/** By `kty` (RFC 7518 §6.1, RFC 8037 §2). */
const CHECKS: Readonly<Record<string, Check>> = { RSA: checkRsa, EC: checkAsymmetric, OKP: checkAsymmetric, oct: checkSymmetric };

/**
 * Reads a key that came from outside: nothing is kept that could not sign, or whose signatures its public part would not verify.
 * @throws OAuthError invalid_request naming the key and what is wrong with it
 */
export function importKey(key: JsonWebKey): KeyPair {
  const name = `key '${key.kid.slice(0, 100)}'`;
  const check = Object.hasOwn(CHECKS, key.kty) ? CHECKS[key.kty] : undefined;
  if (check === undefined) throw refuse(name, `'kty' is '${key.kty.slice(0, 20)}' and must be RSA, EC, OKP or oct`);
  for (const member of BASE64URL_MEMBERS) if (key[member].length > MAX_MEMBER || !BASE64URL.test(key[member])) throw refuse(name, `'${member}' is not base64url, or too long`);
  for (const member of ["use", "alg", "crv"] as const) if (key[member].length > 32) throw refuse(name, `'${member}' is too long`);
  if (key.x5c.length > MAX_CERTIFICATES || key.x5c.some((each) => each.length > MAX_MEMBER))
    throw refuse(name, `'x5c' holds more than ${MAX_CERTIFICATES} certificates, or one of more than ${MAX_MEMBER} characters`);
  return check(name, key);
}

/** Reads the public part of a key that was checked before. @throws Error when it is none */
export function readPublicKey(key: JsonWebKey): KeyObject {
  return createPublicKey({ key: toJwk(publicPart(key)), format: "jwk" });
}

/** Reads a key that was checked before. @throws Error when it is none */
export function readPrivateKey(key: JsonWebKey): KeyObject {
  return createPrivateKey({ key: toJwk(key), format: "jwk" });
}

function checkAsymmetric(name: string, key: JsonWebKey): KeyPair {
  if (key.k !== "") throw refuse(name, "'k' is for kty oct");
  if (key.use !== "enc" && signingAlgorithmOf(key) === undefined)
    throw refuse(name, `'alg' is '${key.alg}', by which a key of kty ${key.kty}${key.crv === "" ? "" : ` and crv ${key.crv}`} cannot sign here`);
  const pair = parse(name, key);
  if (pair.privateKey !== undefined && !isPair(pair.privateKey, pair.publicKey)) throw refuse(name, "its private and its public members do not belong together");
  return pair;
}

function checkRsa(name: string, key: JsonWebKey): KeyPair {
  const { n, e, d, p, q, dp, dq, qi } = key;
  // 1366 characters are 8192 bits. Looked at before anything is computed with it.
  if (n.length > Math.ceil(MAX_RSA_BITS / 6)) throw refuse(name, `an RSA key may have ${MAX_RSA_BITS} bits at most`);
  if (e.length > 8) throw refuse(name, "'e' is longer than 48 bits");
  if (d === "" && [p, q, dp, dq, qi].some((each) => each !== "")) throw refuse(name, "'d' is missing beside other private members (RFC 7518 §6.3.2)");
  if (d !== "" && !isConsistent(key)) throw refuse(name, "its members do not belong together (RFC 7518 §6.3.2)");
  const pair = checkAsymmetric(name, key);
  const { modulusLength: bits = 0, publicExponent: exponent = 0n } = pair.publicKey?.asymmetricKeyDetails ?? {};
  if (bits < MIN_RSA_BITS) throw refuse(name, `an RSA key needs ${MIN_RSA_BITS} bits or more, and has ${bits}`);
  if (exponent < 3n || exponent % 2n === 0n) throw refuse(name, "'e' is even or less than 3");
  return pair;
}

/** Writ signs nothing with it, so any length is kept; RFC 7518 §3.2 is for whoever uses it. */
function checkSymmetric(name: string, { k }: JsonWebKey): KeyPair {
  if (k === "") throw refuse(name, "'k' is missing");
  return { privateKey: undefined, publicKey: undefined };
}

function parse(name: string, key: JsonWebKey): { readonly privateKey: KeyObject | undefined; readonly publicKey: KeyObject } {
  try {
    return { privateKey: key.d === "" ? undefined : readPrivateKey(key), publicKey: readPublicKey(key) };
  } catch (cause) {
    throw new OAuthError("invalid_request", `${name}: its members do not make a key of kty ${key.kty}`, { cause });
  }
}

/** The equations that the members of an RSA private key satisfy; OpenSSL computes with some of them and believes the others. */
function isConsistent({ n, e, d, p, q, dp, dq, qi }: JsonWebKey): boolean {
  const [N, E, D, P, Q, DP, DQ, QI] = [toInteger(n), toInteger(e), toInteger(d), toInteger(p), toInteger(q), toInteger(dp), toInteger(dq), toInteger(qi)] as const;
  if (P < 3n || Q < 3n) return false;
  return P * Q === N && (E * D) % (P - 1n) === 1n && (E * D) % (Q - 1n) === 1n && DP === D % (P - 1n) && DQ === D % (Q - 1n) && (QI * Q) % P === 1n;
}

function toInteger(base64url: string): bigint {
  return BigInt(`0x0${Buffer.from(base64url, "base64url").toString("hex")}`);
}

const PROBE = Buffer.from("a key that signs this");

/** What the private key signs, the public one verifies; where a key only agrees (X25519), both have one public value. */
function isPair(privateKey: KeyObject, publicKey: KeyObject): boolean {
  const type = privateKey.asymmetricKeyType ?? "";
  if (type.startsWith("x")) return publicKey.equals(createPublicKey(privateKey));
  const digest = type.startsWith("ed") ? null : "sha256";
  try {
    return verify(digest, PROBE, publicKey, sign(digest, PROBE, privateKey));
  } catch {
    return false;
  }
}

function refuse(name: string, why: string): OAuthError {
  return new OAuthError("invalid_request", `${name}: ${why}`);
}
