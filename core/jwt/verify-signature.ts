import type { KeyObject } from "node:crypto";
import { compactVerify, errors } from "jose";
import type { UnverifiedJwt } from "./read-jwt.ts";

/**
 * Whether one of the keys signed a JWT by `alg`, which is the caller's to know: the header alone never decides what a key is
 * used for (RFC 8725 §3.1).
 */
export async function isSignedBy({ token }: UnverifiedJwt, alg: string, keys: readonly KeyObject[]): Promise<boolean> {
  for (const key of keys) {
    try {
      await compactVerify(token, key, { algorithms: [alg] });
      return true;
    } catch (error) {
      if (!(error instanceof errors.JOSEError || error instanceof TypeError)) throw error; // TypeError: the key does not do
    }
  }
  return false;
}
