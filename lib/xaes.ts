import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";

/** Bytes of a nonce. */
export const NONCE_SIZE = 24;
/** Bytes of the authentication tag at the end of what is sealed. */
export const TAG_SIZE = 16;

const BLOCK = 16;
const GCM = "aes-256-gcm";
/** Bytes of a nonce that the message's key is derived from; the others are AES-GCM's nonce under it. */
export const PREFIX_SIZE = 12;
/** Derived keys that are kept: nonces that begin alike share one. */
const MAX_DERIVED = 256;
const WITH_TAG = { authTagLength: TAG_SIZE } as const;

/** XAES-256-GCM under one key. A random nonce is safe for as many messages as anybody can send. */
export interface Xaes {
  /** Returns ciphertext ‖ tag. A nonce is used once; those that share their first half, for at most 2³² messages if the rest is random. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array;
  /** Returns the plaintext; undefined when it was not sealed so. */
  open(nonce: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Uint8Array | undefined;
}

/**
 * Makes XAES-256-GCM for a key of 32 bytes.
 * @see C2SP XAES-256-GCM
 */
export function makeXaes(key: Uint8Array): Xaes {
  // ECB keeps nothing between blocks, so one cipher serves every derivation; a fresh one would cost twenty times as much.
  const ecb = createCipheriv("aes-256-ecb", createSecretKey(key), null).setAutoPadding(false);
  const k1 = cmacSubkey(ecb.update(Buffer.alloc(BLOCK)));
  // Used again for every message, since each is done before the next begins.
  const blocks = Buffer.alloc(2 * BLOCK);

  // Keys of the first halves of nonces. Only what has been sealed or opened puts one here: a stranger cannot drive others out.
  const derived = new Map<string, KeyObject>();
  const keep = (half: string, made: KeyObject): void => {
    if (derived.has(half)) return;
    const [oldest] = derived.size < MAX_DERIVED ? [] : derived.keys();
    if (oldest !== undefined) derived.delete(oldest);
    derived.set(half, made);
  };
  const halfOf = (nonce: Uint8Array): string => Buffer.from(nonce.buffer, nonce.byteOffset, PREFIX_SIZE).toString("latin1");

  const derive = (nonce: Uint8Array): KeyObject => {
    for (let i = 0; i < PREFIX_SIZE; i++) blocks[i + 4] = blocks[i + 4 + BLOCK] = (nonce[i] ?? 0) ^ (k1[i + 4] ?? 0);
    for (let i = 0; i < 2; i++) {
      const at = i * BLOCK;
      blocks[at] = k1[0] ?? 0;
      blocks[at + 1] = (i + 1) ^ (k1[1] ?? 0);
      blocks[at + 2] = 0x58 ^ (k1[2] ?? 0);
      blocks[at + 3] = k1[3] ?? 0;
    }
    return createSecretKey(ecb.update(blocks)); // a key in bytes costs createCipheriv 14 µs more
  };

  return {
    seal(nonce, plaintext, associatedData) {
      const half = halfOf(nonce);
      const derivedKey = derived.get(half) ?? derive(nonce);
      keep(half, derivedKey);
      const cipher = createCipheriv(GCM, derivedKey, nonce.subarray(PREFIX_SIZE));
      cipher.setAAD(associatedData);
      const body = cipher.update(plaintext);
      cipher.final();
      const sealed = Buffer.allocUnsafe(body.length + TAG_SIZE);
      sealed.set(body);
      sealed.set(cipher.getAuthTag(), body.length);
      return sealed;
    },
    open(nonce, sealed, associatedData) {
      if (sealed.length < TAG_SIZE) return undefined;
      const end = sealed.length - TAG_SIZE;
      const half = halfOf(nonce);
      const derivedKey = derived.get(half) ?? derive(nonce);
      const decipher = createDecipheriv(GCM, derivedKey, nonce.subarray(PREFIX_SIZE), WITH_TAG);
      decipher.setAAD(associatedData);
      decipher.setAuthTag(sealed.subarray(end));
      const body = decipher.update(sealed.subarray(0, end));
      try {
        decipher.final();
      } catch {
        return undefined;
      }
      keep(half, derivedKey);
      return body;
    },
  };
}

/** NIST SP 800-38B §6.1: the first subkey, from the encryption of the zero block. */
function cmacSubkey(encryptedZero: Uint8Array): Uint8Array {
  const subkey = new Uint8Array(BLOCK);
  let carry = 0;
  for (let i = BLOCK - 1; i >= 0; i--) {
    const byte = encryptedZero[i] ?? 0;
    subkey[i] = (byte << 1) | carry;
    carry = byte >>> 7;
  }
  if (carry === 1) subkey[BLOCK - 1] = (subkey[BLOCK - 1] ?? 0) ^ 0x87;
  return subkey;
}
