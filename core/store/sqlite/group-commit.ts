import type { DatabaseSync } from "node:sqlite";
import type { Log } from "#lib/events.ts";
import { doesNotFit, notNow, outcomeUnknown } from "../driver.ts";
import type { Operation, Outcome, Steps } from "../steps.ts";
import { drive, rollBack } from "./drive.ts";
import { isBusy, isEngineFailure, isTooLong } from "./errors.ts";

/** Writes in groups. */
export interface GroupCommit {
  write<R>(steps: () => Steps<R>, committed?: (result: R) => void): Promise<R>;
  /** Resolves when nothing is waiting to be written. */
  idle(): Promise<void>;
}

interface Member {
  readonly steps: () => Steps<unknown>;
  readonly committed: ((result: never) => void) | undefined;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  outcome: { readonly kind: "done"; readonly result: unknown } | { readonly kind: "failed"; readonly error: unknown } | undefined;
}

/** How long a group waits for another process's lock before its members are told to try again. Milliseconds. */
const BUSY_DEADLINE = 5000;
const MAX_GROUP = 1000;

/**
 * Writes that arrive in one turn of the event loop share one transaction, so one fsync. Each has a savepoint of its own: one
 * that fails takes back only what it did. From BEGIN to COMMIT nothing else runs, since another request on the same
 * connection would read what is not committed. Nobody hears of success before COMMIT has succeeded; where the group fails,
 * every member hears that its outcome is not known.
 */
export function makeGroupCommit({ db, perform, log }: { readonly db: DatabaseSync; readonly perform: (operation: Operation) => Outcome; readonly log: Log }): GroupCommit {
  const savepoint = { begin: db.prepare("SAVEPOINT member"), takeBack: db.prepare("ROLLBACK TO member"), end: db.prepare("RELEASE member") };
  let waiting: Member[] = [];
  let scheduled = false;
  let busySince: number | undefined;
  const idlers: (() => void)[] = [];

  const schedule = (delay?: number): void => {
    if (scheduled) return;
    scheduled = true;
    if (delay === undefined) setImmediate(flush);
    else setTimeout(flush, delay);
  };

  const flush = (): void => {
    scheduled = false;
    try {
      db.exec("BEGIN IMMEDIATE");
      busySince = undefined;
    } catch (error) {
      waitForLock(error);
      return;
    }
    const members = waiting.slice(0, MAX_GROUP);
    waiting = waiting.slice(MAX_GROUP);
    const failure = runGroup(members);
    if (failure === undefined) for (const member of members) settle(member);
    else {
      log.error("store_group_failed", { members: members.length, cause: failure.error });
      for (const { reject } of members) reject(outcomeUnknown(failure.error));
    }
    if (waiting.length > 0) schedule();
    else for (const idler of idlers.splice(0)) idler();
  };

  /** Nothing was begun, so nothing was written: whoever waits may be told so once the deadline has passed. */
  const waitForLock = (error: unknown): void => {
    busySince ??= performance.now();
    if (isBusy(error) && performance.now() - busySince < BUSY_DEADLINE) {
      log.debug("store_retry", { reason: "locked" });
      schedule(5 + Math.random() * 15);
      return;
    }
    busySince = undefined;
    for (const { reject } of waiting.splice(0)) reject(notNow(error));
    for (const idler of idlers.splice(0)) idler();
  };

  /** Undefined: committed. */
  const runGroup = (members: readonly Member[]): { readonly error: unknown } | undefined => {
    try {
      for (const member of members) {
        savepoint.begin.run();
        try {
          member.outcome = { kind: "done", result: drive(member.steps(), perform) };
        } catch (error) {
          // A full disk or the like fails the group: it may have rolled back the whole transaction already, and then no
          // savepoint is left to return to; and those who come next would only meet it again.
          if (isEngineFailure(error)) throw error;
          savepoint.takeBack.run();
          member.outcome = { kind: "failed", error: isTooLong(error) ? doesNotFit(error) : error };
        }
        savepoint.end.run();
      }
      db.exec("COMMIT");
      return undefined;
    } catch (error) {
      rollBack(db);
      return { error };
    }
  };

  return {
    write: <R>(steps: () => Steps<R>, committed?: (result: R) => void) =>
      new Promise<R>((resolve, reject) => {
        waiting.push({ steps, committed, resolve, reject, outcome: undefined } as Member);
        schedule();
      }),
    idle: () => (waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
  };
}

function settle({ outcome, committed, resolve, reject }: Member): void {
  if (outcome?.kind === "done") {
    committed?.(outcome.result as never);
    resolve(outcome.result as never);
  } else reject(outcome?.error);
}
