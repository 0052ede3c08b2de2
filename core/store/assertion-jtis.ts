import type { EpochMillis } from "#lib/time.ts";
import type { Db } from "./db.ts";

/** Spends the `jti` of an assertion, apart for each kind and assertion issuer. One of any number of racers gets `used`. */
export declare function useAssertionJti(db: Db, issuer: number, assertion: { readonly kind: string; readonly assertionIssuer: string; readonly jti: string; readonly expiresAt: EpochMillis; readonly attempt: Uint8Array }): Promise<{ readonly kind: "used" | "replayed" }>;
