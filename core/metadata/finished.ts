import { hash } from "node:crypto";

/** A document that travels as it is: JSON in UTF-8, and its entity tag without quotes (RFC 9110 §8.8.3). */
export interface FinishedJson {
  readonly json: Uint8Array;
  readonly etag: string;
}

/** Finishes a document. The tag is of the bytes, so every core gives the same document the same one. */
export function finishJson(document: object): FinishedJson {
  const json = new TextEncoder().encode(JSON.stringify(document));
  return { json, etag: hash("sha256", json, "base64url").slice(0, 22) };
}
