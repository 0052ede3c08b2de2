import { cacheKey } from "./caches.ts";
import type { Db } from "./db.ts";
import { recordEvent } from "./events.ts";
import { integer } from "./row.ts";
import { rows, run, type Steps } from "./steps.ts";

/** Moves `subject.grant_epoch`: all consents of the subject were revoked. Returns the epoch that holds now. */
export function bumpGrantEpoch(db: Db, issuer: number, subject: string): Promise<number> {
  return db.driver.write(
    function* (): Steps<number> {
      const epoch = yield* bump(db, issuer, subject, "grant_epoch");
      yield* recordEvent(db, issuer, { epoch, target: { case: "subject", value: subject } });
      return epoch;
    },
    (epoch) => db.caches.grantEpochs.set(cacheKey(issuer, subject), { epoch }),
  );
}

/** Moves `subject.session_epoch`: all login sessions of the subject were revoked. Tokens live on, so there is no event. */
export function bumpSessionEpoch(db: Db, issuer: number, subject: string): Promise<number> {
  return db.driver.write(() => bump(db, issuer, subject, "session_epoch"));
}

function* bump({ driver: { dialect } }: Db, issuer: number, subject: string, column: "grant_epoch" | "session_epoch"): Steps<number> {
  // Two first bumps may race: both insert or add, neither is lost.
  const add = dialect.engine === "mysql" ? `ON DUPLICATE KEY UPDATE ${column} = ${column} + 1` : `ON CONFLICT (issuer, subject) DO UPDATE SET ${column} = ${column} + 1`;
  const [grantEpoch, sessionEpoch] = column === "grant_epoch" ? [1, 0] : [0, 1];
  yield* run(`INSERT INTO subjects (issuer, subject, grant_epoch, session_epoch) VALUES (?, ?, ?, ?) ${add}`, issuer, subject, grantEpoch, sessionEpoch);
  const [row = []] = yield* rows(`SELECT ${column} FROM subjects WHERE issuer = ? AND subject = ?`, issuer, subject);
  return integer(row, 0);
}
