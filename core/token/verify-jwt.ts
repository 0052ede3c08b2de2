import type { JsonObject } from "@bufbuild/protobuf";
import { compactVerify, decodeProtectedHeader, errors } from "jose";
import { isJsonObject } from "#lib/json.ts";
import type { SigningKeys, SigningSet } from "../keys/signing-keys.ts";

/** A JWT whose signature is ours. Nothing else of it was looked at. */
export interface VerifiedJwt {
  readonly typ: string;
  readonly claims: JsonObject;
}

/** Verifies the signature of a JWT by the keys of a set. Undefined: it is none of ours. */
export async function verifyJwt(keys: SigningKeys, set: SigningSet, token: string): Promise<VerifiedJwt | undefined> {
  try {
    const { kid, alg, typ } = decodeProtectedHeader(token);
    if (typeof kid !== "string") return undefined;
    const key = await keys.find(set, kid);
    // RFC 8725 §3.1: the key says which algorithm it is for, not the token.
    if (key === undefined || key.alg !== alg) return undefined;
    const { payload } = await compactVerify(token, key.publicKey, { algorithms: [key.alg] });
    const claims: unknown = JSON.parse(Buffer.from(payload).toString());
    return isJsonObject(claims) ? { typ: typ ?? "", claims } : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
