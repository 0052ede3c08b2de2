import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { DecisionRecordSchema } from "#gen/writ/store/v1/decision_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Decision } from "../model/decision.ts";
import type { Db } from "./db.ts";
import { and, eq, gt } from "./schema/drizzle.ts";
import { compile, compileRead, read, statements, value } from "./statement.ts";
import { insert, rows, type Steps } from "./steps.ts";

const built = statements(({ query, tables: { decisions } }) => {
  const one = and(eq(decisions.issuer, value("issuer")), eq(decisions.id, value("id")));
  return {
    insert: compile(query.insert(decisions).values({ issuer: value("issuer"), id: value("id"), expiresAt: value("expiresAt"), document: value("document") })),
    get: compileRead(
      query
        .select({ id: decisions.id, expiresAt: decisions.expiresAt, document: decisions.document })
        .from(decisions)
        .where(and(one, gt(decisions.expiresAt, value("now")))),
    ),
    exists: compileRead(query.select({ id: decisions.id }).from(decisions).where(one)),
  };
});

/** Keeps a login verifier that is too large for a URL. Its id is random, so a second try only finds what the first has written. */
export function putDecision(db: Db, issuer: number, { id, expiresAt, record }: Decision): Promise<void> {
  const document = toBinary(DecisionRecordSchema, record);
  return db.driver.write(
    function* (): Steps<void> {
      const { insert: put, exists } = built(db);
      if (yield* insert(put, { issuer, id, expiresAt, document })) return;
      if ((yield* rows(exists, { issuer, id })).length === 0) throw new Error("a decision's id was taken and is not there");
    },
    undefined,
    { repeatable: true },
  );
}

/**
 * Finds what a verifier names; undefined: nothing, or it has expired. It stays until then: a browser that loads the
 * verifier's URL again must get its answer again. What spends a decision is the grant that it opens.
 */
export async function findDecision(db: Db, issuer: number, id: Uint8Array, now: EpochMillis): Promise<Decision | undefined> {
  const [row] = await read(db, built(db).get, { issuer, id, now });
  return row === undefined ? undefined : { id: row.id, expiresAt: row.expiresAt as EpochMillis, record: fromBinary(DecisionRecordSchema, row.document) };
}
