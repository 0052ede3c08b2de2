import { createHash } from "node:crypto";
import type { EpochMillis } from "#lib/time.ts";
import { equalBytes } from "#lib/hash.ts";
import type { Db } from "./db.ts";
import { bytes } from "./row.ts";
import { insert, rows, type Steps } from "./steps.ts";

/** An assertion that may be used once. */
export interface AssertionUse {
  /** What it was for: uses of different kinds do not touch each other. */
  readonly kind: string;
  /** `iss` of the assertion. */
  readonly assertionIssuer: string;
  readonly jti: string;
  readonly expiresAt: EpochMillis;
  /** Random, 16 bytes, the same in every retry of one attempt. */
  readonly attempt: Uint8Array;
}

/** Spends the `jti` of an assertion (RFC 7523 §3). Of any number of racers one gets `used`; so does its own retry. */
export function useAssertionJti(db: Db, issuer: number, { kind, assertionIssuer, jti, expiresAt, attempt }: AssertionUse): Promise<{ readonly kind: "used" | "replayed" }> {
  const jtiHash = hashOf([kind, assertionIssuer, jti]);
  return db.driver.write(function* (): Steps<{ readonly kind: "used" | "replayed" }> {
    if (yield* insert("INSERT INTO assertion_jtis (issuer, jti_hash, attempt, expires_at) VALUES (?, ?, ?, ?)", issuer, jtiHash, attempt, expiresAt)) return { kind: "used" };
    const [row] = yield* rows("SELECT attempt FROM assertion_jtis WHERE issuer = ? AND jti_hash = ?", issuer, jtiHash);
    return { kind: row !== undefined && equalBytes(bytes(row, 0), attempt) ? "used" : "replayed" };
  });
}

/** A hash in place of the strings: they may be of any length, and the key is short. Lengths keep the parts apart. */
function hashOf(parts: readonly string[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return new Uint8Array(hash.digest());
}
