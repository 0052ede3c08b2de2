import type { EpochMillis } from "#lib/time.ts";
import type { Db } from "./db.ts";
import type { Dialect } from "./dialect.ts";
import { and, asc, eq, lt, sql } from "./schema/drizzle.ts";
import type { Tables } from "./schema/tables.ts";
import { compile, compileRead, read, roundUp, statements, value, variants } from "./statement.ts";
import { rows, run, type Steps } from "./steps.ts";

/** Rows of one transaction: what is written meanwhile waits for it. */
const BATCH = 128;

/** Tables whose rows are of no use once they have expired, with the column that names a row. */
const EXPIRING = [
  ["revoked_tokens", ({ revokedTokens: table }: Tables) => ({ table, id: table.tokenId })],
  ["assertion_jtis", ({ assertionJtis: table }: Tables) => ({ table, id: table.jtiHash })],
  ["decisions", ({ decisions: table }: Tables) => ({ table, id: table.id })],
  ["logout_outbox", ({ logoutOutbox: table }: Tables) => ({ table, id: table.id })],
  ["device_codes", ({ deviceCodes: table }: Tables) => ({ table, id: table.userCodeHash })],
  ["sessions", ({ sessions: table }: Tables) => ({ table, id: table.id })],
  ["trusted_issuers", ({ trustedIssuers: table }: Tables) => ({ table, id: table.id })],
  ["grants", ({ grants: table }: Tables) => ({ table, id: table.id })],
] as const;

const built = statements((dialect) => {
  const { query, tables, upsert, incoming } = dialect;
  const { revocationEvents: events, revocationHorizons: horizons, sessionClients } = tables;
  const oldEvents = and(eq(events.issuer, value("issuer")), lt(events.at, value("before")));
  return {
    expiring: EXPIRING.map(([name, of]) => ({ name, ...expiringStatements(dialect, of(tables)) })),
    deleteSessionClients: compile(query.delete(sessionClients).where(and(eq(sessionClients.issuer, value("issuer")), eq(sessionClients.sessionId, value("id"))))),
    oldEvents: compileRead(query.select({ at: events.at }).from(events).where(oldEvents).orderBy(asc(events.at)).limit(limitOf(BATCH))),
    moveHorizon: compile(
      upsert(query.insert(horizons).values({ issuer: value("issuer"), at: value("at") }), [horizons.issuer], {
        at: sql`CASE WHEN ${unqualified(horizons.at)} > ${incoming(horizons.at)} THEN ${unqualified(horizons.at)} ELSE ${incoming(horizons.at)} END`,
      }),
    ), // two janitors may race, and it never moves back
    deleteEvents: compile(query.delete(events).where(oldEvents)),
    consents: expiredConsentStatements(dialect),
  };
});

/** A row whose epoch has moved is emptied and stays: grants that captured an older one must find it. */
function expiredConsentStatements({ query, tables: { consents } }: Dialect) {
  const expired = and(eq(consents.issuer, value("issuer")), lt(consents.expiresAt, value("now")));
  const one = and(expired, eq(consents.subject, value("subject")), eq(consents.clientId, value("clientId")));
  return {
    find: variants((limit) => compileRead(query.select({ subject: consents.subject, clientId: consents.clientId }).from(consents).where(expired).limit(limitOf(limit)))),
    delete: compile(query.delete(consents).where(and(one, eq(consents.epoch, 0)))),
    empty: compile(
      query
        .update(consents)
        .set({ clientIncarnation: sql`NULL`, sourceGrantId: sql`NULL`, expiresAt: sql`NULL`, rowVersion: sql`${consents.rowVersion} + 1`, document: sql`NULL` })
        .where(one),
    ),
  };
}

function expiringStatements({ query }: Dialect, { table, id }: ReturnType<(typeof EXPIRING)[number][1]>) {
  const expired = and(eq(table.issuer, value("issuer")), lt(table.expiresAt, value("now")));
  return {
    find: variants((limit) => compileRead(query.select({ id }).from(table).where(expired).limit(limitOf(limit)))),
    // Looked at again in the statement: a row may have been extended since.
    delete: compile(query.delete(table).where(and(expired, eq(id, value("id"))))),
  };
}

