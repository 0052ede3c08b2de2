import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type GrantRecord, GrantRecordSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { CurrentEpochs, Grant, GrantState } from "../model/grant.ts";
import type { TokenGrant } from "../model/token-state.ts";
import type { Db } from "./db.ts";
import type { Dialect } from "./dialect.ts";
import { outcomeUnknown } from "./driver.ts";
import { recordEvent } from "./events.ts";
import { integer } from "./row.ts";
import { and, eq, inArray, ne, sql } from "./schema/drizzle.ts";
import { compile, compileRead, statements, type Values, value, variants } from "./statement.ts";
import { rows, run, type Steps } from "./steps.ts";

/** How often a conditional update is tried again on the row as a new look found it. */
export const MAX_LOOKS = 3;

/** What of a token's grant is kept where the engine allows it. `undefined` inside: there is no such grant. */
export interface CachedGrant {
  readonly grant: Omit<TokenGrant, "current"> | undefined;
  /** Bytes of its document. */
  readonly size: number;
}

/** A grant as it is found, with what holds now of what it captured: one state of the database. */
export interface GrantReading {
  readonly grant: Grant;
  readonly current: CurrentEpochs;
}

/** The same with what only the store looks at. */
export interface GrantLook extends GrantReading {
  /** Whoever moved the state or generation last. */
  readonly attempt: Uint8Array | undefined;
}

const built = statements((dialect) => {
  const { query, tables } = dialect;
  const { grants } = tables;
  const one = and(eq(grants.issuer, value("issuer")), eq(grants.id, value("id")));
  const end = (condition: typeof one) =>
    compile(
      query
        .update(grants)
        .set({ state: "ended", attempt: sql`${value("attempt")}`, rowVersion: sql`${grants.rowVersion} + 1` })
        .where(and(condition, ne(grants.state, "ended"))),
    );
  return {
    get: compileRead(selectGrants(dialect).where(one)),
    getMany: variants((n) =>
      compileRead(
        selectGrants(dialect).where(
          and(
            eq(grants.issuer, value("issuer")),
            inArray(
              grants.id,
              Array.from({ length: n }, () => value("id")),
            ),
          ),
        ),
      ),
    ),
    end: end(one),
    endBorn: end(and(one, eq(grants.birth, value("birth")))),
  };
});

/** Grants with the epochs that hold now. */
export function selectGrants({ query, tables: { grants, clients, subjects, consents } }: Dialect) {
  return query
    .select({
      id: grants.id,
      birth: grants.birth,
      state: grants.state,
      clientId: grants.clientId,
      clientIncarnation: grants.clientIncarnation,
      subject: grants.subject,
      sessionId: grants.sessionId,
      decision: grants.decision,
      grantEpoch: grants.grantEpoch,
      sessionEpoch: grants.sessionEpoch,
      consentEpoch: grants.consentEpoch,
      generation: grants.generation,
      supersededAt: grants.supersededAt,
      attempt: grants.attempt,
      createdAt: grants.createdAt,
      expiresAt: grants.expiresAt,
      rowVersion: grants.rowVersion,
      document: grants.document,
      incarnation: clients.incarnation,
      tokenEpoch: clients.tokenEpoch,
      currentGrantEpoch: orZero(subjects.grantEpoch),
      currentSessionEpoch: orZero(subjects.sessionEpoch),
      currentConsentEpoch: orZero(consents.epoch),
    })
    .from(grants)
    .leftJoin(clients, and(eq(clients.issuer, grants.issuer), eq(clients.clientId, grants.clientId)))
    .leftJoin(subjects, and(eq(subjects.issuer, grants.issuer), eq(subjects.subject, grants.subject)))
    .leftJoin(consents, and(eq(consents.issuer, grants.issuer), eq(consents.subject, grants.subject), eq(consents.clientId, grants.clientId)));
}

/** A counter whose absent row means 0. */
export function orZero(column: Parameters<typeof eq>[0]) {
  return sql`COALESCE(${column}, 0)`.mapWith(integer) as ReturnType<typeof sql<number>>;
}

