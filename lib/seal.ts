import { hkdfSync } from "node:crypto";
import { OAuthError } from "./errors.ts";
import type { Random } from "./random.ts";
import { makeXaes, NONCE_SIZE, PREFIX_SIZE, TAG_SIZE, type Xaes } from "./xaes.ts";

/** What a sealed string is. Each has a key and a prefix of its own, so that one never passes for another. */
export const SEAL_KINDS = {
  access_token: "at",
  refresh_token: "rt",
  authorization_code: "ac",
  login_challenge: "lc",
  login_verifier: "lv",
  consent_challenge: "cc",
  consent_verifier: "cv",
  logout_challenge: "oc",
  logout_verifier: "ov",
  session_cookie: "sc",
  page_token: "pt",
  device_code: "dc",
  device_challenge: "dl",
  device_verifier: "dv",
  stored_key: "sk",
  stored_outcome: "so",
  stored_session: "ss",
  stored_secret: "st",
} as const;

/** Kind of a sealed string. */
export type SealKind = keyof typeof SEAL_KINDS;

/**
 * What opening a string comes to. `unknown_key`: it names a secret that is not configured here; a rolling restart may be
 * under way, so this is never a verdict on the string. `invalid`: nobody with our secrets made it, not as this kind.
 */
export type Opened = { readonly kind: "opened"; readonly payload: Uint8Array } | { readonly kind: "invalid" | "unknown_key" };

/** Seals and opens strings. */
export interface Sealer {
  /** Key id of the secret that seals, 4 bytes. */
  readonly keyId: Uint8Array;
  /** Key ids of all secrets that open. */
  readonly keyIds: readonly Uint8Array[];
  /** Shape: `PREFIX_KIND_` + base64url(version ‖ key id ‖ nonce ‖ XAES-256-GCM(payload)). */
  seal(kind: SealKind, payload: Uint8Array): string;
  /** Whether a string names the first secret, of those that `seal` made. */
  isCurrent(sealed: string): boolean;
  /** Opens what `seal` made, with any of the secrets. Never throws. */
  open(kind: SealKind, sealed: string): Opened;
}

/** How a sealer is made. */
export interface SealerOptions {
  /** The first seals, all open. */
  readonly secrets: readonly string[];
  /** Issuer id in the database: strings of one issuer do not open for another, whatever their URLs are. */
  readonly issuer: number;
  /**
   * First part of the prefix that is written, such as `writ`. It is a label for people and scanners and protects nothing:
   * strings with the prefix of either `compat` open too, so that turning it on or off ends no token.
   */
  readonly prefix: string;
  readonly random: Random;
}

const VERSION = 1;
/** Messages whose nonces begin alike. Two of 2¹⁶ random halves of 12 bytes are the same with a chance of 2⁻⁶⁵. */
const MAX_PER_PREFIX = 65_536;
const KEY_ID_SIZE = 4;
const HEADER_SIZE = 1 + KEY_ID_SIZE;
const OVERHEAD = HEADER_SIZE + NONCE_SIZE + TAG_SIZE;
/** Nothing that travels comes near it; what is longer is refused before any work is done on it. */
const MAX_LENGTH = 16_384;
/** What apps hand over and rows keep. */
const MAX_STORED_LENGTH = 1_048_576;

/** Prefixes that Writ writes by default and under `compat: hydra`. */
const KNOWN_PREFIXES = ["writ", "ory"] as const;

const INVALID: Opened = { kind: "invalid" };
const UNKNOWN_KEY: Opened = { kind: "unknown_key" };

interface Key {
  readonly xaes: Xaes;
  readonly associatedData: Uint8Array;
}

interface Ring {
  readonly prefix: string;
  readonly accepted: readonly string[];
  readonly header: Uint8Array;
  readonly current: Key;
  readonly byId: ReadonlyMap<number, Key>;
}

/**
 * Makes a sealer. Associated data: version, key id, kind and issuer id.
 * @throws Error when there is no secret.
 */
