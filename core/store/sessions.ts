import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { LogoutNoticeSchema } from "#gen/writ/store/v1/logout_pb.ts";
import { SessionRecordSchema } from "#gen/writ/store/v1/session_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import { makeTimeId } from "#lib/id.ts";
import type { Random } from "#lib/random.ts";
import { addMillis, type EpochMillis } from "#lib/time.ts";
import type { ClientIdentity } from "../model/client.ts";
import type { Session, SessionClient } from "../model/session.ts";
import type { Db } from "./db.ts";
import { orZero } from "./grant-rows.ts";
import { addLogoutNotice } from "./logout-outbox.ts";
import { and, asc, eq, gt, inArray, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, statements, value } from "./statement.ts";
import { insert, rows, run, type Steps } from "./steps.ts";

/** How long clients may be told that a session has ended. Milliseconds. */
const NOTICE_LIFE = 24 * 3600 * 1000;
/** `session_epoch` of a grant whose session was ended by its id: no counter ever has it. */
const ENDED = -1;

const built = statements(({ query, tables: { sessions, sessionClients, subjects, clients, grants }, upsert, incoming }) => {
  const one = and(eq(sessions.issuer, value("issuer")), eq(sessions.id, value("id")));
  const clientsOfOne = and(eq(sessionClients.issuer, value("issuer")), eq(sessionClients.sessionId, value("id")));
  const born = and(one, eq(sessions.birth, value("birth")), gt(sessions.expiresAt, value("now")));
  const later = {
    expiresAt: sql`CASE WHEN ${sessions.expiresAt} < ${value("expiresAt")} THEN ${value("expiresAt")} ELSE ${sessions.expiresAt} END`,
    // Also where nothing else changes: on a cluster only rows that were changed are seen to collide.
    rowVersion: sql`${sessions.rowVersion} + 1`,
  };
  return {
    get: compileRead(
      query
        .select({
          id: sessions.id,
          birth: sessions.birth,
          subject: sessions.subject,
          sessionEpoch: sessions.sessionEpoch,
          authenticatedAt: sessions.authenticatedAt,
          remember: sessions.remember,
          expiresAt: sessions.expiresAt,
          document: sessions.document,
          current: orZero(subjects.sessionEpoch),
        })
        .from(sessions)
        .leftJoin(subjects, and(eq(subjects.issuer, sessions.issuer), eq(subjects.subject, sessions.subject)))
        .where(one),
    ),
    insert: compile(
      query.insert(sessions).values({
        issuer: value("issuer"),
        id: value("id"),
        birth: value("birth"),
        subject: value("subject"),
        sessionEpoch: value("sessionEpoch"),
        authenticatedAt: value("authenticatedAt"),
        remember: value("remember"),
        expiresAt: value("expiresAt"),
        rowVersion: 1,
        document: value("document"),
      }),
    ),
    keep: compile(
      query
        .update(sessions)
        .set(later)
        .where(and(born, eq(sessions.subject, value("subject")), eq(sessions.sessionEpoch, value("sessionEpoch")), eq(sessions.remember, 1))),
    ),
    extend: compile(query.update(sessions).set(later).where(born)),
    delete: compile(query.delete(sessions).where(one)),
    deleteClients: compile(query.delete(sessionClients).where(clientsOfOne)),
    // Nothing for a session that is no more: nobody would take the row away.
    join: compile(
      upsert(
        query.insert(sessionClients).select(
          query
            .select({
              issuer: sessions.issuer,
              sessionId: sessions.id,
              clientId: sql`${value("clientId")}`.as("client_id"),
              clientIncarnation: sql`${value("clientIncarnation")}`.as("client_incarnation"),
            })
            .from(sessions)
            .where(one),
        ),
        [sessionClients.issuer, sessionClients.sessionId, sessionClients.clientId],
        { clientIncarnation: incoming(sessionClients.clientIncarnation) },
      ),
    ),
    // A client that was deleted took no part, also if it was made again: whoever has its name now is another one.
    clients: compileRead(
      query
        .select({ clientId: sessionClients.clientId, clientIncarnation: sessionClients.clientIncarnation, document: clients.document })
        .from(sessionClients)
        .innerJoin(
          clients,
          and(eq(clients.issuer, sessionClients.issuer), eq(clients.clientId, sessionClients.clientId), eq(clients.incarnation, sessionClients.clientIncarnation)),
        )
        .where(clientsOfOne)
        .orderBy(asc(sessionClients.clientId)),
    ),
    endFlows: compile(
      query
        .update(grants)
        .set({ sessionEpoch: ENDED })
        .where(and(eq(grants.issuer, value("issuer")), eq(grants.sessionId, value("id")), inArray(grants.state, ["login", "consented", "code"]))),
    ),
  };
});

/** A session as it is found, with its subject's `session_epoch`: it lives while the two are equal (`isLiveSession`). */
export interface SessionReading {
  readonly session: Session;
  readonly sessionEpoch: number;
}

/** Reads a session by its `sid`. Undefined: there is none. The caller compares its birth. */
export async function readSession(db: Db, issuer: number, id: Uint8Array): Promise<SessionReading | undefined> {
  const [row] = await read(db, built(db).get, { issuer, id });
  return row === undefined ? undefined : toReading(row);
}