/** SQL over the tables of `selectGrants`: what the grant captured holds. */
export function capturedNow({ tables: { grants, clients, subjects, consents } }: Dialect) {
  return and(
    eq(clients.incarnation, grants.clientIncarnation),
    sql`COALESCE(${subjects.grantEpoch}, 0) = ${grants.grantEpoch}`,
    sql`COALESCE(${consents.epoch}, 0) = ${grants.consentEpoch}`,
  );
}

/** SQL for an update of one grant that holds while what the grant captured does: client, subject and consent. Its values: `capturedValues`. */
export function capturedHolds({ query, tables: { grants, clients, subjects, consents } }: Dialect) {
  const ofSubject = and(eq(subjects.issuer, value("issuer")), eq(subjects.subject, value("subject")));
  const client = query
    .select({ epoch: clients.tokenEpoch })
    .from(clients)
    .where(and(eq(clients.issuer, value("issuer")), eq(clients.clientId, value("clientId")), eq(clients.incarnation, value("clientIncarnation"))));
  const grantEpoch = query.select({ epoch: subjects.grantEpoch }).from(subjects).where(ofSubject);
  const consentEpoch = query
    .select({ epoch: consents.epoch })
    .from(consents)
    .where(and(eq(consents.issuer, value("issuer")), eq(consents.subject, value("subject")), eq(consents.clientId, value("clientId"))));
  return and(sql`EXISTS ${client}`, sql`COALESCE(${grantEpoch}, 0) = ${grants.grantEpoch}`, sql`COALESCE(${consentEpoch}, 0) = ${grants.consentEpoch}`);
}

/** SQL for the same that holds while the grant's login session was not revoked. */
export function sessionHolds({ query, tables: { grants, subjects } }: Dialect) {
  const sessionEpoch = query
    .select({ epoch: subjects.sessionEpoch })
    .from(subjects)
    .where(and(eq(subjects.issuer, value("issuer")), eq(subjects.subject, value("subject"))));
  return sql`COALESCE(${sessionEpoch}, 0) = ${grants.sessionEpoch}`;
}

/** Names the row, and all that `capturedHolds` and `sessionHolds` compare. None of it changes in a row's life. */
export function capturedValues(issuer: number, { id, birth, clientId, clientIncarnation, subject }: Grant): Values {
  return { issuer, id, birth, clientId, clientIncarnation, subject };
}

/** SQL of `expires_at`: the latest of what it was and `expiresAt`. */
export function latestExpiry({ tables: { grants } }: Dialect) {
  return sql`CASE WHEN ${grants.expiresAt} < ${value("expiresAt")} THEN ${value("expiresAt")} ELSE ${grants.expiresAt} END`;
}

/** Looks at a grant inside a write. Undefined: there is none that was born so. */
export function* lookAtGrant(db: Db, issuer: number, { id, birth }: Pick<Grant, "id" | "birth">): Steps<GrantLook | undefined> {
  const [row] = yield* rows(built(db).get, { issuer, id });
  return row === undefined || !equalBytes(row.birth, birth) ? undefined : toLook(row);
}

/** Looks at a grant whose birth is not known. */
export function* lookAtGrantById(db: Db, issuer: number, id: Uint8Array): Steps<GrantLook | undefined> {
  const [row] = yield* rows(built(db).get, { issuer, id });
  return row === undefined ? undefined : toLook(row);
}

/** Ends a grant; false: it had ended, or there is none. The event is for the caller to record. */
export function* endRow(
  db: Db,
  issuer: number,
  { id, birth, attempt }: { readonly id: Uint8Array; readonly birth: Uint8Array | undefined; readonly attempt: Uint8Array },
): Steps<boolean> {
  const { end, endBorn } = built(db);
  const matched = birth === undefined ? yield* run(end, { issuer, id, attempt }) : yield* run(endBorn, { issuer, id, birth, attempt });
  return matched === 1;
}

/** Ends a grant whose tokens somebody else seems to hold, and says so to those who keep answers. */
export function* endCompromised(db: Db, issuer: number, grant: Grant, attempt: Uint8Array): Steps<boolean> {
  const ended = yield* endRow(db, issuer, { ...grant, attempt });
  if (ended) yield* recordGrantEnd(db, issuer, grant.id);
  return ended;
}

