import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type LogoutNotice as LogoutNoticeRecord, LogoutNoticeSchema } from "#gen/writ/store/v1/logout_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { LogoutNotice } from "../model/logout-notice.ts";
import type { Db } from "./db.ts";
import { and, asc, eq, gt, or, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, statements, value } from "./statement.ts";
import { insert, run, type Steps } from "./steps.ts";

/** Most that one look brings. */
const MOST = 64;

const built = statements(({ query, tables: { logoutOutbox: outbox } }) => {
  const one = and(eq(outbox.issuer, value("issuer")), eq(outbox.id, value("id")));
  const held = and(one, eq(outbox.lease, value("lease")));
  return {
    add: compile(
      query
        .insert(outbox)
        .values({ issuer: value("issuer"), id: value("id"), dueAt: value("dueAt"), attempts: 0, lease: sql`NULL`, expiresAt: value("expiresAt"), document: value("document") }),
    ),
    // Those that wait for later too: the first of them says when to look again.
    next: compileRead(
      query
        .select({ id: outbox.id, dueAt: outbox.dueAt, attempts: outbox.attempts, document: outbox.document })
        .from(outbox)
        .where(and(eq(outbox.issuer, value("issuer")), gt(outbox.expiresAt, value("now"))))
        .orderBy(asc(outbox.dueAt))
        .limit(sql.raw(String(MOST)) as unknown as number),
    ),
    claim: compile(
      query
        .update(outbox)
        .set({ dueAt: sql`${value("until")}`, attempts: sql`${value("attempts")}`, lease: sql`${value("lease")}` })
        .where(and(one, or(eq(outbox.dueAt, value("seenDueAt")), eq(outbox.lease, value("lease"))))),
    ),
    postpone: compile(
      query
        .update(outbox)
        .set({ dueAt: sql`${value("dueAt")}`, attempts: sql`${value("attempts")}`, lease: sql`NULL` })
        .where(held),
    ),
    remove: compile(query.delete(outbox).where(held)),
  };
});

/** What is put into the outbox. */
export interface NewLogoutNotice {
  readonly id: Uint8Array;
  /** From when on it may be tried. */
  readonly dueAt: EpochMillis;
  /** From when on it is of no use any more. */
  readonly expiresAt: EpochMillis;
  readonly record: LogoutNoticeRecord;
}

/** A step of the write that ends a session: a client is to be told, which holds or not together with that end. */
export function* addLogoutNotice(db: Db, issuer: number, { id, dueAt, expiresAt, record }: NewLogoutNotice): Steps<void> {
  if (!(yield* insert(built(db).add, { issuer, id, dueAt, expiresAt, document: toBinary(LogoutNoticeSchema, record) }))) throw new Error("a notice's random id is taken");
}

/** What there is to do. */
export interface LogoutClaim {
  /** Ours until `until`; whoever else looks finds them taken. */
  readonly notices: readonly LogoutNotice[];
  /** When the next one is due that was not taken. Undefined: there is none. */
  readonly nextAt: EpochMillis | undefined;
}

/** How notices are taken on. `lease`: random, 16 bytes, one for each call. */
export interface LogoutClaiming {
  readonly lease: Uint8Array;
  readonly limit: number;
  readonly now: EpochMillis;
  /** When others may take us for dead. */
  readonly until: EpochMillis;
}

/** Takes on notices that are due. Of several processes one gets each; those of one that died come back when its lease is over. */
export async function claimLogoutNotices(db: Db, issuer: number, { lease, limit, now, until }: LogoutClaiming): Promise<LogoutClaim> {
  const found = await read(db, built(db).next, { issuer, now });
  const due = found.filter(({ dueAt }) => dueAt <= now).slice(0, limit);
  const nextAt = found[due.length]?.dueAt as EpochMillis | undefined;
  if (due.length === 0) return { notices: [], nextAt };
  const notices = await db.driver.write(
    function* (): Steps<LogoutNotice[]> {
      const ours: LogoutNotice[] = [];
      for (const { id, dueAt: seenDueAt, attempts, document } of due)
        if ((yield* run(built(db).claim, { issuer, id, lease, until, seenDueAt, attempts: attempts + 1 })) === 1)
          ours.push({ id, attempts: attempts + 1, record: fromBinary(LogoutNoticeSchema, document) });
      return ours;
    },
    undefined,
    { repeatable: true },
  );
  return { notices, nextAt };
}

/** One that was taken on by `lease`, and is still held by it. */
export interface HeldNotice {
  readonly id: Uint8Array;
  readonly lease: Uint8Array;
}

/** The client was told, or never will be. */
export function removeLogoutNotice(db: Db, issuer: number, { id, lease }: HeldNotice): Promise<void> {
  return db.driver.write(
    function* (): Steps<void> {
      yield* run(built(db).remove, { issuer, id, lease });
    },
    undefined,
    { repeatable: true },
  );
}

/** Lets go of one, to be tried again from `dueAt` on. `attempts`: how many are to have been made. */
export function postponeLogoutNotice(
  db: Db,
  issuer: number,
  { id, lease, dueAt, attempts }: HeldNotice & { readonly dueAt: EpochMillis; readonly attempts: number },
): Promise<void> {
  return db.driver.write(
    function* (): Steps<void> {
      yield* run(built(db).postpone, { issuer, id, lease, dueAt, attempts });
    },
    undefined,
    { repeatable: true },
  );
}
