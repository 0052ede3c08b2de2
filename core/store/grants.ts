import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Consent } from "../model/consent.ts";
import { type CurrentEpochs, type Grant, holdOf } from "../model/grant.ts";
import { toRemembered } from "./consents.ts";
import type { Db } from "./db.ts";
import { contradiction, encodeRecord, endRow, type GrantLook, type GrantReading, grantReads, lookAtGrantById, orZero, recordGrantEnd, toLook } from "./grant-rows.ts";
import { and, eq } from "./schema/drizzle.ts";
import { changeSession, type SessionChange } from "./sessions.ts";
import { compile, compileRead, read, statements, value } from "./statement.ts";
import { insert, rows, type Steps } from "./steps.ts";
import { writeOrUndo } from "./undo.ts";

const built = statements(({ query, tables: { grants, clients, subjects, consents } }) => ({
  /** The client, and what holds now of its subject; no row: there is no such client. */
  check: compileRead(
    query
      .select({
        incarnation: clients.incarnation,
        tokenEpoch: clients.tokenEpoch,
        currentGrantEpoch: orZero(subjects.grantEpoch),
        sessionEpoch: orZero(subjects.sessionEpoch),
        consentEpoch: orZero(consents.epoch),
        clientIncarnation: consents.clientIncarnation,
        grantEpoch: consents.grantEpoch,
        sourceGrantId: consents.sourceGrantId,
        expiresAt: consents.expiresAt,
        document: consents.document,
      })
      .from(clients)
      .leftJoin(subjects, and(eq(subjects.issuer, clients.issuer), eq(subjects.subject, value("subject"))))
      .leftJoin(consents, and(eq(consents.issuer, clients.issuer), eq(consents.subject, value("subject")), eq(consents.clientId, clients.clientId)))
      .where(and(eq(clients.issuer, value("issuer")), eq(clients.clientId, value("clientId")))),
  ),
  insert: compile(
    query.insert(grants).values({
      issuer: value("issuer"),
      id: value("id"),
      birth: value("birth"),
      state: "login",
      clientId: value("clientId"),
      clientIncarnation: value("clientIncarnation"),
      subject: value("subject"),
      sessionId: value("sessionId"),
      decision: value("decision"),
      grantEpoch: value("grantEpoch"),
      sessionEpoch: value("sessionEpoch"),
      consentEpoch: value("consentEpoch"),
      generation: 0,
      createdAt: value("createdAt"),
      expiresAt: value("expiresAt"),
      rowVersion: 1,
      document: value("document"),
    }),
  ),
}));

/** A login decision that its bound browser has brought back, and what it makes. */
export interface GrantOpening {
  /**
   * The row to be. `id` is the challenge's; `birth` is random, 8 bytes; `decision` is the verifier's; the epochs are those that
   * the decision captured, the incarnation that of the challenge. `expiresAt` is not before the challenge's own expiry, or
   * the row could be freed and born again.
   */
  readonly grant: Pick<Grant, "id" | "birth" | "clientId" | "clientIncarnation" | "subject" | "decision" | "grantEpoch" | "sessionEpoch" | "expiresAt" | "record">;
  /** What becomes of the browser's session. Undefined: the grant has none. */
  readonly session: SessionChange | undefined;
  readonly now: EpochMillis;
}

/** What a login decision comes to. */
export type GrantOpen =
  /**
   * By this decision: now, before (a reload), or in a try whose answer was lost. `grant` is the row: its birth and session
   * may be those of the first time (`readSession` tells that session's birth). `remembered`: the consent that the subject has given to this client before, if it holds.
   */
  | { readonly kind: "opened"; readonly grant: Grant; readonly remembered: Consent | undefined }
  /** Another decision of the challenge counted, or the flow is past its login. */
  | { readonly kind: "spent" }
  /** The client is not the one that asked any more, or the subject's consents were revoked since the decision. Nothing was written. */
  | { readonly kind: "revoked" }
  /** The subject's login sessions were revoked since the decision, or the session that stood for the login is no more. Nothing was written. */
  | { readonly kind: "session_ended" };

