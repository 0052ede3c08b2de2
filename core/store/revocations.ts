import type { RevocationEvent } from "#core/model/revocation-event.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Db } from "./db.ts";

/** Revokes a rowless token until it expires, and records the event, in one transaction. Twice is as good as once, with one event. */
export declare function revokeRowlessToken(db: Db, issuer: number, tokenId: Uint8Array, expiresAt: EpochMillis): Promise<void>;
/** Events with `at` >= `since`, by (at, id), at most `limit`, only those after `after` where it is given. */
export declare function listRevocationEvents(db: Db, issuer: number, range: { readonly since: EpochMillis; readonly after?: { readonly at: EpochMillis; readonly id: Uint8Array }; readonly limit: number }): Promise<RevocationEvent[]>;
/** `at` of the oldest event that is still kept, and how far retention has deleted: a cursor before it cannot be resumed. */
export declare function revocationHorizon(db: Db, issuer: number): Promise<EpochMillis>;
