import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { randomBytes } from "node:crypto";
import { RevocationRecordSchema } from "#gen/writ/store/v1/revocation_pb.ts";
import type { Db } from "./db.ts";
import { run, type Steps } from "./steps.ts";

/**
 * Records that something was revoked. It is the last statement of the transaction that revokes, so that its time is as late
 * as can be. On SQLite the time is also greater than that of every event before, and so the order of commits.
 */
export function* recordEvent({ driver: { dialect } }: Db, issuer: number, record: MessageInitShape<typeof RevocationRecordSchema>): Steps<void> {
  const bytes = toBinary(RevocationRecordSchema, create(RevocationRecordSchema, record));
  const at = dialect.ordered ? `MAX(${dialect.now}, (SELECT COALESCE(MAX(at), 0) + 1 FROM revocation_events WHERE issuer = ?))` : dialect.now;
  const id = new Uint8Array(randomBytes(16));
  yield* run(`INSERT INTO revocation_events (issuer, at, id, document) VALUES (?, ${at}, ?, ?)`, ...(dialect.ordered ? [issuer, issuer, id, bytes] : [issuer, id, bytes]));
}
