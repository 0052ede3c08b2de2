import { randomBytes } from "node:crypto";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { RevocationRecordSchema } from "#gen/writ/store/v1/revocation_pb.ts";
import type { Db } from "./db.ts";
import { sql } from "./schema/drizzle.ts";
import { compile, statements, value } from "./statement.ts";
import { run, type Steps } from "./steps.ts";

const built = statements(({ query, tables: { revocationEvents }, now, ordered }) => {
  const { at, issuer } = revocationEvents;
  // Column by name: inside the subquery a table of its own stands before it.
  const latest = sql`(SELECT COALESCE(MAX(${sql.identifier(at.name)}), 0) + 1 FROM ${revocationEvents} WHERE ${sql.identifier(issuer.name)} = ${value("issuer")})`;
  return {
    insert: compile(
      query.insert(revocationEvents).values({ issuer: value("issuer"), at: ordered ? sql`MAX(${now}, ${latest})` : now, id: value("id"), document: value("document") }),
    ),
  };
});

/**
 * Records that something was revoked. It is the last statement of the transaction that revokes, so that its time is as late
 * as can be. On SQLite the time is also greater than that of every event before, and so the order of commits.
 */
export function* recordEvent(db: Db, issuer: number, record: MessageInitShape<typeof RevocationRecordSchema>): Steps<void> {
  // Not a random source that was passed in: no test needs this id to be a certain one, and no caller ever names it.
  const id = new Uint8Array(randomBytes(16));
  yield* run(built(db).insert, { issuer, id, document: toBinary(RevocationRecordSchema, create(RevocationRecordSchema, record)) });
}
