import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ConsentRecord, ConsentRecordSchema } from "#gen/writ/store/v1/consent_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Consent } from "../model/consent.ts";
import type { CurrentEpochs, Grant } from "../model/grant.ts";
import { consentKey } from "./caches.ts";
import type { Db } from "./db.ts";
import { recordEvent } from "./events.ts";
import { endRow, lookAtGrantById, orZero, recordGrantEnd } from "./grant-rows.ts";
import { and, eq, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, statements, value } from "./statement.ts";
import { rows, run, type Steps } from "./steps.ts";

const built = statements(({ query, tables: { consents, clients, subjects }, upsert, incoming }) => {
  const key = [consents.issuer, consents.subject, consents.clientId];
  const one = and(eq(consents.issuer, value("issuer")), eq(consents.subject, value("subject")), eq(consents.clientId, value("clientId")));
  const columns = {
    subject: consents.subject,
    clientId: consents.clientId,
    clientIncarnation: consents.clientIncarnation,
    epoch: consents.epoch,
    grantEpoch: consents.grantEpoch,
    sourceGrantId: consents.sourceGrantId,
    expiresAt: consents.expiresAt,
    document: consents.document,
  };
  const emptied = {
    clientIncarnation: sql`NULL`,
    epoch: sql`${consents.epoch} + 1`,
    sourceGrantId: sql`NULL`,
    expiresAt: sql`NULL`,
    rowVersion: sql`${consents.rowVersion} + 1`,
    document: sql`NULL`,
  };
  return {
    columns,
    find: compileRead(
      query
        .select({ ...columns, incarnation: clients.incarnation, tokenEpoch: clients.tokenEpoch, current: orZero(subjects.grantEpoch) })
        .from(consents)
        .innerJoin(clients, and(eq(clients.issuer, consents.issuer), eq(clients.clientId, consents.clientId)))
        .leftJoin(subjects, and(eq(subjects.issuer, consents.issuer), eq(subjects.subject, consents.subject)))
        .where(one),
    ),
    epoch: compileRead(query.select({ epoch: consents.epoch }).from(consents).where(one)),
    fromGrant: compileRead(
      query
        .select({ subject: consents.subject, clientId: consents.clientId })
        .from(consents)
        .where(and(eq(consents.issuer, value("issuer")), eq(consents.sourceGrantId, value("grantId")))),
    ),
    remember: compile(
      upsert(
        query.insert(consents).values({
          issuer: value("issuer"),
          subject: value("subject"),
          clientId: value("clientId"),
          clientIncarnation: value("clientIncarnation"),
          epoch: value("epoch"),
          grantEpoch: value("grantEpoch"),
          sourceGrantId: value("grantId"),
          expiresAt: value("expiresAt"),
          rowVersion: 1,
          document: value("document"),
        }),
        key,
        {
          clientIncarnation: incoming(consents.clientIncarnation),
          grantEpoch: incoming(consents.grantEpoch),
          sourceGrantId: incoming(consents.sourceGrantId),
          expiresAt: incoming(consents.expiresAt),
          document: incoming(consents.document),
          rowVersion: sql`${consents.rowVersion} + 1`,
        },
      ),
    ),
    // Also where there is no row yet: the grants of a consent that was not remembered captured 0.
    revoke: compile(
      upsert(
        query.insert(consents).values({ issuer: value("issuer"), subject: value("subject"), clientId: value("clientId"), epoch: 1, grantEpoch: 0, rowVersion: 1 }),
        key,
        emptied,
      ),
    ),
    revokeFromGrant: compile(
      query
        .update(consents)
        .set(emptied)
        .where(and(one, eq(consents.sourceGrantId, value("grantId")))),
    ),
  };
});

/** The consent that a subject has given to a client for good, if it holds: not revoked, not expired, and to this very client. */
export async function findRememberedConsent(db: Db, issuer: number, subject: string, clientId: string, now: EpochMillis): Promise<Consent | undefined> {
  const [row] = await read(db, built(db).find, { issuer, subject, clientId });
  return row === undefined ? undefined : toRemembered(row, { client: row, grantEpoch: row.current }, now);
}

/** What revoking a consent comes to: the epoch that holds now. */
export type ConsentRevocation = { readonly kind: "revoked"; readonly epoch: number };

/** Revokes what a subject agreed to at one client: every grant of the two ends, and nothing is remembered. */
export function revokeConsent(db: Db, issuer: number, subject: string, clientId: string): Promise<ConsentRevocation> {
  return db.driver.write(
    function* (): Steps<ConsentRevocation> {
      const statement = built(db);
      yield* run(statement.revoke, { issuer, subject, clientId });
      return { kind: "revoked", epoch: yield* recordMove(db, issuer, subject, clientId) };
    },
    ({ epoch }) => db.caches.consentEpochs.set(consentKey(issuer, subject, clientId), { epoch }),
  );
}