export function makeSealer({ secrets, issuer, prefix, random }: SealerOptions): Sealer {
  const unique = [...new Set(secrets)];
  const keyIds = unique.map((secret) => derive(secret, "writ key id v1", KEY_ID_SIZE));
  const [keyId] = keyIds;
  if (keyId === undefined) throw new Error("no secret to seal with");
  const makeRing = (kind: SealKind): Ring => {
    const keys = unique.map((secret, i) => makeKey(secret, keyIds[i] ?? keyId, kind, issuer));
    const byId = new Map(keys.map((key, i) => [readKeyId(keyIds[i] ?? keyId, 0), key]));
    const accepted = [...new Set([prefix, ...KNOWN_PREFIXES])].map((each) => `${each}_${SEAL_KINDS[kind]}_`);
    return { prefix: `${prefix}_${SEAL_KINDS[kind]}_`, accepted, header: Uint8Array.of(VERSION, ...keyId), current: keys[0] as Key, byId };
  };
  const rings = Object.fromEntries((Object.keys(SEAL_KINDS) as SealKind[]).map((kind) => [kind, makeRing(kind)])) as Record<SealKind, Ring>;

  // Deriving a key costs as much as encrypting a token, so nonces share their first half for a while (docs/adr/0005).
  let prefixOfNonces = random(PREFIX_SIZE);
  let used = 0;
  const nextNonce = (): Uint8Array => {
    if (used++ === MAX_PER_PREFIX) [prefixOfNonces, used] = [random(PREFIX_SIZE), 1];
    const nonce = Buffer.allocUnsafe(NONCE_SIZE);
    nonce.set(prefixOfNonces);
    nonce.set(random(NONCE_SIZE - PREFIX_SIZE), PREFIX_SIZE);
    return nonce;
  };

  return {
    keyId,
    keyIds,
    seal(kind, payload) {
      const { prefix: kindPrefix, header, current } = rings[kind];
      const nonce = nextNonce();
      const sealed = Buffer.allocUnsafe(OVERHEAD + payload.length);
      sealed.set(header);
      sealed.set(nonce, HEADER_SIZE);
      sealed.set(current.xaes.seal(nonce, payload, current.associatedData), HEADER_SIZE + NONCE_SIZE);
      return kindPrefix + sealed.toString("base64url");
    },
    isCurrent(sealed) {
      const bytes = Buffer.from(sealed.slice(sealed.indexOf("_") + 4), "base64url"); // what stands behind PREFIX_KIND_
      return bytes.length >= OVERHEAD && readKeyId(bytes, 1) === readKeyId(keyId, 0);
    },
    open(kind, sealed) {
      const { accepted, byId } = rings[kind];
      const kindPrefix = accepted.find((each) => sealed.startsWith(each));
      if (kindPrefix === undefined || sealed.length > (kind.startsWith("stored_") ? MAX_STORED_LENGTH : MAX_LENGTH)) return INVALID;
      const text = sealed.slice(kindPrefix.length);
      const bytes = Buffer.from(text, "base64url");
      // One string a token: what only decodes to the same bytes (padding, other alphabet, loose last bits) is not it.
      if (bytes.length < OVERHEAD || bytes[0] !== VERSION || bytes.toString("base64url") !== text) return INVALID;
      const key = byId.get(readKeyId(bytes, 1));
      if (key === undefined) return UNKNOWN_KEY;
      const bodyAt = HEADER_SIZE + NONCE_SIZE;
      const payload = key.xaes.open(bytes.subarray(HEADER_SIZE, bodyAt), bytes.subarray(bodyAt), key.associatedData);
      return payload === undefined ? INVALID : { kind: "opened", payload };
    },
  };
}

function makeKey(secret: string, keyId: Uint8Array, kind: SealKind, issuer: number): Key {
  const associatedData = Buffer.concat([Uint8Array.of(VERSION), keyId, Buffer.from(`${kind}\0`), Buffer.alloc(4)]);
  associatedData.writeUInt32BE(issuer, associatedData.length - 4);
  return { xaes: makeXaes(derive(secret, `writ seal v1 ${kind}`, 32)), associatedData };
}

function readKeyId(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}

/** HKDF-SHA256 (RFC 5869) of a secret, for one purpose. */
export function derive(secret: string, purpose: string, size: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", purpose, size));
}

/**
 * The payload of a sealed string. Undefined: it is none. `what` begins the description of the error.
 * @throws OAuthError temporarily_unavailable when it names a secret that is not configured here: a rolling restart may be under way
 */
export function openSealed(sealer: Sealer, kind: SealKind, sealed: string, what: string): Uint8Array | undefined {
  const opened = sealer.open(kind, sealed);
  if (opened.kind === "unknown_key") throw new OAuthError("temporarily_unavailable", `${what} was sealed with a secret that this server does not have (yet)`);
  return opened.kind === "opened" ? opened.payload : undefined;
}
