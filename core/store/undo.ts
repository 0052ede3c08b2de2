import type { Db } from "./db.ts";
import type { Steps } from "./steps.ts";

/**
 * Runs a write that may find out on its way that it must not happen: `undo` takes back all it has done so far, and the write
 * comes to `outcome` all the same. Such writes can be run again (`repeatable`); `committed` is only called when none was taken back.
 */
export async function writeOrUndo<R>(db: Db, steps: (undo: (outcome: R) => never) => Steps<R>, committed?: (result: R) => void): Promise<R> {
  let outcome: { readonly undone: R } | undefined;
  const signal = new Error("taken back"); // known by its identity, so that an error of the engine is never taken for it
  const undo = (undone: R): never => {
    outcome = { undone };
    throw signal;
  };
  try {
    return await db.driver.write(() => steps(undo), committed, { repeatable: true });
  } catch (error) {
    if (error === signal && outcome !== undefined) return outcome.undone;
    throw error;
  }
}
