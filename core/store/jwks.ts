import type { StoredJwk } from "#core/model/jwk.ts";
import type { Db } from "./db.ts";

/** The keys of a set, newest first. */
export declare function listJwks(db: Db, issuer: number, set: string): Promise<StoredJwk[]>;
/** Makes the key the first of its set, or does nothing if the set has a key with the same `alg` column already. Several cores may race: one wins. */
export declare function insertFirstJwk(db: Db, issuer: number, alg: string, jwk: StoredJwk): Promise<void>;
/** Puts a key, or replaces the one with its kid. */
export declare function putJwk(db: Db, issuer: number, jwk: StoredJwk): Promise<void>;
/** Replaces the whole set, in one transaction. */
export declare function replaceJwkSet(db: Db, issuer: number, set: string, jwks: readonly StoredJwk[]): Promise<void>;
/** Adds a key. */
export declare function insertJwk(db: Db, issuer: number, jwk: StoredJwk): Promise<{ readonly kind: "inserted" | "exists" }>;
/** Deletes one key, or the set where `kid` is undefined. */
export declare function deleteJwks(db: Db, issuer: number, set: string, kid: string | undefined): Promise<void>;
/** Replaces what is sealed, if it still is what was read (compared by seal key id and document). For resealing. */
export declare function resealJwk(db: Db, issuer: number, before: StoredJwk, after: StoredJwk): Promise<{ readonly kind: "resealed" | "changed" }>;
/** Distinct key ids that sealed columns of any table name. */
export declare function listSealKeyIds(db: Db): Promise<Uint8Array[]>;
/** All keys of all sets that hold something sealed. */
export declare function listSealedJwks(db: Db, issuer: number): Promise<StoredJwk[]>;