/** Makes a session last until `expiresAt`, if that is later than it would. A session that has expired stays so. */
export function extendSession(
  db: Db,
  issuer: number,
  { id, birth, expiresAt, now }: Pick<Session, "id" | "birth" | "expiresAt"> & { readonly now: EpochMillis },
): Promise<{ readonly kind: "extended" | "missing" }> {
  return db.driver.write(
    function* (): Steps<{ readonly kind: "extended" | "missing" }> {
      return { kind: (yield* run(built(db).extend, { issuer, id, birth, expiresAt, now })) === 1 ? "extended" : "missing" };
    },
    undefined,
    { repeatable: true },
  );
}

/** Which session ends. */
export interface SessionEnding {
  /** Its `sid`. */
  readonly id: Uint8Array;
  /** Undefined: whoever calls knows the `sid` alone. */
  readonly birth: Uint8Array | undefined;
  readonly now: EpochMillis;
  readonly random: Random;
}

/** What ending a session comes to. `clients`: those that took part in it and still are, to be told. Of several calls one ends it. */
export type SessionEnd = { readonly kind: "ended"; readonly session: Session; readonly clients: readonly SessionClient[] } | { readonly kind: "missing" };

/**
 * Ends a session. The outbox gets a notice for each client that wants one by the back channel, with the end or not at all. Flows in flight that were begun in it die: what they captured will never hold again. Tokens
 * live on, as after `bumpSessionEpoch`, so there is no event.
 */
export function endSession(db: Db, issuer: number, { id, birth, now, random }: SessionEnding): Promise<SessionEnd> {
  return db.driver.write(function* (): Steps<SessionEnd> {
    const statement = built(db);
    const [row] = yield* rows(statement.get, { issuer, id });
    const took = (yield* rows(statement.clients, { issuer, id })).map(toSessionClient);
    if (row === undefined || (birth !== undefined && !equalBytes(row.birth, birth)) || (yield* run(statement.delete, { issuer, id })) === 0) return { kind: "missing" };
    yield* run(statement.deleteClients, { issuer, id });
    yield* run(statement.endFlows, { issuer, id });
    for (const { clientId, clientIncarnation, client } of took)
      if (client.backchannelLogoutUri !== "") {
        const record = create(LogoutNoticeSchema, { client: { clientId, clientIncarnation }, subject: row.subject, sid: id });
        yield* addLogoutNotice(db, issuer, { id: makeTimeId(now, random), dueAt: now, expiresAt: addMillis(now, NOTICE_LIFE), record });
      }
    return { kind: "ended", session: toReading(row).session, clients: took };
  });
}

/** The clients that took part in a session and still are. */
export async function listSessionClients(db: Db, issuer: number, sessionId: Uint8Array): Promise<SessionClient[]> {
  return (await read(db, built(db).clients, { issuer, id: sessionId })).map(toSessionClient);
}

/** A session that a login makes. Its subject and `session_epoch` are the grant's. */
export type NewSession = Omit<Session, "subject" | "sessionEpoch">;

/** What a login does to the browser's session. */
export type SessionChange =
  /** `replaces`: the `sid` of the browser's old session, which ends. Flows in flight in other tabs go on. */
  | { readonly kind: "new"; readonly session: NewSession; readonly replaces?: Uint8Array | undefined }
  /** The session stood for the login, so it must be a remembered one and live. It lasts until `expiresAt` if that is later. */
  | { readonly kind: "keep"; readonly id: Uint8Array; readonly birth: Uint8Array; readonly expiresAt?: EpochMillis | undefined };

/** A step of the login's write. False: the session that was to be kept is no more. */
export function* changeSession(
  db: Db,
  issuer: number,
  change: SessionChange,
  { subject, sessionEpoch, now }: { readonly subject: string; readonly sessionEpoch: number; readonly now: EpochMillis },
): Steps<boolean> {
  const statement = built(db);
  if (change.kind === "keep") {
    const { id, birth, expiresAt = 0 } = change;
    return (yield* run(statement.keep, { issuer, id, birth, subject, sessionEpoch, expiresAt, now })) === 1;
  }
  const { session, replaces } = change;
  const { id, birth, authenticatedAt, remember, expiresAt, record } = session;
  const document = toBinary(SessionRecordSchema, record);
  const isNew = yield* insert(statement.insert, { issuer, id, birth, subject, sessionEpoch, authenticatedAt, remember: remember ? 1 : 0, expiresAt, document });
  if (!isNew) throw new Error("a session's random id is taken");
  if (replaces !== undefined) {
    yield* run(statement.delete, { issuer, id: replaces });
    yield* run(statement.deleteClients, { issuer, id: replaces });
  }
  return true;
}

/** A step of the consent's write: the client takes part in the session, if that is there still. */
export function* joinSession(db: Db, issuer: number, { sessionId, clientId, clientIncarnation }: ClientIdentity & { readonly sessionId: Uint8Array }): Steps<void> {
  yield* run(built(db).join, { issuer, id: sessionId, clientId, clientIncarnation });
}

function toSessionClient({ document, ...identity }: ReturnType<ReturnType<typeof built>["clients"]["decode"]>): SessionClient {
  const { client } = fromBinary(ClientRecordSchema, document);
  if (client === undefined) throw new Error("a client's row without the client");
  return { ...identity, client };
}

type SessionRow = ReturnType<ReturnType<typeof built>["get"]["decode"]>;

function toReading({ current, authenticatedAt, remember, expiresAt, document, ...row }: SessionRow): SessionReading {
  return {
    session: {
      ...row,
      authenticatedAt: authenticatedAt as EpochMillis,
      remember: remember === 1,
      expiresAt: expiresAt as EpochMillis,
      record: fromBinary(SessionRecordSchema, document),
    },
    sessionEpoch: current,
  };
}
