import type { JsonObject } from "@bufbuild/protobuf";
import { isJsonObject } from "#lib/json.ts";

/** A JWT of somebody else, taken apart. Nothing of it is proved yet. */
export interface UnverifiedJwt {
  readonly token: string;
  readonly alg: string;
  readonly kid: string | undefined;
  /** Lower case, without `application/`; empty: none. */
  readonly typ: string;
  readonly claims: JsonObject;
}

/** Longest JWT in characters: nothing that is signed for us comes near it. */
const MAX_LENGTH = 16_384;
const MAX_NAME = 255;
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * Takes a signed or unsigned JWT apart. Undefined: it is none, is too long, is encrypted, or asks for something by `crit` or
 * `b64` (RFC 7515 §4.1.11, RFC 7797 §7). Keys and URLs in its header are never looked at (RFC 8725 §3.10).
 */
export function readJwt(token: string): UnverifiedJwt | undefined {
  if (token.length > MAX_LENGTH || !COMPACT.test(token)) return undefined;
  const [protectedHeader = "", payload = "", signature = ""] = token.split(".");
  const header = readObject(protectedHeader);
  const claims = readObject(payload);
  if (header === undefined || claims === undefined || "crit" in header || "b64" in header || "enc" in header) return undefined;
  const { alg, kid, typ = "" } = header;
  if (typeof alg !== "string" || typeof typ !== "string" || alg.length > MAX_NAME || typ.length > MAX_NAME) return undefined;
  if (kid !== undefined && (typeof kid !== "string" || kid.length > MAX_NAME)) return undefined;
  if ((alg === "none") !== (signature === "")) return undefined;
  return { token, alg, kid, typ: typ.toLowerCase().replace(/^application\//, ""), claims };
}

function readObject(base64url: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(base64url, "base64url")));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
