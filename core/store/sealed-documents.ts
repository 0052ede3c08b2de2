import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ConsentRecord, ConsentRecordSchema } from "#gen/writ/store/v1/consent_pb.ts";
import { type GrantRecord, GrantRecordSchema } from "#gen/writ/store/v1/grant_pb.ts";
import type { Db } from "./db.ts";
import { and, asc, eq, gt, isNotNull, or, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, statements, value } from "./statement.ts";
import { run } from "./steps.ts";

/** Rows that are read at once. */
const PAGE = 100;

const built = statements(({ query, tables: { grants, consents } }) => {
  const page = sql.raw(String(PAGE)) as unknown as number;
  const changed = { document: sql`${value("document")}`, rowVersion: sql`${value("rowVersion")} + 1` };
  const consent = and(eq(consents.issuer, value("issuer")), eq(consents.subject, value("subject")), eq(consents.clientId, value("clientId")));
  return {
    grants: compileRead(
      query
        .select({ id: grants.id, rowVersion: grants.rowVersion, document: grants.document })
        .from(grants)
        .where(and(eq(grants.issuer, value("issuer")), gt(grants.id, value("after"))))
        .orderBy(asc(grants.id))
        .limit(page),
    ),
    consents: compileRead(
      query
        .select({ subject: consents.subject, clientId: consents.clientId, rowVersion: consents.rowVersion, document: consents.document })
        .from(consents)
        .where(
          and(
            eq(consents.issuer, value("issuer")),
            isNotNull(consents.document),
            or(gt(consents.subject, value("subject")), and(eq(consents.subject, value("subject")), gt(consents.clientId, value("clientId")))),
          ),
        )
        .orderBy(asc(consents.subject), asc(consents.clientId))
        .limit(page),
    ),
    replaceGrant: compile(
      query
        .update(grants)
        .set(changed)
        .where(and(eq(grants.issuer, value("issuer")), eq(grants.id, value("id")), eq(grants.rowVersion, value("rowVersion")))),
    ),
    replaceConsent: compile(
      query
        .update(consents)
        .set(changed)
        .where(and(consent, eq(consents.rowVersion, value("rowVersion")))),
    ),
  };
});

/** What changing documents came to. `missed`: rows that somebody else changed in between. */
export interface DocumentChange {
  readonly changed: number;
  readonly missed: number;
}

/** Puts what `change` makes of it in the place of each grant's document. Undefined: it stays. */
export async function changeGrantDocuments(db: Db, issuer: number, change: (record: GrantRecord) => GrantRecord | undefined): Promise<DocumentChange> {
  const { grants, replaceGrant } = built(db);
  const count = { changed: 0, missed: 0 };
  for (let after = new Uint8Array(); ; ) {
    const found = await read(db, grants, { issuer, after });
    for (const { id, rowVersion, document } of found) {
      const record = change(fromBinary(GrantRecordSchema, document));
      if (record === undefined) continue;
      const matched = await db.driver.write(() => run(replaceGrant, { issuer, id, rowVersion, document: toBinary(GrantRecordSchema, record) }));
      count[matched === 1 ? "changed" : "missed"]++;
    }
    const last = found.at(-1);
    if (last === undefined || found.length < PAGE) return count;
    after = new Uint8Array(last.id);
  }
}

/** The same for remembered consents. */
export async function changeConsentDocuments(db: Db, issuer: number, change: (record: ConsentRecord) => ConsentRecord | undefined): Promise<DocumentChange> {
  const { consents, replaceConsent } = built(db);
  const count = { changed: 0, missed: 0 };
  for (let after = { subject: "", clientId: "" }; ; ) {
    const found = await read(db, consents, { issuer, ...after });
    for (const { subject, clientId, rowVersion, document } of found) {
      const record = document === null ? undefined : change(fromBinary(ConsentRecordSchema, document));
      if (record === undefined) continue;
      const matched = await db.driver.write(() => run(replaceConsent, { issuer, subject, clientId, rowVersion, document: toBinary(ConsentRecordSchema, record) }));
      count[matched === 1 ? "changed" : "missed"]++;
    }
    const last = found.at(-1);
    if (last === undefined || found.length < PAGE) return count;
    after = { subject: last.subject, clientId: last.clientId };
  }
}