/** Opens a grant: the first row of a flow. With it, or not at all, comes the browser's session. */
export function openGrant(db: Db, issuer: number, opening: GrantOpening): Promise<GrantOpen> {
  const { grant: wanted, session, now } = opening;
  const { id, birth, clientId, clientIncarnation, subject, decision, grantEpoch, sessionEpoch, expiresAt, record } = wanted;
  const document = encodeRecord(record);
  const sessionId = session?.kind === "new" ? session.session.id : session?.id;
  return writeOrUndo<GrantOpen>(
    db,
    function* (undo): Steps<GrantOpen> {
      const statement = built(db);
      const [found] = yield* rows(statement.check, { issuer, clientId, subject });
      if (found === undefined) return { kind: "revoked" };
      const current: CurrentEpochs = { client: found, grantEpoch: found.currentGrantEpoch, sessionEpoch: found.sessionEpoch, consentEpoch: found.consentEpoch };
      const { consentEpoch } = current;
      const hold = holdOf({ ...wanted, consentEpoch }, current);
      if (hold !== "holds") return { kind: hold };
      const remembered = toRemembered({ ...found, subject, clientId, epoch: consentEpoch, grantEpoch: found.grantEpoch ?? 0 }, current, now);

      const values = { issuer, id, birth, clientId, clientIncarnation, subject, sessionId: sessionId ?? null, decision, grantEpoch, sessionEpoch, consentEpoch };
      if (!(yield* insert(statement.insert, { ...values, createdAt: now, expiresAt, document }))) {
        const look = yield* lookAtGrantById(db, issuer, id);
        return classifyOpened(look, decision, remembered);
      }
      if (session !== undefined && !(yield* changeSession(db, issuer, session, { subject, sessionEpoch, now }))) return undo({ kind: "session_ended" });
      const grant: Grant = { ...wanted, state: "login", sessionId, consentEpoch, generation: 0, supersededAt: [], createdAt: now, rowVersion: 1 };
      return { kind: "opened", grant, remembered };
    },
    () => db.caches.forgetGrant(issuer, id),
  );
}

/** The challenge's key is taken: by this decision while nothing more has happened, or by another. */
function classifyOpened(look: GrantLook | undefined, decision: Uint8Array, remembered: Consent | undefined): GrantOpen {
  if (look === undefined) throw contradiction();
  const { grant, current } = look;
  if (grant.state !== "login" || !equalBytes(grant.decision, decision)) return { kind: "spent" };
  const hold = holdOf(grant, current); // the session of the first time may have been ended by its id
  return hold === "holds" ? { kind: "opened", grant, remembered } : { kind: hold };
}

/** Reads a grant with what holds now of what it captured, in one statement. Undefined: there is none. The caller compares its birth. */
export async function readGrant(db: Db, issuer: number, id: Uint8Array): Promise<GrantReading | undefined> {
  const [row] = await read(db, grantReads(db).get, { issuer, id });
  if (row === undefined) return undefined;
  const { grant, current } = toLook(row);
  return { grant, current };
}

/** What ending a grant comes to. `over`: it had ended before. `unknown`: there is none that was born so. */
export type GrantEnd = { readonly kind: "ended" | "over" | "unknown" };

/** Ends a grant, whatever its state, and so all that names it (RFC 7009 §2.1). `birth` undefined: whoever calls knows the id alone. */
export function endGrant(
  db: Db,
  issuer: number,
  { id, birth, attempt }: { readonly id: Uint8Array; readonly birth: Uint8Array | undefined; readonly attempt: Uint8Array },
): Promise<GrantEnd> {
  return db.driver.write(
    function* (): Steps<GrantEnd> {
      if (yield* endRow(db, issuer, { id, birth, attempt })) {
        yield* recordGrantEnd(db, issuer, id);
        return { kind: "ended" };
      }
      const look = yield* lookAtGrantById(db, issuer, id);
      if (look === undefined || (birth !== undefined && !equalBytes(look.grant.birth, birth))) return { kind: "unknown" };
      if (look.grant.state !== "ended") throw contradiction();
      return { kind: look.attempt !== undefined && equalBytes(look.attempt, attempt) ? "ended" : "over" };
    },
    () => db.caches.forgetGrant(issuer, id),
    { repeatable: true },
  );
}
