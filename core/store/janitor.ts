import type { EpochMillis } from "#lib/time.ts";
import type { Db } from "./db.ts";
import { rows, run, type Steps } from "./steps.ts";

/** Tables whose rows are of no use once they have expired, with the columns that name a row. */
const EXPIRING = {
  revoked_tokens: ["token_id"],
  assertion_jtis: ["jti_hash"],
  decisions: ["id"],
  sessions: ["id"],
  grants: ["id"],
} as const;

/** What the janitor is asked to do. */
export interface JanitorOptions {
  /** Rows that expired before it go. A grant's `expires_at` is the latest expiry of all that names it. */
  readonly now: EpochMillis;
  /** Revocation events before it go; a consumer that asks for them gets a reset. */
  readonly eventsBefore: EpochMillis;
  /** At most so many rows of each table. */
  readonly limit: number;
}

/** Frees what has expired; nothing depends on it but space. Returns how many rows went, by table. */
export async function deleteExpired(db: Db, issuer: number, { now, eventsBefore, limit }: JanitorOptions): Promise<Readonly<Record<string, number>>> {
  const freed: Record<string, number> = {};
  for (const [table, [column]] of Object.entries(EXPIRING)) {
    const expired = await db.driver.read(`SELECT ${column} FROM ${table} WHERE issuer = ? AND expires_at < ? LIMIT ${Math.trunc(limit)}`, [issuer, now]);
    let count = 0;
    for (let i = 0; i < expired.length; i += 100)
      count += await db.driver.write(function* (): Steps<number> {
        let deleted = 0;
        // Looked at again in the statement: a row may have been extended since.
        for (const [id] of expired.slice(i, i + 100)) deleted += yield* run(`DELETE FROM ${table} WHERE issuer = ? AND ${column} = ? AND expires_at < ?`, issuer, id as Uint8Array, now);
        return deleted;
      });
    freed[table] = count;
  }
  freed.revocation_events = await deleteEvents(db, issuer, eventsBefore);
  return freed;
}

function deleteEvents({ driver }: Db, issuer: number, before: EpochMillis): Promise<number> {
  return driver.write(function* (): Steps<number> {
    const [oldest] = yield* rows("SELECT at FROM revocation_events WHERE issuer = ? AND at < ? LIMIT 1", issuer, before);
    if (oldest === undefined) return 0;
    // The horizon moves first: no reader may think that it has seen what is going.
    yield* run(`INSERT INTO revocation_horizons (issuer, at) VALUES (?, ?) ${driver.dialect.upsert(["issuer"], ["at"])}`, issuer, before);
    return yield* run("DELETE FROM revocation_events WHERE issuer = ? AND at < ?", issuer, before);
  });
}
