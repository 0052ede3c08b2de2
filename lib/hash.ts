import { type Hmac, hash, timingSafeEqual } from "node:crypto";

declare const hashOf: unique symbol;

/** SHA-256 of a secret of kind `What`. Only this file makes one, so that a plain secret cannot reach a table. */
export type Hashed<What extends string> = Uint8Array & { readonly [hashOf]: What };

/** SHA-256 of a secret that has full entropy of its own. By way of text: with a Buffer from `hash` it takes twice as long. */
export function hashSecret<What extends string>(secret: string): Hashed<What> {
  return Buffer.from(hash("sha256", secret, "binary"), "latin1") as unknown as Hashed<What>;
}

/** First half of the SHA-256 of a text: 16 bytes, enough to tell it from any other. */
export function halfHash(text: string): Uint8Array {
  return hashSecret<"half">(text).subarray(0, 16);
}

/** Adds parts to a keyed hash, each with its length before it: no two lists of parts make the same input. */
export function addParts(hmac: Hmac, parts: readonly (string | Uint8Array)[]): void {
  for (const part of parts) {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(typeof part === "string" ? Buffer.byteLength(part) : part.length);
    hmac.update(size).update(part);
  }
}

/** Compares in constant time. Lengths are no secret: those of hashes are fixed. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
