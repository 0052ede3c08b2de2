/** SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE. */
const DUPLICATE = new Set([1555, 2067]);
/** SQLITE_CONSTRAINT_CHECK, SQLITE_TOOBIG: the checks of our tables are about lengths. */
const TOO_LONG = new Set([275, 18]);
const BUSY = 5;
/** SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_MISUSE, SQLITE_RANGE: a fault of the statement, not of the database. */
const OF_STATEMENT = new Set([1, 18, 19, 20, 21, 25]);

/** The key of an INSERT is taken. */
export function isDuplicate(error: unknown): boolean {
  return DUPLICATE.has(codeOf(error));
}

/** A value is longer than its column takes. */
export function isTooLong(error: unknown): boolean {
  return TOO_LONG.has(codeOf(error));
}

/** Another process holds the lock. */
export function isBusy(error: unknown): boolean {
  return (codeOf(error) & 0xff) === BUSY;
}

/** The disk is full, cannot be read, cannot be written, or the like. */
export function isEngineFailure(error: unknown): boolean {
  const code = codeOf(error) & 0xff;
  return code !== 0 && !OF_STATEMENT.has(code);
}

/** SQLite's extended result code; 0: the error is none of SQLite's. */
function codeOf(error: unknown): number {
  return typeof error === "object" && error !== null && "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0;
}
