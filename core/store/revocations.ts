import { fromBinary } from "@bufbuild/protobuf";
import { RevocationRecordSchema } from "#gen/writ/store/v1/revocation_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { RevocationEvent } from "../model/revocation-event.ts";
import { cacheKey } from "./caches.ts";
import type { Db } from "./db.ts";
import { recordEvent } from "./events.ts";
import { and, asc, eq, gt, gte, or, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, roundUp, statements, value, variants } from "./statement.ts";
import { insert, type Steps } from "./steps.ts";

const built = statements(({ query, tables: { revokedTokens, revocationEvents: events, revocationHorizons: horizons } }) => {
  const columns = { at: events.at, id: events.id, document: events.document };
  const since = and(eq(events.issuer, value("issuer")), gte(events.at, value("since")));
  const later = or(gt(events.at, value("afterAt")), and(eq(events.at, value("afterAt")), gt(events.id, value("afterId"))));
  const page = (condition: typeof since) =>
    variants((limit) =>
      compileRead(
        query
          .select(columns)
          .from(events)
          .where(condition)
          .orderBy(asc(events.at), asc(events.id))
          .limit(sql.raw(String(limit)) as unknown as number),
      ),
    );
  return {
    revoke: compile(query.insert(revokedTokens).values({ issuer: value("issuer"), tokenId: value("tokenId"), expiresAt: value("expiresAt") })),
    list: page(since),
    listAfter: page(and(since, later)),
    horizon: compileRead(
      query
        .select({ at: horizons.at })
        .from(horizons)
        .where(eq(horizons.issuer, value("issuer"))),
    ),
  };
});

/**
 * Revokes a rowless token until it expires. Twice is as good as once, and one event: so it is tried again where the
 * database did not say whether it was done.
 */
export async function revokeRowlessToken(db: Db, issuer: number, tokenId: Uint8Array, expiresAt: EpochMillis): Promise<void> {
  await db.driver.write(
    function* (): Steps<void> {
      const isNew = yield* insert(built(db).revoke, { issuer, tokenId, expiresAt });
      if (isNew) yield* recordEvent(db, issuer, { epoch: 1, target: { case: "token", value: tokenId } });
    },
    () => db.caches.revokedTokens.set(cacheKey(issuer, tokenId), { revoked: true }),
    { repeatable: true },
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
  const { list, listAfter } = built(db);
  const size = roundUp(limit);
  const found =
    after === undefined
      ? await read(db, list(size), { issuer, since })
      : await read(db, listAfter(size), { issuer, since: Math.max(since, after.at), afterAt: after.at, afterId: after.id });
  return found.slice(0, limit).map(({ at, id, document }) => ({ at: at as EpochMillis, id, record: fromBinary(RevocationRecordSchema, document) }));
}

/** Events before this time may have been deleted. 0: none ever was. */
export async function revocationHorizon(db: Db, issuer: number): Promise<EpochMillis> {
  const [row] = await read(db, built(db).horizon, { issuer });
  return (row?.at ?? 0) as EpochMillis;
}
