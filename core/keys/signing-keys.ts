import type { KeyObject } from "node:crypto";
import type { EpochMillis } from "#lib/time.ts";

/** Sets that Writ signs with, under Hydra's names. */
export type SigningSet = "hydra.openid.id-token" | "hydra.jwt.access-token";
export type SigningAlg = "RS256" | "ES256";

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The keys that Writ signs with, kept in memory for some seconds. */
export interface SigningKeys {
  /** The newest key of the set for `alg` whose `activates_at` has come; made if there is none. */
  current(set: SigningSet, alg: SigningAlg, now: EpochMillis): Promise<SigningKey>;
  /** The key that verifies a signature made by the set; re-read from the database when the kid is not known. */
  find(set: SigningSet, kid: string, now: EpochMillis): Promise<{ readonly alg: string; readonly publicKey: KeyObject } | undefined>;
  /** The public parts of both sets as a finished JWK set. */
  published(now: EpochMillis): Promise<{ readonly json: Uint8Array; readonly etag: string; readonly maxAge: number }>;
  /** Forgets what is in memory: a set was changed by this process. */
  forget(): void;
}
