import type { Db } from "./db.ts";

/** Moves `subject.grant_epoch` (all consents of the subject were revoked) and records the event, in one transaction. */
export declare function bumpGrantEpoch(db: Db, issuer: number, subject: string): Promise<number>;
/** Moves `subject.session_epoch` (all login sessions of the subject were revoked). */
export declare function bumpSessionEpoch(db: Db, issuer: number, subject: string): Promise<number>;
