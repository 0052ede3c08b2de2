import { RevocationRecordSchema } from "#gen/writ/store/v1/revocation_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { RevocationEvent } from "../model/revocation-event.ts";
import { cacheKey } from "./caches.ts";
import type { Db } from "./db.ts";
import { recordEvent } from "./events.ts";
import { bytes, document, instant } from "./row.ts";
import { insert, type Steps } from "./steps.ts";

/** Revokes a rowless token until it expires. Twice is as good as once, and one event. */
export async function revokeRowlessToken(db: Db, issuer: number, tokenId: Uint8Array, expiresAt: EpochMillis): Promise<void> {
  await db.driver.write(
    function* (): Steps<void> {
      const isNew = yield* insert("INSERT INTO revoked_tokens (issuer, token_id, expires_at) VALUES (?, ?, ?)", issuer, tokenId, expiresAt);
      if (isNew) yield* recordEvent(db, issuer, { epoch: 1, target: { case: "token", value: tokenId } });
    },
    () => db.caches.revokedTokens.set(cacheKey(issuer, tokenId), { revoked: true }),
  );
}

/** Which events are wanted. */
export interface EventRange {
  /** Those of this time and later. */
  readonly since: EpochMillis;
  /** Where given, only those after this one. */
  readonly after?: { readonly at: EpochMillis; readonly id: Uint8Array };
  readonly limit: number;
}

/** Events in the order of (at, id). */
export async function listRevocationEvents(db: Db, issuer: number, { since, after, limit }: EventRange): Promise<RevocationEvent[]> {
  const found = await db.driver.read(
    `SELECT at, id, document FROM revocation_events WHERE issuer = ? AND at >= ?${after === undefined ? "" : " AND (at > ? OR (at = ? AND id > ?))"} ORDER BY at, id LIMIT ${Math.trunc(limit)}`,
    after === undefined ? [issuer, since] : [issuer, Math.max(since, after.at), after.at, after.at, after.id],
  );
  return found.map((row) => ({ at: instant(row, 0), id: bytes(row, 1), record: document(RevocationRecordSchema, row, 2) }));
}

/** Events before this time may have been deleted. 0: none ever was. */
export async function revocationHorizon(db: Db, issuer: number): Promise<EpochMillis> {
  const [row] = await db.driver.read("SELECT at FROM revocation_horizons WHERE issuer = ?", [issuer]);
  return row === undefined ? (0 as EpochMillis) : instant(row, 0);
}
