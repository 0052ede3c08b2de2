import { hash, timingSafeEqual } from "node:crypto";

declare const hashOf: unique symbol;

/** SHA-256 of a secret of kind `What`. Only this file makes one, so that a plain secret cannot reach a table. */
export type Hashed<What extends string> = Uint8Array & { readonly [hashOf]: What };

/** SHA-256 of a secret that has full entropy of its own. By way of text: with a Buffer from `hash` it takes twice as long. */
export function hashSecret<What extends string>(secret: string): Hashed<What> {
  return Buffer.from(hash("sha256", secret, "binary"), "latin1") as unknown as Hashed<What>;
}

/** Compares in constant time. Lengths are no secret: those of hashes are fixed. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