/** Records that a grant has ended; the last statement of the transaction. */
export function recordGrantEnd(db: Db, issuer: number, id: Uint8Array): Steps<void> {
  return recordEvent(db, issuer, { epoch: 1, target: { case: "grant", value: id } });
}

/** The error of an update that matched nothing where every look says that it should have. Nothing was revoked. */
export function contradiction(): Error {
  return outcomeUnknown(new Error("a conditional update and the looks after it do not agree"));
}

/** Statements that read grants by id. */
export function grantReads(db: Pick<Db, "driver">): Pick<ReturnType<typeof built>, "get" | "getMany"> {
  return built(db);
}

/** The binary form of a document. */
export function encodeRecord(record: GrantRecord): Uint8Array {
  return toBinary(GrantRecordSchema, record);
}

/** A row as `selectGrants` reads it. */
export type GrantRow = ReturnType<ReturnType<typeof built>["get"]["decode"]>;

/** Makes the model of a row. */
export function toLook(row: GrantRow): GrantLook {
  return {
    grant: {
      id: row.id,
      birth: row.birth,
      state: row.state as GrantState,
      clientId: row.clientId,
      clientIncarnation: row.clientIncarnation,
      subject: row.subject,
      sessionId: row.sessionId ?? undefined,
      decision: row.decision,
      grantEpoch: row.grantEpoch,
      sessionEpoch: row.sessionEpoch,
      consentEpoch: row.consentEpoch,
      generation: row.generation,
      supersededAt: decodeInstants(row.supersededAt),
      createdAt: row.createdAt as EpochMillis,
      expiresAt: row.expiresAt as EpochMillis,
      rowVersion: row.rowVersion,
      record: fromBinary(GrantRecordSchema, row.document),
    },
    current: {
      client: clientOf(row),
      grantEpoch: row.currentGrantEpoch,
      sessionEpoch: row.currentSessionEpoch,
      consentEpoch: row.currentConsentEpoch,
    },
    attempt: row.attempt ?? undefined,
  };
}

/** The client of a grant's row as it is now. */
export function clientOf({ incarnation, tokenEpoch }: GrantRow): CurrentEpochs["client"] {
  return incarnation === null || tokenEpoch === null ? undefined : { incarnation, tokenEpoch };
}

/** What of a row decides about tokens. Its document is decoded when somebody asks. */
export function toCachedGrant(row: GrantRow): CachedGrant & { readonly grant: Omit<TokenGrant, "current"> } {
  let record: GrantRecord | undefined;
  const { document } = row;
  return {
    grant: {
      birth: row.birth,
      state: row.state as GrantState,
      clientId: row.clientId,
      clientIncarnation: row.clientIncarnation,
      subject: row.subject,
      grantEpoch: row.grantEpoch,
      consentEpoch: row.consentEpoch,
      generation: row.generation,
      supersededAt: decodeInstants(row.supersededAt),
      expiresAt: row.expiresAt as EpochMillis,
      record: () => {
        record ??= fromBinary(GrantRecordSchema, document);
        return record;
      },
    },
    size: document.length,
  };
}

/** Instants of 8 bytes each, the first first. NULL: none. */
export function encodeInstants(instants: readonly EpochMillis[]): Uint8Array | null {
  if (instants.length === 0) return null;
  const encoded = new Uint8Array(instants.length * 8);
  const view = new DataView(encoded.buffer);
  instants.forEach((at, i) => {
    view.setUint32(i * 8, Math.floor(at / 2 ** 32)); // a BigInt costs an allocation
    view.setUint32(i * 8 + 4, at % 2 ** 32);
  });
  return encoded;
}

function decodeInstants(encoded: Uint8Array | null): EpochMillis[] {
  if (encoded === null) return [];
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  return Array.from({ length: Math.floor(encoded.byteLength / 8) }, (_, i) => (view.getUint32(i * 8) * 2 ** 32 + view.getUint32(i * 8 + 4)) as EpochMillis);
}