function unqualified({ name }: { readonly name: string }): ReturnType<typeof sql> {
  return sql`${sql.identifier(name)}`;
}

function limitOf(limit: number): number {
  return sql.raw(String(limit)) as unknown as number; // as text: MySQL binds none there
}

/** What the janitor is asked to do. */
export interface JanitorOptions {
  /** Rows that expired before it go. A grant's `expires_at` is the latest expiry of all that names it. */
  readonly now: EpochMillis;
  /** Revocation events before it go; a consumer that asks for them gets a reset. */
  readonly eventsBefore: EpochMillis;
  /** About how many rows of each table at most. */
  readonly limit: number;
  /** Rows of one transaction, at most; 128 unless set. */
  readonly batchSize?: number;
  /** Which tables are looked at; all unless set. */
  readonly only?: (table: string) => boolean;
}

/** Frees what has expired, in small transactions; nothing depends on it but space. Returns how many rows went, by table. */
export async function deleteExpired(
  db: Db,
  issuer: number,
  { now, eventsBefore, limit, batchSize = BATCH, only = () => true }: JanitorOptions,
): Promise<Readonly<Record<string, number>>> {
  const batch = Math.min(batchSize, BATCH);
  const statement = built(db);
  const freed: Record<string, number> = {};
  for (const { name, find, delete: remove } of statement.expiring) {
    if (!only(name)) continue;
    const expired = (await read(db, find(roundUp(limit)), { issuer, now })).slice(0, limit);
    let count = 0;
    for (let i = 0; i < expired.length; i += batch)
      count += await db.driver.write(
        function* (): Steps<number> {
          let deleted = 0;
          for (const { id } of expired.slice(i, i + batch)) {
            const gone = yield* run(remove, { issuer, id, now });
            if (gone > 0 && name === "sessions") yield* run(statement.deleteSessionClients, { issuer, id });
            deleted += gone;
          }
          return deleted;
        },
        forgetGrants(db, issuer, name, expired),
      );
    freed[name] = count;
  }
  if (only("consents")) freed.consents = await freeConsents(db, issuer, now, limit);
  if (only("revocation_events")) freed.revocation_events = await deleteEvents(db, issuer, eventsBefore, limit);
  return freed;
}

/** A cache must not say of a grant that it is there when its row is gone. */
function forgetGrants(db: Db, issuer: number, table: string, expired: readonly { readonly id: Uint8Array }[]): () => void {
  return () => {
    if (table === "grants") for (const { id } of expired) db.caches.forgetGrant(issuer, id);
  };
}

/** Forgets remembered consents that have expired. Their epochs stay, so no cache is wrong by it. */
async function freeConsents(db: Db, issuer: number, now: EpochMillis, limit: number): Promise<number> {
  const { find, delete: remove, empty } = built(db).consents;
  const expired = (await read(db, find(roundUp(limit)), { issuer, now })).slice(0, limit);
  let freed = 0;
  for (let i = 0; i < expired.length; i += BATCH)
    freed += await db.driver.write(function* (): Steps<number> {
      let count = 0;
      for (const key of expired.slice(i, i + BATCH)) {
        const gone = yield* run(remove, { issuer, ...key, now });
        count += gone > 0 ? gone : yield* run(empty, { issuer, ...key, now });
      }
      return count;
    });
  return freed;
}

async function deleteEvents(db: Db, issuer: number, before: EpochMillis, limit: number): Promise<number> {
  let freed = 0;
  for (;;) {
    const { oldEvents, moveHorizon, deleteEvents: remove } = built(db);
    const deleted = await db.driver.write(function* (): Steps<number> {
      const last = (yield* rows(oldEvents, { issuer, before })).at(-1);
      if (last === undefined) return 0;
      // The horizon moves first: no reader may think that it has seen what is going.
      yield* run(moveHorizon, { issuer, at: last.at + 1 });
      return yield* run(remove, { issuer, before: last.at + 1 });
    });
    freed += deleted;
    if (deleted === 0 || freed >= limit) return freed;
  }
}
