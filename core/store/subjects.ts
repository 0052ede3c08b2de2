import { cacheKey } from "./caches.ts";
import type { Db } from "./db.ts";
import type { Dialect } from "./dialect.ts";
import { recordEvent } from "./events.ts";
import { and, eq, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, statements, value } from "./statement.ts";
import { rows, run, type Steps } from "./steps.ts";

const built = statements((dialect) => ({ grantEpoch: bumpOf(dialect, "grantEpoch"), sessionEpoch: bumpOf(dialect, "sessionEpoch"), both: readOf(dialect) }));

function bumpOf({ query, tables: { subjects }, upsert }: Dialect, name: "grantEpoch" | "sessionEpoch") {
  const first = query
    .insert(subjects)
    .values({ issuer: value("issuer"), subject: value("subject"), grantEpoch: name === "grantEpoch" ? 1 : 0, sessionEpoch: name === "sessionEpoch" ? 1 : 0 });
  return {
    // One statement: two first bumps may race, and neither may be lost. An absent row means 0.
    bump: compile(upsert(first, [subjects.issuer, subjects.subject], { [name]: sql`${subjects[name]} + 1` })),
    get: compileRead(
      query
        .select({ epoch: subjects[name] })
        .from(subjects)
        .where(and(eq(subjects.issuer, value("issuer")), eq(subjects.subject, value("subject")))),
    ),
  };
}

function readOf({ query, tables: { subjects } }: Dialect) {
  return compileRead(
    query
      .select({ grantEpoch: subjects.grantEpoch, sessionEpoch: subjects.sessionEpoch })
      .from(subjects)
      .where(and(eq(subjects.issuer, value("issuer")), eq(subjects.subject, value("subject")))),
  );
}

/** What a login decision captures of its subject. */
export interface SubjectEpochs {
  readonly grantEpoch: number;
  readonly sessionEpoch: number;
}

/** The epochs of a subject that hold now. */
export async function readSubjectEpochs(db: Db, issuer: number, subject: string): Promise<SubjectEpochs> {
  const [row] = await read(db, built(db).both, { issuer, subject });
  return row ?? { grantEpoch: 0, sessionEpoch: 0 };
}

/** Moves `subject.grant_epoch`: all consents of the subject were revoked. Returns the epoch that holds now. */
export function bumpGrantEpoch(db: Db, issuer: number, subject: string): Promise<number> {
  return db.driver.write(
    function* (): Steps<number> {
      const epoch = yield* bump(db, issuer, subject, "grantEpoch");
      yield* recordEvent(db, issuer, { epoch, target: { case: "subject", value: subject } });
      return epoch;
    },
    (epoch) => db.caches.grantEpochs.set(cacheKey(issuer, subject), { epoch }),
  );
}

/** Moves `subject.session_epoch`: all login sessions of the subject were revoked. Tokens live on, so there is no event. */
export function bumpSessionEpoch(db: Db, issuer: number, subject: string): Promise<number> {
  return db.driver.write(() => bump(db, issuer, subject, "sessionEpoch"));
}

function* bump(db: Db, issuer: number, subject: string, name: "grantEpoch" | "sessionEpoch"): Steps<number> {
  const statement = built(db)[name];
  yield* run(statement.bump, { issuer, subject });
  const [row] = yield* rows(statement.get, { issuer, subject });
  if (row === undefined) throw new Error("a row that was just written is not there");
  return row.epoch;
}
