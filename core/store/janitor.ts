import type { EpochMillis } from "#lib/time.ts";
import type { Db } from "./db.ts";

/** Frees what has expired: revoked tokens, assertion jtis, decisions, ended grants, sessions, events older than `eventsBefore`. At most `limit` rows a table; returns rows freed by table. */
export declare function deleteExpired(db: Db, issuer: number, options: { readonly now: EpochMillis; readonly eventsBefore: EpochMillis; readonly limit: number }): Promise<Readonly<Record<string, number>>>;
