import type { DatabaseSync } from "node:sqlite";
import type { Operation, Outcome, Steps } from "../steps.ts";

/** Runs steps to their end in one go. */
export function drive<R>(steps: Steps<R>, perform: (operation: Operation) => Outcome): R {
  let next = steps.next();
  while (next.done !== true) {
    let outcome: Outcome;
    try {
      outcome = perform(next.value);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(outcome);
  }
  return next.value;
}

/** Ends a transaction that has failed. After a full disk and the like the engine has done so already. */
export function rollBack(db: DatabaseSync): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // There is none any more.
  }
}
