import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type ConsentRecord, ConsentRecordSchema } from "#gen/writ/store/v1/consent_pb.ts";
import { type GrantRecord, GrantRecordSchema } from "#gen/writ/store/v1/grant_pb.ts";
import type { Db } from "./db.ts";
import { and, asc, eq, gt, isNotNull, or, sql } from "./schema/drizzle.ts";
import { compile, compileRead, type Read, read, type Statement, statements, type Values, value } from "./statement.ts";
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
        .where(and(eq(grants.issuer, value("issuer")), gt(grants.id, value("id"))))
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
export function changeGrantDocuments(db: Db, issuer: number, change: (record: GrantRecord) => GrantRecord | undefined): Promise<DocumentChange> {
  const { grants: page, replaceGrant: replace } = built(db);
  return changeDocuments(db, issuer, { page, replace, keyOf: ({ id }) => ({ id }), first: { id: new Uint8Array() }, schema: GrantRecordSchema }, change);
}

/** The same for remembered consents. */
export function changeConsentDocuments(db: Db, issuer: number, change: (record: ConsentRecord) => ConsentRecord | undefined): Promise<DocumentChange> {
  const { consents: page, replaceConsent: replace } = built(db);
  const keyOf = ({ subject, clientId }: { readonly subject: string; readonly clientId: string }): Values => ({ subject, clientId });
  return changeDocuments(db, issuer, { page, replace, keyOf, first: { subject: "", clientId: "" }, schema: ConsentRecordSchema }, change);
}

/** How the documents of one table are gone through. */
interface Documents<R, S extends DescMessage> {
  /** Reads the rows after a key. */
  readonly page: Read<R>;
  /** Replaces the document of one row, if it still is the version that was read. */
  readonly replace: Statement;
  readonly keyOf: (row: R) => Values;
  /** A key before all. */
  readonly first: Values;
  readonly schema: S;
}

async function changeDocuments<R extends { readonly rowVersion: number; readonly document: Uint8Array | null }, S extends DescMessage>(
  db: Db,
  issuer: number,
  { page, replace, keyOf, first, schema }: Documents<R, S>,
  change: (record: MessageShape<S>) => MessageShape<S> | undefined,
): Promise<DocumentChange> {
  const count = { changed: 0, missed: 0 };
  for (let after = first; ; ) {
    const found = await read(db, page, { issuer, ...after });
    for (const row of found) {
      const record = row.document === null ? undefined : change(fromBinary(schema, row.document));
      if (record === undefined) continue;
      const matched = await db.driver.write(() => run(replace, { issuer, ...keyOf(row), rowVersion: row.rowVersion, document: toBinary(schema, record) }));
      count[matched === 1 ? "changed" : "missed"]++;
    }
    const last = found.at(-1);
    if (last === undefined || found.length < PAGE) return count;
    after = keyOf(last);
  }
}