/** What revoking by `consent_request_id` comes to. `missing`: no grant and no remembered consent has it, or they had ended. */
export type GrantConsentRevocation = { readonly kind: "revoked"; readonly grant: Pick<Grant, "subject" | "clientId"> } | { readonly kind: "missing" };

/**
 * Revokes one consent by its `consent_request_id`: the grant ends; if the remembered consent came from it, that is
 * forgotten and its epoch moves, which ends the other grants of the two as well. The grant itself may be gone already.
 */
export function revokeConsentOfGrant(db: Db, issuer: number, grantId: Uint8Array, attempt: Uint8Array): Promise<GrantConsentRevocation> {
  let moved: { readonly subject: string; readonly clientId: string } | undefined;
  return db.driver.write(
    function* (): Steps<GrantConsentRevocation> {
      const statement = built(db);
      moved = undefined;
      const look = yield* lookAtGrantById(db, issuer, grantId);
      const ended = look !== undefined && (yield* endRow(db, issuer, { id: grantId, birth: look.grant.birth, attempt }));
      const [consent] = yield* rows(statement.fromGrant, { issuer, grantId });
      if (consent !== undefined && (yield* run(statement.revokeFromGrant, { issuer, ...consent, grantId })) === 1) moved = consent;
      if (moved !== undefined) yield* recordMove(db, issuer, moved.subject, moved.clientId);
      if (ended) yield* recordGrantEnd(db, issuer, grantId);
      const isOurs = ended || (look?.attempt !== undefined && equalBytes(look.attempt, attempt));
      const of = moved ?? (isOurs ? look?.grant : undefined);
      return of === undefined ? { kind: "missing" } : { kind: "revoked", grant: { subject: of.subject, clientId: of.clientId } };
    },
    () => {
      db.caches.forgetGrant(issuer, grantId);
      if (moved !== undefined) db.caches.consentEpochs.delete(consentKey(issuer, moved.subject, moved.clientId));
    },
    { repeatable: true },
  );
}

/** The event of a consent whose epoch has moved. Returns the epoch. */
function* recordMove(db: Db, issuer: number, subject: string, clientId: string): Steps<number> {
  const [row] = yield* rows(built(db).epoch, { issuer, subject, clientId });
  if (row === undefined) throw new Error("a row that was just written is not there");
  yield* recordEvent(db, issuer, { epoch: row.epoch, target: { case: "consent", value: { subject, clientId } } });
  return row.epoch;
}

/** What is to be remembered of a consent. */
export interface RememberedConsent {
  /** Undefined: for good. */
  readonly expiresAt: EpochMillis | undefined;
  readonly record: ConsentRecord;
}

/**
 * A step of the redemption's write: remembers the consent in place of what was remembered before. The epoch of a row that is
 * there stays as it is, and the row locked until the end: the next step compares the epoch with the grant's, and takes
 * this one back if a revocation came first.
 */
export function* rememberConsent(db: Db, issuer: number, grant: Grant, { expiresAt, record }: RememberedConsent): Steps<void> {
  const { id: grantId, subject, clientId, clientIncarnation, consentEpoch: epoch, grantEpoch } = grant;
  const document = toBinary(ConsentRecordSchema, record);
  yield* run(built(db).remember, { issuer, subject, clientId, clientIncarnation, epoch, grantEpoch, grantId, expiresAt: expiresAt ?? null, document });
}

/** Columns of a consent, wherever it was read. */
export interface ConsentRow {
  readonly subject: string;
  readonly clientId: string;
  readonly clientIncarnation: Uint8Array | null;
  readonly epoch: number;
  readonly grantEpoch: number;
  readonly sourceGrantId: Uint8Array | null;
  readonly expiresAt: number | null;
  readonly document: Uint8Array | null;
}

/** Makes the model of a row, if what it remembers holds. */
export function toRemembered(
  { clientIncarnation, sourceGrantId, document, expiresAt, ...row }: ConsentRow,
  { client, grantEpoch }: Pick<CurrentEpochs, "client" | "grantEpoch">,
  now: EpochMillis,
): Consent | undefined {
  if (clientIncarnation === null || sourceGrantId === null || document === null) return undefined;
  if (client === undefined || !equalBytes(client.incarnation, clientIncarnation) || row.grantEpoch !== grantEpoch) return undefined;
  if (expiresAt !== null && expiresAt <= now) return undefined;
  const { subject, clientId, epoch, grantEpoch: captured } = row;
  return {
    subject,
    clientId,
    clientIncarnation,
    epoch,
    grantEpoch: captured,
    sourceGrantId,
    expiresAt: expiresAt === null ? undefined : (expiresAt as EpochMillis),
    record: fromBinary(ConsentRecordSchema, document),
  };
}
