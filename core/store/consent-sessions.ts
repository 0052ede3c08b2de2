import type { EpochMillis } from "#lib/time.ts";
import type { ConsentSession } from "../model/consent.ts";
import { toRemembered } from "./consents.ts";
import type { Db } from "./db.ts";
import { capturedNow, orZero, selectGrants, toLook } from "./grant-rows.ts";
import { and, asc, eq, gt, inArray, isNotNull, or, sql } from "./schema/drizzle.ts";
import { compileRead, read, roundUp, statements, value, variants } from "./statement.ts";

const built = statements((dialect) => {
  const { query, tables } = dialect;
  const { grants, consents, clients, subjects } = tables;
  const limitTo = (limit: number) => sql.raw(String(limit)) as unknown as number; // as text: MySQL binds none there
  const live = and(inArray(grants.state, ["code", "active"]), gt(grants.expiresAt, value("now")), capturedNow(dialect));
  return {
    grants: variants((limit) =>
      compileRead(
        selectGrants(dialect)
          .where(and(eq(grants.issuer, value("issuer")), eq(grants.subject, value("subject")), gt(grants.id, value("after")), live))
          .orderBy(asc(grants.id))
          .limit(limitTo(limit)),
      ),
    ),
    consents: variants((limit) =>
      compileRead(
        query
          .select({
            subject: consents.subject,
            clientId: consents.clientId,
            clientIncarnation: consents.clientIncarnation,
            epoch: consents.epoch,
            grantEpoch: consents.grantEpoch,
            sourceGrantId: consents.sourceGrantId,
            expiresAt: consents.expiresAt,
            document: consents.document,
            incarnation: clients.incarnation,
            tokenEpoch: clients.tokenEpoch,
            currentGrantEpoch: orZero(subjects.grantEpoch),
          })
          .from(consents)
          .innerJoin(clients, and(eq(clients.issuer, consents.issuer), eq(clients.clientId, consents.clientId), eq(clients.incarnation, consents.clientIncarnation)))
          .leftJoin(subjects, and(eq(subjects.issuer, consents.issuer), eq(subjects.subject, consents.subject)))
          // What was remembered outlives its grant: whether that has ended or was freed already makes no difference.
          .leftJoin(
            grants,
            and(
              eq(grants.issuer, consents.issuer),
              eq(grants.id, consents.sourceGrantId),
              inArray(grants.state, ["code", "active"]),
              gt(grants.expiresAt, value("now")),
              eq(grants.clientIncarnation, clients.incarnation),
              sql`${grants.grantEpoch} = COALESCE(${subjects.grantEpoch}, 0)`,
              eq(grants.consentEpoch, consents.epoch),
            ),
          )
          .where(
            and(
              eq(consents.issuer, value("issuer")),
              eq(consents.subject, value("subject")),
              gt(consents.sourceGrantId, value("after")),
              isNotNull(consents.document),
              or(sql`${consents.expiresAt} IS NULL`, gt(consents.expiresAt, value("now"))),
              sql`${consents.grantEpoch} = COALESCE(${subjects.grantEpoch}, 0)`,
              sql`${grants.id} IS NULL`,
            ),
          )
          .orderBy(asc(consents.sourceGrantId))
          .limit(limitTo(limit)),
      ),
    ),
  };
});

/** Which consent sessions are wanted. */
export interface ConsentSessionPage {
  readonly subject: string;
  /** Id of the last one of the page before; undefined: from the first on. */
  readonly after: Uint8Array | undefined;
  readonly limit: number;
  readonly now: EpochMillis;
}

/**
 * What an administrator sees as a subject's consent sessions, by ascending id: the live grants that were consented to, and
 * remembered consents whose grant lives no more. Those that were given without a question are among them (`consent.skip`).
 */
export async function listConsentSessions(db: Db, issuer: number, { subject, after = new Uint8Array(), limit, now }: ConsentSessionPage): Promise<ConsentSession[]> {
  const statement = built(db);
  const size = roundUp(limit);
  // In this order: a grant that ends in between is then seen twice and counted once, rather than not at all.
  const ofGrants = await read(db, statement.grants(size), { issuer, subject, after, now });
  const ofConsents = await read(db, statement.consents(size), { issuer, subject, after, now });
  const found = new Map<string, ConsentSession>();
  for (const row of ofConsents) {
    const consent = toRemembered(row, { client: row, grantEpoch: row.currentGrantEpoch }, now);
    if (consent !== undefined) found.set(keyOf(consent.sourceGrantId), { kind: "remembered", id: consent.sourceGrantId, consent });
  }
  for (const row of ofGrants) found.set(keyOf(row.id), { kind: "grant", id: row.id, grant: toLook(row).grant });
  return [...found.values()].toSorted((a, b) => Buffer.compare(a.id, b.id)).slice(0, limit);
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id).toString("latin1");
}
